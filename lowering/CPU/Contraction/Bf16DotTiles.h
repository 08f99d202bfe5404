//===- Bf16DotTiles.h - Tiles of dot products of bf16 -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CONTRACTION_BF16DOTTILES_H
#define MARIMBA_LOWERING_CPU_CONTRACTION_BF16DOTTILES_H

#include "lowering/CPU/Contraction/TileKernel.h"

namespace mlir::marimba {

/// sum + the products of two pairs of bf16, in each lane (vdpbf16ps): words of
/// weights, and `pair` of inputs, both vectors of i32.
Value dotPairs(KernelBuilder &b, Value sum, Value words, Value pair);
/// Two vectors of f32, rounded to bf16, as words: a vector of i32.
Value roundPairs(KernelBuilder &b, Value low, Value high);
/// Inputs k and k + 1 of a row of bf16, or k and 0 where `count` is 1, in each
/// lane as i32.
Value broadcastPair(KernelBuilder &b, int64_t lanes, Value input,
                    ArrayRef<Value> row, Value k, int64_t count);

/// Pairs of inputs and of weights, both in bf16; the words are read as they
/// are.
class Bf16DotTiles final : public TileKernel {
public:
  Bf16DotTiles(KernelBuilder &b, const TileFacts &facts);

protected:
  SmallVector<Value> sums(const Tile &tile, ValueRange start) override;

private:
  SmallVector<Value> step(const Tile &tile, Value word, int64_t count,
                          ValueRange old);
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CONTRACTION_BF16DOTTILES_H
