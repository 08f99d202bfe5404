//===- Numbers.h - Floating-point attributes as people write them -*- C++ -*-=//
//
// Part of Marimba. Directives of assembly formats.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_NUMBERS_H
#define MARIMBA_DIALECTS_MARIMBA_IR_NUMBERS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpImplementation.h"
#include <string>

namespace mlir::marimba {

/// The shortest text that MLIR reads back as `value`, of f32 or f64: "1.0e-6".
/// What is not finite is written as its bits, as MLIR does.
std::string numberText(const APFloat &value);

/// custom<Number>($eps): a number of f64, without its type.
ParseResult parseNumber(OpAsmParser &parser, FloatAttr &number);
void printNumber(OpAsmPrinter &printer, Operation *op, FloatAttr number);

/// custom<Attributes>(attr-dict, "getOperationName()"): attr-dict in which
/// numbers, and arrays of f32, are printed by numberText. For ops whose format
/// names no attribute elsewhere.
ParseResult parseAttributes(OpAsmParser &parser, NamedAttrList &attributes,
                            StringRef op);
void printAttributes(OpAsmPrinter &printer, Operation *op,
                     DictionaryAttr attributes, StringRef name);

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_NUMBERS_H
