//===- PostOpsInterface.cpp - What a matmul does to its sums --------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/Interfaces/PostOpsInterface.h"

#include "dialects/Marimba/Interfaces/PostOpsInterface.cpp.inc"
