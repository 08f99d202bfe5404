//===- MatmulChoice.cpp - Library, kernel or loops --------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToOneDNN/MatmulChoice.h"

#include "dialects/Marimba/IR/Quantized.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

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
  return (target.generated || isQuantized(op.getWeight().getType())) &&
         !target.bf16Dots && op.getInput().getType().getElementType().isBF16();
}

Type mlir::marimba::packedType(LinearOp op) {
  Type input = op.getInput().getType().getElementType();
  Type stored = getElementTypeOrSelf(op.getWeight().getType());
  if (input.isBF16() || stored.isBF16())
    return BFloat16Type::get(op.getContext());
  return Float32Type::get(op.getContext());
}

/// What the table says of many rows; null where it says nothing. How many there
/// are is no matter: calls of generated kernels give a row the same bits, and
/// one answer for all is as near as it gets with the library. One row is
/// generated code's, which reads the same copy.
static const MatmulMeasurement *
measurementOf(LinearOp op, const MatmulTarget &target, int64_t rows) {
  auto weight = op.getWeight().getType();
  if (!target.table || rows == 1 || isQuantized(weight))
    return nullptr;
  std::string element;
  llvm::raw_string_ostream(element) << packedType(op);
  return target.table->find(target.unit, weightTypeName(element, nullptr),
                            kManyRows, weight.getDimSize(1),
                            weight.getDimSize(0));
}

/// A generated kernel that is slower than the library by less is chosen all the
/// same: it gives a row the same bits in all calls.
static constexpr double kWorthTheLibrary = 0.95;

MatmulChoice mlir::marimba::chooseMatmul(LinearOp op,
                                         const MatmulTarget &target) {
  auto input = op.getInput().getType();
  auto weight = op.getWeight().getType();
  using enum MatmulChoice::Kind;
  if (input.getRank() < 2 || input.getRank() > 3)
    return {Loops, ("input has rank " + llvm::Twine(input.getRank()) +
                    ", matmuls take 2 or 3")
                       .str()};
  if (!weight.hasStaticShape())
    return {Loops, "the weight's size is not known: it cannot be packed"};
  int64_t rows = rowsOf(op);
  if (target.generated) {
    if (const MatmulMeasurement *measured = measurementOf(op, target, rows)) {
      if (measured->generated || measured->ratio > kWorthTheLibrary)
        return {Packed, "table: " + measured->reason()};
      if (target.streams)
        return {Library, "table: " + measured->reason()};
      return {Packed, "the library would need a copy of the weight of its own, "
                      "despite the table: " +
                          measured->reason()};
    }
    std::string packed;
    llvm::raw_string_ostream(packed) << packedType(op);
    return {Packed, (rows == 1 ? "one row" : "any rows") +
                        (" over the weight packed as " + packed)};
  }
  if (widensInput(op, target))
    return {Library, "many rows over a quantised weight, widened to f32"};
  if (input.getElementType().isBF16() && !target.bf16Dots)
    return {Loops, "the target has no dot products of bf16"};
  if (rows == 1 && weight.getNumElements() < target.smallestCall)
    return {Loops,
            ("one row and a weight of " + llvm::Twine(weight.getNumElements()) +
             " elements, less than the " + llvm::Twine(target.smallestCall) +
             " that a call is worth")
                .str()};
  if (rows == 1 && target.streams)
    return {Packed, "one row times the weight packed for prefill"};
  return {Library, ShapedType::isDynamic(rows)
                       ? "many rows over a packed weight"
                       : ("rows: " + llvm::Twine(rows) +
                          ", times the weight packed for prefill")
                             .str()};
}
