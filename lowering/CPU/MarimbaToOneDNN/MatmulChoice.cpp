//===- MatmulChoice.cpp - Library or loops ----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToOneDNN/MatmulChoice.h"

#include "dialects/Marimba/IR/Quantized.h"

#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace mlir::marimba;

/// Rows of a call where they are known: one for each row of the batch counts
/// as one, since one sequence is what decoding is about.
static int64_t rowsOf(LinearOp op) {
  if (op.getFewRows())
    return 1;
  ArrayRef<int64_t> shape = op.getInput().getType().getShape();
  if (shape.size() == 3)
    return shape[1] == 1 ? 1 : ShapedType::kDynamic;
  return shape[0];
}

bool mlir::marimba::widensInput(LinearOp op, const MatmulTarget &target) {
  return isQuantized(op.getWeight().getType()) && !target.bf16Dots &&
         op.getInput().getType().getElementType().isBF16();
}

MatmulChoice mlir::marimba::chooseMatmul(LinearOp op,
                                         const MatmulTarget &target) {
  auto input = op.getInput().getType();
  auto weight = op.getWeight().getType();
  if (input.getRank() < 2 || input.getRank() > 3)
    return {false, ("input has rank " + llvm::Twine(input.getRank()) +
                    ", the library takes 2 or 3")
                       .str()};
  if (!weight.hasStaticShape())
    return {false, "the weight's size is not known: it cannot be packed"};
  if (widensInput(op, target))
    return {true, "many rows over a quantised weight, widened to f32"};
  if (input.getElementType().isBF16() && !target.bf16Dots)
    return {false, "the target has no dot products of bf16"};
  int64_t rows = rowsOf(op);
  if (rows == 1 && weight.getNumElements() < target.smallestCall)
    return {false,
            ("one row and a weight of " + llvm::Twine(weight.getNumElements()) +
             " elements, less than the " + llvm::Twine(target.smallestCall) +
             " that a call is worth")
                .str()};
  if (rows == 1 && target.streams)
    return {true, "one row times the weight packed for prefill", true};
  return {true, ShapedType::isDynamic(rows)
                    ? "many rows over a packed weight"
                    : ("rows: " + llvm::Twine(rows) +
                       ", times the weight packed for prefill")
                          .str()};
}
