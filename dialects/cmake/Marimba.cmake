# Helpers of the build, used by every folder that links MLIR.
include(${CMAKE_CURRENT_LIST_DIR}/Precompiled.cmake)

# MLIR and LLVM, as a program has them: libMLIR.so and libLLVM.so, or, where it
# is of marimba_link_archives(), the archives, of which the linker takes what is
# used. Never both: add_mlir_library's LINK_LIBS would bring archives in beside
# the shared library.
file(GLOB MARIMBA_ARCHIVES
  ${LLVM_LIBRARY_DIR}/libMLIR*.a ${LLVM_LIBRARY_DIR}/libLLVM*.a)
find_library(MARIMBA_ZSTD zstd)
add_library(MarimbaMLIR INTERFACE)
target_link_libraries(MarimbaMLIR INTERFACE
  "$<IF:$<BOOL:$<TARGET_PROPERTY:MARIMBA_LINKS_ARCHIVES>>,-Wl$<COMMA>--start-group;${MARIMBA_ARCHIVES};-Wl$<COMMA>--end-group;z;${MARIMBA_ZSTD},MLIR;LLVM>")

# For a program that is started often: to load and relocate all of the shared
# libraries takes 65 ms and 65 MB more, at each start, than what is used of them.
function(marimba_link_archives target)
  if(MARIMBA_ARCHIVES AND MARIMBA_ZSTD AND NOT MARIMBA_SANITIZE)
    set_target_properties(${target} PROPERTIES MARIMBA_LINKS_ARCHIVES ON)
    target_link_options(${target} PRIVATE
      -Wl,--gc-sections -Wl,-z,pack-relative-relocs)
  endif()
endfunction()

# For a program that compiles: LLVM and MLIR allocate small objects all the time,
# and with jemalloc a model compiles in nine tenths of the time. It stands in for
# the C library's, which a sanitizer does, too.
find_library(MARIMBA_JEMALLOC jemalloc)
function(marimba_link_jemalloc target)
  if(MARIMBA_JEMALLOC AND NOT MARIMBA_SANITIZE)
    target_link_libraries(${target} PRIVATE ${MARIMBA_JEMALLOC})
  endif()
endfunction()

# A library of the compiler: compiled without exceptions as LLVM is.
function(marimba_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  marimba_use_headers(${name} Compiler)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MarimbaMLIR)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# What a folder's Passes.td declares: Passes.h.inc, and <Pass>.h.inc with the
# definition of each pass. `registry` is part of register<registry>Passes().
set(MARIMBA_SPLIT_PASSES ${CMAKE_CURRENT_LIST_DIR}/SplitPasses.cmake)
function(marimba_add_passes target folder registry)
  set(td ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/Passes.td)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${folder})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${td})
  file(STRINGS ${td} lines REGEX "^def [A-Za-z0-9_]+")
  set(outputs ${out}/Passes.h.inc)
  foreach(line ${lines})
    string(REGEX REPLACE "^def ([A-Za-z0-9_]+).*" "\\1" pass "${line}")
    list(APPEND outputs ${out}/${pass}.h.inc)
  endforeach()
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(${folder}/Passes.all.inc -gen-pass-decls -name ${registry})
  add_custom_command(OUTPUT ${outputs}
    COMMAND ${CMAKE_COMMAND} -DGENERATED=${out}/Passes.all.inc -DFOLDER=${out}
      -P ${MARIMBA_SPLIT_PASSES}
    DEPENDS ${out}/Passes.all.inc ${MARIMBA_SPLIT_PASSES})
  add_custom_target(${target}-${folder} DEPENDS ${outputs})
  if(NOT TARGET ${target})
    add_custom_target(${target})
  endif()
  add_dependencies(${target} ${target}-${folder})
endfunction()

# A header of mlir-tblgen without the documentation in it, so that a word in a
# description compiles nothing. To be called where mlir_tablegen would be.
set(MARIMBA_STRIP_DOCS ${CMAKE_CURRENT_LIST_DIR}/StripDocs.cmake)
function(marimba_tablegen_header header)
  mlir_tablegen(${header}.all ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${header})
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DGENERATED=${out}.all -DOUTPUT=${out}
      -P ${MARIMBA_STRIP_DOCS}
    DEPENDS ${out}.all ${MARIMBA_STRIP_DOCS})
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} ${out} PARENT_SCOPE)
endfunction()

# Reference page of a dialect or of passes from its .td, into docs/ of the
# source tree by the target marimba-doc.
add_custom_target(marimba-doc)
function(marimba_add_doc td_file output)
  set(LLVM_TARGET_DEFINITIONS ${td_file})
  tablegen(MLIR ${output}.md ${ARGN})
  add_custom_target(marimba-doc-${output}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different
      ${CMAKE_CURRENT_BINARY_DIR}/${output}.md
      ${PROJECT_SOURCE_DIR}/docs/reference/${output}.md
    DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${output}.md)
  add_dependencies(marimba-doc marimba-doc-${output})
endfunction()
