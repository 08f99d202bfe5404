//===- ChunkBuilder.h - Loops and products of tensors -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_RECURRENCE_CHUNKBUILDER_H
#define MARIMBA_PASSES_RECURRENCE_CHUNKBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::marimba {

using Sizes = SmallVector<OpFoldResult>;
using Body = llvm::function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// Tensors of a chunk, vectors of them and the loops around them.
class ChunkBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(*this, value);
  }
  OpFoldResult attr(int64_t value) { return getIndexAttr(value); }

  Value empty(ArrayRef<int64_t> shape, Type type) {
    return tensor::EmptyOp::create(*this, shape, type);
  }
  Value zeros(Value like) {
    Value zero = arith::ConstantOp::create(
        *this, cast<TypedAttr>(getZeroAttr(getElementTypeOrSelf(like))));
    return linalg::FillOp::create(*this, zero, like).getResult(0);
  }

  /// The slice of unit dimensions dropped but for `kept`.
  Value slice(Value from, const Sizes &offsets, const Sizes &sizes,
              ArrayRef<int64_t> kept) {
    SmallVector<int64_t> shape;
    for (int64_t d : kept)
      shape.push_back(
          getConstantIntValue(sizes[d]).value_or(ShapedType::kDynamic));
    auto type = RankedTensorType::get(shape, getElementTypeOrSelf(from));
    return tensor::ExtractSliceOp::create(*this, type, from, offsets, sizes,
                                          Sizes(sizes.size(), attr(1)));
  }
  Value insert(Value part, Value into, const Sizes &offsets,
               const Sizes &sizes) {
    return tensor::InsertSliceOp::create(*this, part, into, offsets, sizes,
                                         Sizes(sizes.size(), attr(1)));
  }
  /// The first `sizes` of a matrix or vector, and the inverse.
  Value corner(Value from, const Sizes &sizes) {
    auto dims = llvm::to_vector(llvm::seq<int64_t>(sizes.size()));
    return slice(from, Sizes(sizes.size(), attr(0)), sizes, dims);
  }
  Value putCorner(Value part, Value into, const Sizes &sizes) {
    return insert(part, into, Sizes(sizes.size(), attr(0)), sizes);
  }

  /// Elementwise ops of as many loops as `outs` have dimensions. Each input has
  /// the loops that its list names.
  using Input = std::pair<Value, SmallVector<unsigned>>;
  SmallVector<Value>
  each(ArrayRef<Input> ins, ValueRange outs,
       llvm::function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange)>
           body) {
    unsigned rank = cast<RankedTensorType>(outs[0].getType()).getRank();
    SmallVector<Value> values;
    SmallVector<AffineMap> maps;
    for (const auto &[value, dims] : ins) {
      values.push_back(value);
      maps.push_back(
          AffineMap::getMultiDimMapWithTargets(rank, dims, getContext()));
    }
    maps.append(outs.size(), getMultiDimIdentityMap(rank));
    SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               *this, outs.getTypes(), values, outs, maps, kinds,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 linalg::YieldOp::create(b, loc, body(b, loc, args));
               })
        .getResults();
  }
  Value each(ArrayRef<Input> ins, Value out, Body body) {
    return each(ins, ValueRange{out},
                [&](OpBuilder &b, Location loc, ValueRange args) {
                  return SmallVector<Value>{body(b, loc, args)};
                })[0];
  }

  /// out[m, n] += a[m, k] b[k, n]. Where `a` is of bf16, b is rounded to it;
  /// sums are f32.
  Value product(Value a, Value b, Value out) {
    auto map = [&](ArrayRef<unsigned> dims) {
      return AffineMap::getMultiDimMapWithTargets(3, dims, getContext());
    };
    SmallVector<AffineMap> maps = {map({0, 2}), map({2, 1}), map({0, 1})};
    SmallVector<utils::IteratorType> kinds = {utils::IteratorType::parallel,
                                              utils::IteratorType::parallel,
                                              utils::IteratorType::reduction};
    auto f32 = getF32Type();
    return linalg::GenericOp::create(
               *this, out.getType(), ValueRange{a, b}, out, maps, kinds,
               [&](OpBuilder &in, Location loc, ValueRange args) {
                 Value x = args[0], y = args[1];
                 Type narrow = x.getType();
                 if (y.getType() != narrow)
                   y = arith::TruncFOp::create(in, loc, narrow, y);
                 if (narrow != f32) {
                   x = arith::ExtFOp::create(in, loc, f32, x);
                   y = arith::ExtFOp::create(in, loc, f32, y);
                 }
                 Value both = arith::MulFOp::create(in, loc, x, y);
                 Value sum = arith::AddFOp::create(in, loc, args[2], both);
                 linalg::YieldOp::create(in, loc, sum);
               })
        .getResult(0);
  }

  /// A loop that carries tensors; the body returns their next values.
  SmallVector<Value>
  loop(Value end, ValueRange inits,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body,
       int64_t step = 1) {
    auto loop = scf::ForOp::create(*this, index(0), end, index(step), inits);
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(
        *this, body(loop.getInductionVar(), loop.getRegionIterArgs()));
    return loop.getResults();
  }

  //===--------------------------------------------------------------------===//
  // Vectors of f32, whole and within a tensor's row
  //===--------------------------------------------------------------------===//

  Value readVector(Value from, ValueRange at, int64_t lanes) {
    auto type = VectorType::get({lanes}, getElementTypeOrSelf(from));
    return vector::TransferReadOp::create(*this, type, from, at, std::nullopt,
                                          ArrayRef<bool>{true});
  }
  Value writeVector(Value vector, Value into, ValueRange at) {
    return vector::TransferWriteOp::create(*this, vector, into, at,
                                           ArrayRef<bool>{true})
        .getResult();
  }
  /// The columns of 16 rows of 16, as rows: interleaved with the row eight
  /// behind four times.
  static constexpr int64_t kSquare = 16;
  SmallVector<Value> transposed(SmallVector<Value> rows) {
    SmallVector<int64_t> halves[2];
    for (int64_t i = 0; i < kSquare; ++i)
      llvm::append_range(halves[i / (kSquare / 2)],
                         ArrayRef<int64_t>{i, i + kSquare});
    for (int64_t size = 1; size < kSquare; size *= 2) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < kSquare; ++i)
        next.push_back(vector::ShuffleOp::create(
            *this, rows[i / 2], rows[i / 2 + kSquare / 2], halves[i % 2]));
      rows = next;
    }
    return rows;
  }
  /// The transpose of a matrix of f32, up to row `end`, as `type`. Its sizes
  /// are multiples of 16.
  Value transposed(Value matrix, Value end, Type type) {
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(matrix.getType()).getShape();
    auto row = [&](Value m, ValueRange outer) {
      auto column = [&](Value n, ValueRange now) {
        SmallVector<Value> rows;
        for (int64_t i = 0; i < kSquare; ++i)
          rows.push_back(readVector(matrix, {plus(m, i), n}, kSquare));
        Value into = now[0];
        for (auto [i, part] : llvm::enumerate(transposed(rows))) {
          if (!type.isF32())
            part = arith::TruncFOp::create(
                *this, VectorType::get({kSquare}, type), part);
          into = writeVector(part, into, {plus(n, i), m});
        }
        return SmallVector<Value>{into};
      };
      return loop(index(shape[1]), outer, column, kSquare);
    };
    return loop(end, empty({shape[1], shape[0]}, type), row, kSquare)[0];
  }
  /// An element of a matrix in all lanes.
  Value spread(Value from, ValueRange at, int64_t lanes) {
    auto type = VectorType::get({lanes}, getElementTypeOrSelf(from));
    return vector::BroadcastOp::create(
        *this, type, tensor::ExtractOp::create(*this, from, at));
  }
  Value plus(Value at, int64_t offset) {
    return offset ? arith::AddIOp::create(*this, at, index(offset)) : at;
  }
};

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_RECURRENCE_CHUNKBUILDER_H
