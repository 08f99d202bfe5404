# Takes the definitions out of what mlir-tblgen makes of a Passes.td: one file a
# pass, so that another pass's summary recompiles nothing of this one.
#
#   cmake -DGENERATED=Passes.all.inc -DFOLDER=out -P SplitPasses.cmake
#
# Writes FOLDER/Passes.h.inc (declarations, registration) and FOLDER/<Pass>.h.inc
# (#define GEN_PASS_DEF_<PASS> first), each only where its text changed.
cmake_minimum_required(VERSION 3.20)
file(READ "${GENERATED}" rest)

function(write_changed path text)
  if(EXISTS "${path}")
    file(READ "${path}" old)
  endif()
  if(NOT EXISTS "${path}" OR NOT "${old}" STREQUAL "${text}")
    file(WRITE "${path}" "${text}")
  endif()
endfunction()

set(declarations "")
set(begin "#ifdef GEN_PASS_DEF_")
while(TRUE)
  string(FIND "${rest}" "${begin}" at)
  if(at EQUAL -1)
    break()
  endif()
  string(SUBSTRING "${rest}" 0 ${at} before)
  string(APPEND declarations "${before}")
  string(SUBSTRING "${rest}" ${at} -1 rest)
  string(REGEX MATCH "^#ifdef (GEN_PASS_DEF_[A-Z0-9_]+)" line "${rest}")
  set(macro ${CMAKE_MATCH_1})
  set(end "#endif // ${macro}")
  string(FIND "${rest}" "${end}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${GENERATED}: no '${end}'")
  endif()
  string(LENGTH "${end}" length)
  math(EXPR at "${at} + ${length}")
  string(SUBSTRING "${rest}" 0 ${at} definition)
  string(SUBSTRING "${rest}" ${at} -1 rest)
  # The class has the name of the pass as it is written: FooBase of Foo.
  string(REGEX MATCH "class ([A-Za-z0-9_]+)Base " line "${definition}")
  set(name ${CMAKE_MATCH_1})
  # That counts in release builds of LLVM, too.
  string(REPLACE "::mlir::Pass::Statistic " "::mlir::marimba::PassStatistic "
    definition "${definition}")
  write_changed("${FOLDER}/${name}.h.inc" "${definition}\n")
endwhile()
write_changed("${FOLDER}/Passes.h.inc" "${declarations}${rest}")
