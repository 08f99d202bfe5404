//===- ByteTiles.cpp - Bytes by the tiles of AMX ----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/ByteTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::marimba;

bool ByteTiles::takes(const TileFacts &facts, const QuantizedParts &parts,
                      Value codes, Value scales) {
  const formats::Layout &layout = parts.layout;
  return MatrixTiles::takes(facts, codes, layout.depth) &&
         layout.encoding.bits == 8 && layout.encoding.isSigned() &&
         !parts.zeros && !parts.minimums && layout.groups == 1 &&
         cast<MemRefType>(scales.getType()).getShape().back() == 1;
}

Value ByteTiles::finished(Value sums, ArrayRef<Value> row, Value block,
                          Value lane) {
  int64_t lanes = facts.lanes;
  Value exact = arith::SIToFPOp::create(
      b, VectorType::get({lanes}, b.getF32Type()), sums);
  Value group = b.index(0);
  return b.mul(b.mul(exact, b.load(scales, elementOf(row, group))),
               parts.loadScales(lanes, block, group, lane));
}
