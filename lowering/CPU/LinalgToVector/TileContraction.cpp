//===- TileContraction.cpp - Products of small matrices -------------------===//
//
// Part of Marimba. Both factors are values of the program and in the cache, so
// unlike weights (lowering/CPU/Contraction/) they are read where they lie, but
// for pairs of bf16. Tiles and instructions are those of weights.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/LinalgToVector/TileContraction.h"

#include "dialects/Marimba/IR/ProductAttributes.h"
#include "lowering/CPU/Contraction/Bf16DotTiles.h"
#include "lowering/Common/Builders/ParallelLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Depth of a panel of packed pairs: 32 KiB of a tile's channels.
constexpr int64_t kPanelDepth = 256;
constexpr int64_t kRows = 6;

/// What the body multiplies `arg` as: null where it is not a factor.
Type factorType(Value factor, BlockArgument arg) {
  Type type = factor.getType();
  if (auto wide = factor.getDefiningOp<arith::ExtFOp>()) {
    factor = wide.getIn();
    type = factor.getType();
    if (auto narrow = factor.getDefiningOp<arith::TruncFOp>())
      factor = narrow.getIn();
  }
  bool known = type.isF32() || type.isBF16();
  return factor == arg && known ? type : Type();
}

/// The type that both factors are multiplied as, if the body is acc + a * b.
Type productType(linalg::GenericOp op) {
  Block *body = op.getBlock();
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  auto add = yield.getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || add.getLhs() != body->getArgument(2))
    return {};
  auto mul = add.getRhs().getDefiningOp<arith::MulFOp>();
  if (!mul || !mul.getType().isF32())
    return {};
  Type a = factorType(mul.getLhs(), body->getArgument(0));
  Type b = factorType(mul.getRhs(), body->getArgument(1));
  // Only the second one is rounded as it is read.
  bool stored = a == body->getArgument(0).getType();
  return stored && a == b ? a : Type();
}

bool hasContiguousRows(Value memref) {
  return cast<MemRefType>(memref.getType()).isLastDimUnitStride();
}

bool isProduct(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumLoops() != 3)
    return false;
  auto map = [&](ArrayRef<unsigned> dims) {
    return AffineMap::getMultiDimMapWithTargets(3, dims, op.getContext());
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto kinds = op.getIteratorTypesArray();
  return maps[0] == map({0, 2}) && maps[1] == map({2, 1}) &&
         maps[2] == map({0, 1}) && kinds[2] == utils::IteratorType::reduction &&
         kinds[0] == utils::IteratorType::parallel &&
         kinds[1] == utils::IteratorType::parallel &&
         llvm::all_of(op->getOperands(), hasContiguousRows) && productType(op);
}

class ProductEmitter {
public:
  ProductEmitter(KernelBuilder &b, linalg::GenericOp op, const TileFacts &facts,
                 bool bf16Dots)
      : b(b), op(op), left(op.getDpsInputs()[0]), right(op.getDpsInputs()[1]),
        out(op.getDpsInits()[0]), lanes(facts.lanes),
        most(facts.registers >= 32 ? 4 : 2),
        triangular(op->hasAttr(kLowerTriangularAttr)) {
    bool narrow = productType(op).isBF16();
    // vdpbf16ps has vectors of 128 to 512 bits.
    dots =
        narrow && bf16Dots && lanes >= 4 && getElementTypeOrSelf(left).isBF16();
    rounds = narrow && !dots && getElementTypeOrSelf(right).isF32();
  }

  void emit() {
    depth = b.dim(right, 0);
    if (!dots)
      return overColumns(b.index(0), depth);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(stackBlock(op));
      panel = memref::AllocaOp::create(
          b, MemRefType::get({kPanelDepth / 2, most * lanes}, b.getI32Type()),
          b.getI64IntegerAttr(64));
    }
    auto part = [&](Value first) {
      overColumns(first, b.mini(b.addi(first, b.index(kPanelDepth)), depth));
    };
    int64_t size = cast<MemRefType>(right.getType()).getDimSize(0);
    if (!ShapedType::isDynamic(size) && size <= kPanelDepth)
      return overColumns(b.index(0), depth);
    b.loop(b.index(0), depth, part, kPanelDepth);
  }

private:
  /// Some columns of y, and the part of k that is summed.
  struct Columns {
    Value first;
    int64_t vectors;
    Value mask; // of the only vector; may be null
    Value begin, end;
  };

  void overColumns(Value begin, Value end) {
    Value columns = b.dim(out, 1);
    int64_t size = cast<MemRefType>(out.getType()).getDimSize(1);
    bool known = !ShapedType::isDynamic(size);
    auto round = [&](int64_t width) {
      return b.subi(columns,
                    arith::RemUIOp::create(b, columns, b.index(width)));
    };
    int64_t width = most * lanes;
    Value wide = known ? b.index(size / width * width) : round(width);
    Value whole = known ? b.index(size / lanes * lanes) : round(lanes);
    if (!known || size >= width)
      b.loop(
          b.index(0), wide,
          [&](Value n) { overRows({n, most, Value(), begin, end}); }, width);
    if (!known || size % width >= lanes)
      b.loop(
          wide, whole, [&](Value n) { overRows({n, 1, Value(), begin, end}); },
          lanes);
    if (known && size % lanes == 0)
      return;
    Value rest = b.subi(columns, whole);
    b.ifThen(b.cmpi(/*lessThan=*/true, b.index(0), rest), [&] {
      overRows({whole, 1, b.tailMask(lanes, rest), begin, end});
    });
  }

  void overRows(const Columns &columns) {
    if (dots)
      pack(columns);
    Value rows = b.dim(out, 0);
    int64_t size = cast<MemRefType>(out.getType()).getDimSize(0);
    if (ShapedType::isDynamic(size)) {
      // The last tile has the last row several times.
      Value last = b.subi(rows, b.index(1));
      return b.loop(
          b.index(0), rows,
          [&](Value m) {
            SmallVector<Value> at;
            for (int64_t r = 0; r < kRows; ++r)
              at.push_back(b.mini(b.addi(m, b.index(r)), last));
            tile(columns, at);
          },
          kRows);
    }
    auto from = [&](Value m, int64_t count) {
      SmallVector<Value> at;
      for (int64_t r = 0; r < count; ++r)
        at.push_back(b.addi(m, b.index(r)));
      tile(columns, at);
    };
    int64_t even = size / kRows * kRows;
    if (even)
      b.loop(
          b.index(0), b.index(even), [&](Value m) { from(m, kRows); }, kRows);
    if (even != size)
      from(b.index(even), size - even);
  }

  void tile(const Columns &columns, ArrayRef<Value> rows) {
    int64_t vectors = columns.vectors;
    auto over =
        [&](llvm::function_ref<void(int64_t, SmallVector<Value>)> body) {
          for (auto [r, row] : llvm::enumerate(rows))
            for (int64_t v = 0; v < vectors; ++v)
              body(r * vectors + v,
                   {row, b.addi(columns.first, b.index(v * lanes))});
        };
    SmallVector<Value> sums(rows.size() * vectors);
    over([&](int64_t i, SmallVector<Value> at) {
      sums[i] = b.loadVector(lanes, out, at, columns.mask);
    });
    sums = triangular ? belowDiagonal(columns, rows, sums)
                      : along(columns, rows, columns.begin, columns.end, sums);
    over([&](int64_t i, SmallVector<Value> at) {
      b.storeVector(sums[i], out, at, columns.mask);
    });
  }

  /// Nothing of b is read for a row that is above its own: what is left out is
  /// not only zeros in a, as zero times NaN is NaN. The rows of a tile follow
  /// each other, so the last ones of k, rows.size() of them, each have one row
  /// less than the one before.
  SmallVector<Value> belowDiagonal(const Columns &columns, ArrayRef<Value> rows,
                                   SmallVector<Value> sums) {
    Value first = rows.front();
    auto within = [&](Value k) {
      return b.maxi(b.mini(k, columns.end), columns.begin);
    };
    sums = along(columns, rows, columns.begin, within(first), sums);
    size_t width = dots ? 2 : 1;
    for (size_t r = 0; r < rows.size(); r += width) {
      size_t before = r * columns.vectors;
      SmallVector<Value> part =
          along(columns, rows.drop_front(r), within(b.addi(first, b.index(r))),
                within(b.addi(first, b.index(r + width))),
                ArrayRef(sums).drop_front(before), /*onDiagonal=*/true);
      llvm::copy(part, sums.begin() + before);
    }
    return sums;
  }

  /// sums + the products from `begin` to `end` of k. `onDiagonal`: they begin
  /// with the first row's own k.
  SmallVector<Value> along(const Columns &columns, ArrayRef<Value> rows,
                           Value begin, Value end, ValueRange sums,
                           bool onDiagonal = false) {
    return dots ? overPairs(columns, rows, begin, end, sums, onDiagonal)
                : overDepth(columns, rows, begin, end, sums);
  }

  SmallVector<Value> overDepth(const Columns &columns, ArrayRef<Value> rows,
                               Value begin, Value end, ValueRange sums) {
    auto bf16 = VectorType::get({lanes}, b.getBF16Type());
    return b.loop(begin, end, sums, [&](Value k, ValueRange old) {
      SmallVector<Value> vectors, next;
      for (int64_t v = 0; v < columns.vectors; ++v) {
        Value at = b.addi(columns.first, b.index(v * lanes));
        Value vector = b.loadVector(lanes, right, {k, at}, columns.mask);
        if (rounds) {
          Value rounded = arith::TruncFOp::create(b, bf16, vector);
          vector = arith::ExtFOp::create(b, vector.getType(), rounded);
        }
        vectors.push_back(vector);
      }
      for (Value row : rows) {
        Value x = b.broadcast(lanes, b.load(left, {row, k}));
        for (Value vector : vectors)
          next.push_back(b.fma(x, vector, old[next.size()]));
      }
      return next;
    });
  }

  /// The first of a word's pair, and zero.
  Value lowOf(Value word) {
    auto type = cast<VectorType>(word.getType());
    Value mask = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, APInt(32, 0xffff)));
    return arith::AndIOp::create(b, word, mask);
  }

  Value half(Value a) { return arith::DivUIOp::create(b, a, b.index(2)); }

  /// The panel's word of rows k and k + 1 of b, or k alone.
  void packWord(const Columns &columns, Value k, bool both) {
    for (int64_t v = 0; v < columns.vectors; ++v) {
      Value at = b.addi(columns.first, b.index(v * lanes));
      auto load = [&](Value row) {
        return b.loadVector(lanes, right, {row, at}, columns.mask);
      };
      Value low = load(k);
      Value high = both ? load(b.addi(k, b.index(1))) : b.zeros(lanes);
      vector::StoreOp::create(
          b, roundPairs(b, low, high), panel,
          ValueRange{half(b.subi(k, columns.begin)), b.index(v * lanes)});
    }
  }
  void pack(const Columns &columns) {
    Value odd = arith::RemUIOp::create(b, b.subi(columns.end, columns.begin),
                                       b.index(2));
    Value even = b.subi(columns.end, odd);
    b.loop(
        columns.begin, even,
        [&](Value k) { packWord(columns, k, /*both=*/true); }, 2);
    b.loop(even, columns.end,
           [&](Value k) { packWord(columns, k, /*both=*/false); });
  }

  SmallVector<Value> overPairs(const Columns &columns, ArrayRef<Value> rows,
                               Value begin, Value end, ValueRange sums,
                               bool onDiagonal) {
    auto type = VectorType::get({lanes}, b.getI32Type());
    auto step = [&](Value k, int64_t count, ValueRange old) {
      SmallVector<Value> words, next;
      for (int64_t v = 0; v < columns.vectors; ++v)
        words.push_back(vector::LoadOp::create(
            b, type, panel,
            ValueRange{half(b.subi(k, columns.begin)), b.index(v * lanes)}));
      for (Value row : rows) {
        Value pair = broadcastPair(b, lanes, left, {row}, k, count);
        bool half = onDiagonal && row == rows.front();
        for (Value word : words)
          next.push_back(
              dotPairs(b, old[next.size()], half ? lowOf(word) : word, pair));
      }
      return next;
    };
    Value odd = arith::RemUIOp::create(b, b.subi(end, begin), b.index(2));
    Value even = b.subi(end, odd);
    SmallVector<Value> all = b.loop(
        begin, even, sums,
        [&](Value k, ValueRange old) { return step(k, 2, old); }, 2);
    return b.loop(even, end, all,
                  [&](Value k, ValueRange old) { return step(k, 1, old); });
  }

  KernelBuilder &b;
  linalg::GenericOp op;
  Value left, right, out;
  int64_t lanes, most; // most: vectors of a tile
  bool triangular, dots = false, rounds = false;
  Value depth, panel;
};

struct TileContraction : OpRewritePattern<linalg::GenericOp> {
  TileContraction(MLIRContext *ctx, const TileFacts &facts, bool bf16Dots)
      : OpRewritePattern(ctx), facts(facts), bf16Dots(bf16Dots) {}

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!isProduct(op))
      return rewriter.notifyMatchFailure(op, "no product of matrices");
    KernelBuilder b(op.getLoc(), rewriter);
    ProductEmitter(b, op, facts, bf16Dots).emit();
    rewriter.eraseOp(op);
    return success();
  }

  TileFacts facts;
  bool bf16Dots;
};

} // namespace

void mlir::marimba::emitProduct(KernelBuilder &builder, Value a, Value b,
                                Value y, const TileFacts &facts) {
  auto map = [&](ArrayRef<unsigned> dims) {
    return AffineMap::getMultiDimMapWithTargets(3, dims, builder.getContext());
  };
  SmallVector<AffineMap> maps{map({0, 2}), map({2, 1}), map({0, 1})};
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  auto product = linalg::GenericOp::create(
      builder, TypeRange(), ValueRange{a, b}, ValueRange{y}, maps, iterators,
      [](OpBuilder &nested, Location at, ValueRange args) {
        Value term = arith::MulFOp::create(nested, at, args[0], args[1]);
        Value sum = arith::AddFOp::create(nested, at, args[2], term);
        linalg::YieldOp::create(nested, at, sum);
      });
  ProductEmitter(builder, product, facts, /*bf16Dots=*/false).emit();
  product.erase();
}

void mlir::marimba::populateTileContractionPatterns(RewritePatternSet &patterns,
                                                    const TileFacts &facts,
                                                    bool bf16Dots) {
  patterns.add<TileContraction>(patterns.getContext(), facts, bf16Dots);
}
