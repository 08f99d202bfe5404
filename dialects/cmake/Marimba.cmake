# Helpers of the build, used by every folder that links MLIR.

# A library of the compiler: compiled without exceptions as LLVM is, linked
# against libMLIR.so and libLLVM.so only. (add_mlir_library's LINK_LIBS would
# bring MLIR's static archives in beside the shared library: two copies.)
function(marimba_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE -fno-exceptions -Wall -Wextra
    -Wno-unused-parameter)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
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
