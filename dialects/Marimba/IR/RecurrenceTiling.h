//===- RecurrenceTiling.h - TilingInterface by letters ----------*- C++ -*-===//
//
// Part of Marimba. Every op that runs along time is tiled alike: its table of
// operand shapes says which slice of which operand a tile needs.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_RECURRENCETILING_H
#define MARIMBA_DIALECTS_MARIMBA_IR_RECURRENCETILING_H

#include "dialects/Marimba/IR/Verify.h"

#include "mlir/Interfaces/TilingInterface.h"

namespace mlir::marimba {

/// An operand and the letters of its dimensions.
using NamedOperands = ArrayRef<std::pair<Value, OperandShape>>;

/// Where T is in the iteration space.
int64_t recurrenceTime(NamedOperands operands);

/// parallel, but T is a reduction: it must run in order.
SmallVector<utils::IteratorType> recurrenceIterators(NamedOperands operands);

/// The sizes of the first operand, which has all dimensions.
SmallVector<Range> recurrenceDomain(OpBuilder &b, NamedOperands operands);

/// `op` on the slices of its operands. `valid` of a tile counts from the
/// tile's first token. A tile of heads (Hv) takes the groups of keys (G) that
/// they read: its number is static, a divisor or a multiple of the heads that
/// share one, and its first head a multiple of the number.
FailureOr<TilingResult> tileRecurrence(OpBuilder &b,
                                       DestinationStyleOpInterface op,
                                       NamedOperands operands,
                                       ArrayRef<OpFoldResult> offsets,
                                       ArrayRef<OpFoldResult> sizes);

/// Where in result `number` the tile's result goes.
void recurrenceResultTile(OpBuilder &b, DestinationStyleOpInterface op,
                          NamedOperands operands, unsigned number,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes,
                          SmallVector<OpFoldResult> &resultOffsets,
                          SmallVector<OpFoldResult> &resultSizes);

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_RECURRENCETILING_H
