//===- GroupSums.h - Groups of quantised weights, added up ------*- C++ -*-===//
//
// Part of Marimba. Private to lowering/CPU/Quantized.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_GROUPSUMS_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_GROUPSUMS_H

#include "lowering/Common/Builders/QuantizedParts.h"

namespace mlir::marimba {

/// Where a vector of channels is.
struct Channels {
  Value block, lane;
};

/// Adds groups of weights up in f32, for all kernels.
class GroupSums {
public:
  GroupSums(KernelBuilder &b, const QuantizedParts &parts, int64_t lanes)
      : b(b), parts(parts), lanes(lanes) {}

  /// Adds a group to `old`, row by row: `part` has a tile's sums of products
  /// with its codes, which are scaled, and after them, where the weight has
  /// minimums, each row's sum of inputs, which is times them.
  SmallVector<Value> add(ArrayRef<Channels> channels, Value group,
                         ValueRange part, ValueRange old);

  /// Whether a super-block's scales can wait for the sum of all its groups:
  /// these have one byte each.
  bool hasSupers() const;
  /// Groups of a super-block.
  int64_t perSuper() const {
    return parts.layout.encoding.superBlock / parts.layout.group;
  }
  /// add() within a super-block, by the integer scale of the group only and
  /// without minimums.
  SmallVector<Value> addInSuper(ArrayRef<Channels> channels, Value group,
                                ValueRange part, ValueRange old);
  /// Adds a super-block to `old`, row by row: `part` is what addInSuper() made
  /// of all its groups, `inputs(group)` each row's sum of inputs.
  SmallVector<Value>
  addSuper(ArrayRef<Channels> channels, Value super, ValueRange part,
           ValueRange old,
           llvm::function_ref<SmallVector<Value>(Value group)> inputs);

private:
  /// Numbers of a part, in f32, for each vector of channels.
  SmallVector<Value> load(ArrayRef<Channels> channels, Value part, Value index);

  KernelBuilder &b;
  const QuantizedParts &parts;
  int64_t lanes;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_GROUPSUMS_H
