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

namespace mlir::marimba {

// custom<AttentionTypes>(type($query), type($key), type($value), type($past)):
// a list of four, or of three without a value.
ParseResult parseAttentionTypes(OpAsmParser &parser, Type &query, Type &key,
                                Type &value, Type &past);
void printAttentionTypes(OpAsmPrinter &printer, Operation *op, Type query,
                         Type key, Type value, Type past);

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_OPDEFINITIONS_H
