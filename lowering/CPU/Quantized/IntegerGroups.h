//===- IntegerGroups.h - From sums of integers to f32 -----------*- C++ -*-===//
//
// Part of Marimba. Private to lowering/CPU/Quantized.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_INTEGERGROUPS_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_INTEGERGROUPS_H

#include "lowering/CPU/Quantized/GroupSums.h"
#include "lowering/CPU/Quantized/IntegerProducts.h"

namespace mlir::marimba {

/// Scales the exact sums of groups of activations and adds them up, in one
/// order for few and for many rows: a row has the same bits in all calls. What
/// codes are too large by is taken off each group through the row's sum of
/// activations.
class IntegerGroups {
public:
  /// Rows, by their indices before the last one, times vectors of channels.
  struct Tile {
    ArrayRef<SmallVector<Value>> rows;
    ArrayRef<Channels> channels;
    int64_t count() const { return int64_t(rows.size() * channels.size()); }
  };
  /// The exact sums of a group of activations, row by row.
  using Totals = llvm::function_ref<SmallVector<Value>(Value group)>;

  /// `inputs` are codes, scales and sums of the rows (quantize_rows).
  IntegerGroups(KernelBuilder &b, IntegerUnit unit, const QuantizedParts &parts,
                int64_t lanes, ValueRange inputs);

  int64_t size() const { return parts.layout.depth / groups; } // inputs of one
  /// Of activations in one of weights.
  int64_t perWeights() const { return groups / parts.layout.groups; }

  /// `old` plus groups [begin, end) of the weights, which are whole
  /// super-blocks where there are such.
  SmallVector<Value> addAll(const Tile &tile, Value begin, Value end,
                            ValueRange old, Totals totals);
  /// `old` plus group `group` of the weights.
  SmallVector<Value> add(const Tile &tile, Value group, ValueRange old,
                         Totals totals);
  /// The first part of that: `before`, which may be empty, plus groups [first,
  /// last) of activations, all in group `group` of the weights, without its
  /// scales.
  SmallVector<Value> addUnscaled(const Tile &tile, Value group, Value first,
                                 Value last, ValueRange before, Totals totals);
  /// The last part: `old` plus `part` times the scales of group `group`, which
  /// has groups [first, last) of activations.
  SmallVector<Value> addScaled(const Tile &tile, Value group, Value first,
                               Value last, ValueRange part, ValueRange old);

  IntegerProducts products;

private:
  /// What is taken off the codes of each vector of channels: scalars, vectors
  /// or null.
  SmallVector<Value> offsets(const Tile &tile, Value group);
  /// Each row's sum of inputs of a group of activations.
  SmallVector<Value> loadSums(const Tile &tile, Value group);
  SmallVector<Value> scaled(const Tile &tile, Value group, ValueRange totals,
                            ArrayRef<Value> offsets, ValueRange before);

  KernelBuilder &b;
  const QuantizedParts &parts;
  GroupSums weights;
  int64_t lanes, groups;
  Value scales, sums; // of the rows
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_INTEGERGROUPS_H
