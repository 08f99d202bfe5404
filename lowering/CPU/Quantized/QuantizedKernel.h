//===- QuantizedKernel.h - Few rows times quantised weights -----*- C++ -*-===//
//
// Part of Marimba. Private to lowering/CPU/Quantized.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDKERNEL_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDKERNEL_H

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/CPU/Builders/BlockKernel.h"
#include "lowering/Common/Builders/QuantizedParts.h"
#include "lowering/Target/IntegerUnit.h"

namespace mlir::marimba {

/// What both kernels of quantized_matmul share.
class QuantizedKernel : public BlockKernel {
public:
  QuantizedKernel(KernelBuilder &b, QuantizedMatmulOp op, int64_t lanes)
      : BlockKernel(b, lanes), op(op),
        parts(b, op.getWeight(), op.getStoredType(), op.getMatrix()) {}

  void emit() {
    SmallVector<Value> inputs{op.getInput()};
    if (op.getScales())
      inputs.append({op.getScales(), op.getSums()});
    BlockKernel::emit(operandsOf(op, parts), inputs);
  }
  void emit(const ContractionOperands &operands, ValueRange inputs) {
    BlockKernel::emit(operands, inputs);
  }

  const QuantizedParts &matrix() const { return parts; }
  static ContractionOperands operandsOf(QuantizedMatmulOp op,
                                        const QuantizedParts &parts) {
    return {parts.words, op.getBias(), op.getInits()[0], parts.layout.channels,
            postOpsOf(op)};
  }

protected:
  /// Scales of a group in f32.
  Value loadScales(const Tile &tile, Value group, int64_t vector) {
    return parts.loadScales(lanes, blockOf(tile, vector), group,
                            laneOf(tile, vector));
  }
  /// Adds a group to `old`: `part` has the tile's sums of products with its
  /// codes minus `center`, which are scaled, and after them, where the weight
  /// has minimums, each row's sum of inputs, which is times them.
  SmallVector<Value> addGroup(const Tile &tile, Value group, ValueRange part,
                              ValueRange old, double center = 0) {
    int64_t vectors = tile.vectors(), count = vectors * tile.rows.size();
    SmallVector<Value> next;
    for (int64_t i = 0; i < count; ++i)
      next.push_back(
          b.fma(part[i], loadScales(tile, group, i % vectors), old[i]));
    if (!parts.minimums)
      return next;
    for (int64_t i = 0; i < count; ++i) {
      int64_t v = i % vectors;
      Value minimum =
          parts.loadMinimums(lanes, blockOf(tile, v), group, laneOf(tile, v));
      if (center != 0)
        minimum = b.fma(loadScales(tile, group, v),
                        b.broadcast(lanes, b.constant(center)), minimum);
      next[i] = b.fma(part[count + i / vectors], minimum, next[i]);
    }
    return next;
  }
  Value zeroPoints(const Tile &tile, Value group, int64_t vector) {
    return parts.zeroPoints(lanes, blockOf(tile, vector), group,
                            laneOf(tile, vector));
  }

  QuantizedMatmulOp op;
  QuantizedParts parts;
};

/// Products of f32, on any target.
struct FloatKernel : QuantizedKernel {
  using QuantizedKernel::QuantizedKernel;
  SmallVector<Value> sums(const Tile &tile) override;
};

/// Products of bytes by `unit`, which there is; activations of 8 bits.
class IntegerKernel : public QuantizedKernel {
public:
  IntegerKernel(KernelBuilder &b, QuantizedMatmulOp op, int64_t lanes,
                IntegerUnit unit)
      : QuantizedKernel(b, op, lanes), unit(unit) {}

protected:
  SmallVector<Value> sums(const Tile &tile) override;

private:
  IntegerUnit unit;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDKERNEL_H
