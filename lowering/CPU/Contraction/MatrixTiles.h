//===- MatrixTiles.h - Many rows by the tiles of AMX ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CONTRACTION_MATRIXTILES_H
#define MARIMBA_LOWERING_CPU_CONTRACTION_MATRIXTILES_H

#include "lowering/CPU/Contraction/Producers.h"
#include "lowering/CPU/Contraction/TileKernel.h"

namespace mlir::marimba {

/// The loop nest of a contraction of many rows by tiles: registers of 16 rows
/// of 64 bytes. Sixteen words of sixteen channels of a block of weights are
/// such a tile where they lie, as are sixteen rows of inputs: nothing is
/// copied, and tiles of products are 2 x 2 registers.
///
/// A row's sums are those of its inputs in the order in which the unit adds
/// them; they do not depend on the row's place or on other rows.
class MatrixTiles {
public:
  static constexpr int64_t kRows = 16; // of a register

  /// `input` is a memref of bf16 or i8, [..., any] with the rows of the output,
  /// of rank 2 or 3 (RowViews.h). Words have elements of its type and are read
  /// as they are, or come from `producer`, rounded to bf16.
  MatrixTiles(KernelBuilder &b, const TileFacts &facts, Value input,
              Producer *producer = nullptr);
  virtual ~MatrixTiles() = default;

  /// Whether the unit multiplies elements of `input`, and `depth` (K) of them
  /// are whole tiles.
  static bool takes(const TileFacts &facts, Value input, int64_t depth);
  /// Emits the nest; `depth` elements of the input's rows count.
  void emit(const ContractionOperands &operands, int64_t depth);

protected:
  /// A vector of channels of a row in f32, from the sums, f32 or, of bytes,
  /// i32. `row` has the indices before the last one.
  virtual Value finished(Value sums, ArrayRef<Value> row, Value block,
                         Value lane) {
    return sums;
  }

  KernelBuilder &b;
  const TileFacts facts;

private:
  static constexpr int64_t kChannels = Consumers::kChannels;
  static constexpr int64_t kSide = 2; // registers of sums along each side
  static constexpr int64_t kTile = kSide * kRows; // rows, and channels, of sums

  /// Inputs [first, first + count) of a block of channels, for rows [begin,
  /// end).
  struct Task {
    SmallVector<Value> outer; // indices before that of the row
    Value block, begin, end;
    Value first, count;
    Value isFirst, isLast; // null where there is one panel only
  };
  /// 32 rows of a task. Registers whose rows would be after the last row of all
  /// have the last ones.
  struct Rows {
    Value first;                 // as if there were always enough
    Value slot;                  // of the first one in `sums`
    SmallVector<Value, 2> bases; // of each register
  };

  int64_t panelDepth() const;
  int64_t rowsOfTask() const;
  /// Memory for the rows of a register.
  Value paddedRows();
  /// `rows`, or, where a sequence has fewer than a register, a copy of those of
  /// `outer` in `padded`, whose other rows may be anything.
  Value withPadding(Value rows, Value padded, ValueRange outer);
  void task(Value block, Value begin, Value end, ValueRange outer);
  void produce(const Task &task);
  void rows(const Task &task);
  void multiply(const Task &task, const Rows &rows, Value lane);
  void clear(const Rows &rows, Value lane);
  void finish(const Task &task, const Rows &rows, Value lane);
  Value scratch(ArrayRef<int64_t> sizes, Type element);

  Value input;
  Producer *producer;
  int64_t perRegister, perWord; // inputs of a register's row, and of a word
  Type sumType;                 // f32, or i32
  ContractionOperands operands;
  int64_t depth = 0;
  Value allRows;
  Value panel; // [words, 64] of i32; null where words are read as they are
  Value sums;  // [rows, 64]
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CONTRACTION_MATRIXTILES_H
