//===- RecurrenceTiling.cpp - TilingInterface by letters ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/RecurrenceTiling.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::marimba;

static SmallVector<StringRef> split(StringRef letters) {
  SmallVector<StringRef> result;
  letters.split(result, ' ');
  return result;
}

/// The first operand's letters are the iteration space.
static SmallVector<StringRef> domainLetters(NamedOperands operands) {
  return split(operands.front().second.letters);
}

int64_t mlir::marimba::recurrenceTime(NamedOperands operands) {
  SmallVector<StringRef> letters = domainLetters(operands);
  return llvm::find(letters, "T") - letters.begin();
}

SmallVector<utils::IteratorType>
mlir::marimba::recurrenceIterators(NamedOperands operands) {
  SmallVector<utils::IteratorType> kinds;
  for (StringRef letter : domainLetters(operands))
    kinds.push_back(letter == "T" ? utils::IteratorType::reduction
                                  : utils::IteratorType::parallel);
  return kinds;
}

SmallVector<Range> mlir::marimba::recurrenceDomain(OpBuilder &b,
                                                   NamedOperands operands) {
  SmallVector<Range> ranges;
  Value first = operands.front().first;
  for (OpFoldResult size : tensor::getMixedSizes(b, first.getLoc(), first))
    ranges.push_back({b.getIndexAttr(0), size, b.getIndexAttr(1)});
  return ranges;
}

namespace {
/// Offsets and sizes of one operand's slice.
struct Slice {
  SmallVector<OpFoldResult> offsets, sizes;
};
} // namespace

/// The groups of keys that a tile of heads reads, [first, first + count) of
/// `value`'s dimension `dim`.
static std::pair<OpFoldResult, OpFoldResult>
groupsOf(OpBuilder &b, Value value, int64_t dim, OpFoldResult firstHead,
         OpFoldResult heads, int64_t perGroup) {
  AffineExpr head = getAffineSymbolExpr(0, b.getContext());
  OpFoldResult first = affine::makeComposedFoldedAffineApply(
      b, value.getLoc(), head.floorDiv(perGroup), firstHead);
  int64_t count = *getConstantIntValue(heads) / perGroup;
  return {first, b.getIndexAttr(std::max<int64_t>(count, 1))};
}

/// Letters of the iteration space are cut to the tile, others stay whole.
/// So do groups of heads, unless `perGroup` says how many heads each has.
static Slice sliceOf(OpBuilder &b, Value value, StringRef letters,
                     ArrayRef<StringRef> domain, ArrayRef<OpFoldResult> offsets,
                     ArrayRef<OpFoldResult> sizes, int64_t perGroup = 0) {
  Slice slice;
  for (auto [dim, letter] : llvm::enumerate(split(letters))) {
    auto *at = llvm::find(domain, letter);
    if (letter == "G" && perGroup) {
      int64_t heads = llvm::find(domain, "Hv") - domain.begin();
      auto [first, count] =
          groupsOf(b, value, dim, offsets[heads], sizes[heads], perGroup);
      slice.offsets.push_back(first);
      slice.sizes.push_back(count);
      continue;
    }
    if (at == domain.end()) {
      slice.offsets.push_back(b.getIndexAttr(0));
      slice.sizes.push_back(
          tensor::getMixedSize(b, value.getLoc(), value, dim));
      continue;
    }
    slice.offsets.push_back(offsets[at - domain.begin()]);
    slice.sizes.push_back(sizes[at - domain.begin()]);
  }
  return slice;
}

/// valid - first, row by row. What is left of a row may be negative or more
/// than the tile: the ops clamp it.
static Value shiftValid(OpBuilder &b, Location loc, Value valid,
                        OpFoldResult first) {
  Value start = arith::IndexCastOp::create(
      b, loc, b.getI32Type(), getValueOrCreateConstantIndexOp(b, loc, first));
  Value empty = tensor::EmptyOp::create(
      b, loc, tensor::getMixedSizes(b, loc, valid), b.getI32Type());
  AffineMap map = b.getMultiDimIdentityMap(1);
  return linalg::GenericOp::create(
             b, loc, empty.getType(), valid, empty, {map, map},
             {utils::IteratorType::parallel},
             [&](OpBuilder &nested, Location at, ValueRange args) {
               Value left = arith::SubIOp::create(nested, at, args[0], start);
               linalg::YieldOp::create(nested, at, left);
             })
      .getResult(0);
}

/// How many heads share keys if a tile has some of the heads only, else 0;
/// fails where such a tile is not the same op.
static FailureOr<int64_t> headsPerGroup(Operation *op,
                                        ArrayRef<StringRef> domain,
                                        ArrayRef<OpFoldResult> offsets,
                                        ArrayRef<OpFoldResult> sizes) {
  auto shape = cast<ShapedType>(op->getOperand(0).getType()).getShape();
  const auto *heads = llvm::find(domain, "Hv");
  if (heads == domain.end())
    return 0;
  int64_t dim = heads - domain.begin();
  std::optional<int64_t> count = getConstantIntValue(sizes[dim]);
  if (count == shape[dim])
    return 0;
  int64_t perGroup = cast<RecurrenceOpInterface>(op).getChannelGroup();
  if (!count || *count < 1 ||
      (perGroup % *count != 0 && *count % perGroup != 0))
    return op->emitOpError("is cut into tiles of ")
           << (count ? std::to_string(*count) : "a varying number of")
           << " heads, expected a divisor or a multiple of the " << perGroup
           << " that share keys";
  std::optional<int64_t> first = getConstantIntValue(offsets[dim]);
  if (first && *first % *count != 0)
    return op->emitOpError("has a tile of ")
           << *count << " heads from head " << *first
           << " on, expected a multiple of their number";
  return perGroup;
}

FailureOr<TilingResult> mlir::marimba::tileRecurrence(
    OpBuilder &b, DestinationStyleOpInterface op, NamedOperands operands,
    ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes) {
  Location loc = op.getLoc();
  SmallVector<StringRef> domain = domainLetters(operands);
  FailureOr<int64_t> perGroup = headsPerGroup(op, domain, offsets, sizes);
  if (failed(perGroup))
    return failure();
  OpFoldResult firstToken = offsets[llvm::find(domain, "T") - domain.begin()];
  SmallVector<Value> tiles;
  SmallVector<Operation *> slices;
  for (auto [value, shape] : operands) {
    Slice slice =
        sliceOf(b, value, shape.letters, domain, offsets, sizes, *perGroup);
    SmallVector<OpFoldResult> strides(slice.sizes.size(), b.getIndexAttr(1));
    auto tile = tensor::ExtractSliceOp::create(b, loc, value, slice.offsets,
                                               slice.sizes, strides);
    slices.push_back(tile);
    tiles.push_back(tile);
    if (shape.name == "valid" && !isZeroInteger(firstToken))
      tiles.back() = shiftValid(b, loc, tile, firstToken);
  }
  SmallVector<Type> results;
  for (Value init : ArrayRef(tiles).take_back(op.getDpsInits().size()))
    results.push_back(init.getType());
  Operation *tiled = clone(b, op, results, tiles);
  return TilingResult{{tiled}, SmallVector<Value>(tiled->getResults()), slices};
}

void mlir::marimba::recurrenceResultTile(
    OpBuilder &b, DestinationStyleOpInterface op, NamedOperands operands,
    unsigned number, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,
    SmallVector<OpFoldResult> &resultSizes) {
  auto [init, shape] = operands.take_back(op.getDpsInits().size())[number];
  Slice slice =
      sliceOf(b, init, shape.letters, domainLetters(operands), offsets, sizes);
  resultOffsets = slice.offsets;
  resultSizes = slice.sizes;
}
