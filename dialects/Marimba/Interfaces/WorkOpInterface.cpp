//===- WorkOpInterface.cpp - What work an op does -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/Interfaces/WorkOpInterface.h"

#include "dialects/Marimba/Interfaces/WorkOpInterface.cpp.inc"
