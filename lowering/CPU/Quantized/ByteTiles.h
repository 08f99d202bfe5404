//===- ByteTiles.h - Bytes by the tiles of AMX ------------------*- C++ -*-===//
//
// Part of Marimba. Private to lowering/CPU/Quantized.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_BYTETILES_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_BYTETILES_H

#include "lowering/CPU/Contraction/MatrixTiles.h"

namespace mlir::marimba {

/// Signed codes of rows, with one scale for each row, times signed codes of
/// weights with one scale for each channel: sums are exact integers and scaled
/// where they leave the tile.
class ByteTiles final : public MatrixTiles {
public:
  /// `codes` and `scales` of the rows are those of quantize_rows.
  ByteTiles(KernelBuilder &b, const TileFacts &facts,
            const QuantizedParts &parts, Value codes, Value scales)
      : MatrixTiles(b, facts, codes), parts(parts), scales(scales) {}

  /// Whether weights and rows have such codes and scales.
  static bool takes(const TileFacts &facts, const QuantizedParts &parts,
                    Value codes, Value scales);

private:
  Value finished(Value sums, ArrayRef<Value> row, Value block,
                 Value lane) override;

  const QuantizedParts &parts;
  Value scales;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_BYTETILES_H
