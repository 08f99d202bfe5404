//===- RecurrenceOpInterface.cpp - How an op runs along time --------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/Interfaces/RecurrenceOpInterface.h"

#include "dialects/Marimba/Interfaces/RecurrenceOpInterface.cpp.inc"
