//===- IntegerTiles.h - Tiles of products of bytes --------------*- C++ -*-===//
//
// Part of Marimba. Private to lowering/CPU/Quantized.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_INTEGERTILES_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_INTEGERTILES_H

#include "lowering/CPU/Contraction/TileKernel.h"
#include "lowering/CPU/Quantized/IntegerGroups.h"

namespace mlir::marimba {

/// Many rows of bytes times quantised weights: a panel has codes of whole
/// bytes, unpacked once for all rows of a task. The sums of integers of a group
/// of inputs are in registers, then scaled and added up as IntegerKernel does
/// it.
class IntegerTiles final : public TileKernel {
public:
  IntegerTiles(KernelBuilder &b, const TileFacts &facts, IntegerUnit unit,
               const QuantizedParts &parts);

  /// Whether panels are whole groups of `size` inputs of activations.
  static bool takesGroups(int64_t size);

  /// `inputs` are codes, scales and sums of the rows (quantize_rows).
  void emit(const ContractionOperands &operands, ValueRange inputs);

protected:
  void allocate() override;
  void produce(const Panel &panel) override;
  SmallVector<Value> sums(const Tile &tile, ValueRange start) override;

private:
  static Shape shapeFor(const TileFacts &facts, IntegerUnit unit);
  /// The exact sums of a group of activations.
  SmallVector<Value> totals(const Tile &tile, Value group);
  /// `before`, which may be empty, plus some fours of inputs of it, from
  /// `first` of the panel on.
  SmallVector<Value> some(const Tile &tile, Value first, int64_t count,
                          ValueRange before);

  IntegerUnit unit;
  const QuantizedParts &parts;
  std::optional<IntegerGroups> groups;
  /// The panel, of words of four codes:
  /// [tiles of a block, fours of inputs, channels of a tile].
  Value codes;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_INTEGERTILES_H
