//===- RecurrenceOpInterface.h - How an op runs along time ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_INTERFACES_RECURRENCEOPINTERFACE_H
#define MARIMBA_DIALECTS_MARIMBA_INTERFACES_RECURRENCEOPINTERFACE_H

#include "mlir/IR/OpDefinition.h"
#include <optional>

namespace mlir::marimba {
class RecurrenceOpInterface;
} // namespace mlir::marimba

#include "dialects/Marimba/Interfaces/RecurrenceOpInterface.h.inc"

#endif // MARIMBA_DIALECTS_MARIMBA_INTERFACES_RECURRENCEOPINTERFACE_H
