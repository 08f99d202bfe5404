//===- NormsToLinalg.cpp - Norms of the last dimension ----------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/MarimbaToLinalg/GenericBuilder.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// One factor for each row of `x`, made of the sum of its squares, so that
/// division and root are not per element.
Value rowFactors(GenericBuilder &g, Value x,
                 llvm::function_ref<Value(KernelBuilder &, Value)> factorOf) {
  unsigned rank = cast<RankedTensorType>(x.getType()).getRank();
  SmallVector<OpFoldResult> sizes = g.sizes(x);
  sizes.pop_back();
  Value squares =
      g.build(rank, {{x, range(rank)}}, {g.zeros(sizes), range(rank - 1)},
              [](KernelBuilder &b, ValueRange args) {
                return b.add(args[1], b.mul(args[0], args[0]));
              });
  return g.build(
      rank - 1, {{squares, range(rank - 1)}}, {g.empty(sizes), range(rank - 1)},
      [&](KernelBuilder &b, ValueRange args) { return factorOf(b, args[0]); });
}

struct ConvertRMSNorm : LinalgPattern<RMSNormOp> {
  using LinalgPattern::LinalgPattern;

  /// The last dimension of `value` as two, its groups and their elements.
  static Value splitLast(GenericBuilder &g, Value value, int64_t groups) {
    auto type = cast<RankedTensorType>(value.getType());
    int64_t last = type.getRank() - 1;
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = groups;
    shape.push_back(type.getDimSize(last) / groups);
    SmallVector<OpFoldResult> sizes = g.sizes(value);
    sizes.back() = g.rewriter.getIndexAttr(groups);
    sizes.push_back(g.rewriter.getIndexAttr(shape.back()));
    return tensor::ExpandShapeOp::create(g.rewriter, g.loc, type.clone(shape),
                                         value, reassociate(last), sizes);
  }

  /// Of `last` + 2 dimensions, the two last ones as one.
  static SmallVector<ReassociationIndices> reassociate(int64_t last) {
    SmallVector<ReassociationIndices> dims;
    for (int64_t d = 0; d < last; ++d)
      dims.push_back({d});
    dims.push_back({last, last + 1});
    return dims;
  }

  SmallVector<Value> convert(GenericBuilder &g, RMSNormOp op) const override {
    auto groups = int64_t(op.getGroups());
    if (groups == 1)
      return {normalise(g, op, op.getInput(), op.getWeight())};
    Value weight = op.getWeight();
    Value y = normalise(g, op, splitLast(g, op.getInput(), groups),
                        weight ? splitLast(g, weight, groups) : weight);
    return {tensor::CollapseShapeOp::create(
        g.rewriter, g.loc, op.getType(), y,
        reassociate(op.getType().getRank() - 1))};
  }

  /// Over the last dimension; the weight has one or more of the last ones.
  static Value normalise(GenericBuilder &g, RMSNormOp op, Value x,
                         Value weight) {
    auto type = cast<RankedTensorType>(x.getType());
    unsigned rank = type.getRank();
    SmallVector<OpFoldResult> sizes = g.sizes(x);
    double count = type.getShape().back();
    double eps = op.getEps().convertToDouble();
    Value factor = rowFactors(g, x, [&](KernelBuilder &b, Value sum) -> Value {
      Value mean = b.div(sum, b.constant(count));
      Value root = math::SqrtOp::create(b, b.add(mean, b.constant(eps)));
      return b.div(b.constant(1.0), root);
    });
    SmallVector<GenericBuilder::Operand> inputs = {{x, range(rank)},
                                                   {factor, range(rank - 1)}};
    if (weight) {
      SmallVector<unsigned> dims = range(rank);
      int64_t own = cast<RankedTensorType>(weight.getType()).getRank();
      dims.erase(dims.begin(), dims.end() - own);
      inputs.push_back({weight, dims});
    }
    return g.build(rank, inputs, {g.empty(sizes), range(rank)},
                   [&](KernelBuilder &b, ValueRange args) {
                     Value y = b.mul(args[0], args[1]);
                     if (!weight)
                       return y;
                     return b.mul(y, op.getZeroCentered()
                                         ? b.add(b.constant(1), args[2])
                                         : args[2]);
                   });
  }
};

struct ConvertL2Norm : LinalgPattern<L2NormOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g, L2NormOp op) const override {
    Value x = op.getInput();
    unsigned rank = op.getType().getRank();
    double eps = op.getEps().convertToDouble();
    double scale = op.getScale().convertToDouble();
    Value factor = rowFactors(g, x, [&](KernelBuilder &b, Value sum) -> Value {
      Value root = math::SqrtOp::create(b, b.add(sum, b.constant(eps)));
      return b.div(b.constant(scale), root);
    });
    return {g.build(rank, {{x, range(rank)}, {factor, range(rank - 1)}},
                    {g.empty(g.sizes(x)), range(rank)},
                    [](KernelBuilder &b, ValueRange args) {
                      return b.mul(args[0], args[1]);
                    })};
  }
};

} // namespace

void mlir::marimba::populateNormsToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertRMSNorm, ConvertL2Norm>(patterns.getContext());
}
