//===- OpDefinitions.h - What generated definitions call --------*- C++ -*-===//
//
// Part of Marimba. For files that include MarimbaOps.cpp.inc or a shard of it.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_OPDEFINITIONS_H
#define MARIMBA_DIALECTS_MARIMBA_IR_OPDEFINITIONS_H

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Numbers.h"
#include "dialects/Marimba/IR/PostOps.h"
#include "dialects/Marimba/IR/RecurrenceTiling.h"
#include "dialects/Marimba/IR/Verify.h"

#endif // MARIMBA_DIALECTS_MARIMBA_IR_OPDEFINITIONS_H
