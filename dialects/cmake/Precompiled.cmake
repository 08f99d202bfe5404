# Precompiled headers: without them two thirds of a build reads headers of MLIR
# and of the standard library again and again.
#
# Off with ccache, which by default does not cache what uses them (its option
# `sloppiness` would have to be set). Such builds, and clang-tidy in
# tools/check.sh, see a source that lacks an include.
if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache")
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

set(MARIMBA_PRECOMPILED ${CMAKE_CURRENT_LIST_FILE})

# What nearly every source of a kind reads. Of ours the dialect alone: half of
# the compiler's sources read its generated classes, and a changed op compiles
# those again in any case.
set(MARIMBA_Compiler_HEADERS
  <mlir/Dialect/Affine/IR/AffineOps.h>
  <mlir/Dialect/Arith/IR/Arith.h>
  <mlir/Dialect/Bufferization/IR/Bufferization.h>
  <mlir/Dialect/Func/IR/FuncOps.h>
  <mlir/Dialect/LLVMIR/LLVMDialect.h>
  <mlir/Dialect/Linalg/IR/Linalg.h>
  <mlir/Dialect/Math/IR/Math.h>
  <mlir/Dialect/MemRef/IR/MemRef.h>
  <mlir/Dialect/SCF/IR/SCF.h>
  <mlir/Dialect/Tensor/IR/Tensor.h>
  <mlir/Dialect/Vector/IR/VectorOps.h>
  <mlir/Interfaces/TilingInterface.h>
  <mlir/Pass/Pass.h>
  <mlir/Pass/PassManager.h>
  <mlir/Transforms/WalkPatternRewriteDriver.h>
  <llvm/ADT/StringExtras.h>
  <llvm/ADT/StringMap.h>
  <llvm/ADT/StringSet.h>
  <llvm/Support/FileSystem.h>
  <llvm/Support/FormatVariadic.h>
  <llvm/Support/JSON.h>
  <llvm/Support/MemoryBuffer.h>
  <llvm/Support/raw_ostream.h>
  ${PROJECT_SOURCE_DIR}/dialects/Marimba/IR/Marimba.h
)
# Without exceptions nlohmann's parser aborts where it should throw, and its
# functions in one object are those of the whole program: who includes it here
# finds that name in an error. The compiler reads and writes JSON with LLVM's.
set(MARIMBA_Compiler_OPTIONS
  -fno-exceptions -Wall -Wextra -Wno-unused-parameter
  -DJSON_THROW_USER=nlohmann_json_needs_exceptions)

set(MARIMBA_Runtime_HEADERS
  <algorithm> <array> <charconv> <cmath> <filesystem> <functional> <map>
  <memory> <mutex> <optional> <span> <string> <string_view> <unordered_map>
  <vector>
  <nlohmann/json.hpp>
)
set(MARIMBA_Runtime_OPTIONS -fexceptions -frtti)

# What must be generated first, and where else headers are.
set(MARIMBA_Compiler_DEPENDS MLIRMarimbaInterfacesIncGen MLIRMarimbaOpsIncGen)
set(MARIMBA_Compiler_INCLUDES
  $<TARGET_PROPERTY:MarimbaFormats,INTERFACE_INCLUDE_DIRECTORIES>)

# Compiles a target with the options of a kind (Compiler, Runtime) and with its
# precompiled headers, which all targets of the kind share, or all that a
# sanitizer watches: no target may have other options that change the language.
# A source with options of its own reads its headers itself.
function(marimba_use_headers target kind)
  target_compile_options(${target} PRIVATE ${MARIMBA_${kind}_OPTIONS})
  set(owner Marimba${kind}Headers)
  get_directory_property(folder_options COMPILE_OPTIONS)
  if("${folder_options}" MATCHES "-fsanitize")
    string(APPEND owner Watched)
  endif()
  if(NOT TARGET ${owner})
    set(source ${PROJECT_BINARY_DIR}/headers/${kind}.cpp)
    if(NOT EXISTS ${source})
      file(WRITE ${source} "// Carries what is precompiled.\n")
    endif()
    add_library(${owner} OBJECT ${source})
    target_compile_options(${owner} PRIVATE ${MARIMBA_${kind}_OPTIONS})
    target_precompile_headers(${owner} PRIVATE ${MARIMBA_${kind}_HEADERS})
    # CMake dates the list of headers back: without this a build folder that is
    # there keeps what the list was, and nothing compiles.
    set_source_files_properties(
      ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${owner}.dir/cmake_pch.hxx.cxx
      PROPERTIES OBJECT_DEPENDS ${MARIMBA_PRECOMPILED})
    if(MARIMBA_${kind}_DEPENDS)
      add_dependencies(${owner} ${MARIMBA_${kind}_DEPENDS})
      target_include_directories(${owner} PRIVATE ${MARIMBA_${kind}_INCLUDES})
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM ${owner})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    # As the libraries are, not -fPIE: the headers would not fit.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  marimba_skip_headers_of_own_options(${target})
endfunction()

# Precompiled headers for one target alone.
function(marimba_precompile target)
  target_precompile_headers(${target} PRIVATE ${ARGN})
  marimba_skip_headers_of_own_options(${target})
endfunction()

# Later, when the folder has said all of its sources' options.
function(marimba_skip_headers_of_own_options target)
  cmake_language(EVAL CODE
    "cmake_language(DEFER CALL marimba_skip_headers_now ${target})")
endfunction()
function(marimba_skip_headers_now target)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    if(options)
      set_source_files_properties(${source} PROPERTIES
        SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()
