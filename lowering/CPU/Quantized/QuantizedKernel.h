//===- QuantizedKernel.h - One row times quantised weights ------*- C++ -*-===//
//
// Part of Marimba. Private to lowering/CPU/Quantized.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDKERNEL_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDKERNEL_H

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/CPU/Builders/BlockKernel.h"
#include "lowering/CPU/Quantized/EntryTables.h"
#include "lowering/CPU/Quantized/GroupSums.h"
#include "lowering/CPU/Quantized/IntegerProducts.h"
#include "lowering/Common/Builders/QuantizedParts.h"
#include "lowering/Target/IntegerUnit.h"

namespace mlir::marimba {

/// What both kernels of quantized_matmul share.
class QuantizedKernel : public BlockKernel {
public:
  QuantizedKernel(KernelBuilder &b, QuantizedMatmulOp op,
                  const TileFacts &facts)
      : BlockKernel(b, facts), op(op),
        parts(b, op.getWeight(), op.getStoredType(), op.getMatrix()) {}

  void emit(const ContractionOperands &operands, ValueRange inputs) {
    BlockKernel::emit(operands, inputs);
  }

  const QuantizedParts &matrix() const { return parts; }
  /// What widens codes of a table looks them up in registers, where `unit` says
  /// that the target has the instruction.
  void useTables(IntegerUnit unit) {
    const signed char *table = formats::codeTable(parts.layout.encoding.values);
    if (table && IntegerProducts::has(unit, lanes))
      parts.lookUp = [&b = b, table](Value words) {
        return lookUpBytes(b, table, words);
      };
  }
  /// The target has what lookUpByPermutation() needs.
  void useByteTables() {
    const formats::Encoding &encoding = parts.layout.encoding;
    if (encoding.hasGrid())
      parts.lookUpEntries = lookUpByPermutation(b, encoding.values);
  }
  static ContractionOperands operandsOf(QuantizedMatmulOp op,
                                        const QuantizedParts &parts) {
    return {parts.words, op.getBias(), op.getInits()[0], parts.layout.channels,
            postOpsOf(op)};
  }

protected:
  /// Where the tile's vectors of channels are.
  SmallVector<Channels> channelsOf(const Tile &tile) {
    SmallVector<Channels> all;
    for (int64_t v = 0; v < tile.vectors(); ++v)
      all.push_back({blockOf(tile, v), laneOf(tile, v)});
    return all;
  }
  /// The codes of a step of each channel of a vector; words some way after them
  /// are prefetched.
  QuantizedParts::Step loadStep(const Tile &tile, Value step, int64_t vector) {
    Value first = parts.firstWord(step);
    SmallVector<Value, 4> words;
    for (int64_t w = 0; w < parts.wordsOfStep(); ++w) {
      Value word = b.addi(first, b.index(w));
      words.push_back(loadWords(tile, word, vector));
      prefetchWords(tile, word, vector);
    }
    return parts.withHighBits(std::move(words), lanes, blockOf(tile, vector),
                              step, laneOf(tile, vector));
  }

  QuantizedMatmulOp op;
  QuantizedParts parts;
};

/// Products of f32, on any target.
class FloatKernel : public QuantizedKernel {
public:
  using QuantizedKernel::QuantizedKernel;

protected:
  SmallVector<Value> sums(const Tile &tile) override;

private:
  /// Of a group and a vector of channels; the last two may be null.
  struct Terms {
    Value scale, zero, minimum;
  };
};

/// Products of bytes by `unit`, which there is; activations of 8 bits.
class IntegerKernel : public QuantizedKernel {
public:
  IntegerKernel(KernelBuilder &b, QuantizedMatmulOp op, const TileFacts &facts,
                IntegerUnit unit)
      : QuantizedKernel(b, op, facts), unit(unit) {}

protected:
  SmallVector<Value> sums(const Tile &tile) override;

private:
  IntegerUnit unit;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDKERNEL_H
