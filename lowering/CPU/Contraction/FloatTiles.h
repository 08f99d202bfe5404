//===- FloatTiles.h - Tiles of products of f32 ------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CONTRACTION_FLOATTILES_H
#define MARIMBA_LOWERING_CPU_CONTRACTION_FLOATTILES_H

#include "lowering/CPU/Contraction/Producers.h"
#include "lowering/CPU/Contraction/TileKernel.h"

namespace mlir::marimba {

/// Fused multiply-adds of f32: a broadcast input times vectors of weights that
/// a producer has made f32.
class FloatTiles final : public TileKernel {
public:
  FloatTiles(KernelBuilder &b, const TileFacts &facts, Producer &producer);

protected:
  void allocate() override;
  void produce(const Panel &panel) override;
  SmallVector<Value> sums(const Tile &tile, ValueRange start) override;

private:
  static Shape shapeFor(const TileFacts &facts);

  Producer &producer;
  Value weights; // the panel: [tiles of a block, inputs, channels of a tile]
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CONTRACTION_FLOATTILES_H
