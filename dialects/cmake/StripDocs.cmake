# Takes the documentation out of a header that mlir-tblgen made: who corrects an
# op's description recompiles nothing.
#
#   cmake -DGENERATED=Ops.h.inc.all -DOUTPUT=Ops.h.inc -P StripDocs.cmake
#
# Writes OUTPUT only where its text changed.
cmake_minimum_required(VERSION 3.20)
file(READ "${GENERATED}" text)
string(REGEX REPLACE "(^|\n)[ \t]*///[^\n]*" "\\1" text "${text}")
string(REGEX REPLACE "\n\n+" "\n" text "${text}")
set(old)
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" old)
endif()
if(NOT "${old}" STREQUAL "${text}")
  file(WRITE "${OUTPUT}" "${text}")
endif()
