//===- RowViews.cpp - The rows of a contraction -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Contraction/RowViews.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::marimba;

bool mlir::marimba::hasOneToken(Value output) {
  auto type = cast<MemRefType>(output.getType());
  return type.getRank() == 3 && type.getDimSize(1) == 1;
}

/// Replaces memrefs [B, 1, any] by views [B, any].
static void dropTime(KernelBuilder &b, ArrayRef<Value *> memrefs) {
  for (Value *memref : memrefs) {
    auto type = cast<MemRefType>((*memref).getType());
    auto part = memref::ExtractStridedMetadataOp::create(b, *memref);
    int64_t last = type.getDimSize(2), dynamic = ShapedType::kDynamic;
    auto layout = StridedLayoutAttr::get(b.getContext(), dynamic, {dynamic, 1});
    auto view = MemRefType::get({dynamic, last}, type.getElementType(), layout,
                                type.getMemorySpace());
    OpFoldResult width = ShapedType::isDynamic(last)
                             ? OpFoldResult(part.getSizes()[2])
                             : OpFoldResult(b.getIndexAttr(last));
    *memref = memref::ReinterpretCastOp::create(
        b, view, part.getBaseBuffer(), OpFoldResult(part.getOffset()),
        ArrayRef<OpFoldResult>{part.getSizes()[0], width},
        ArrayRef<OpFoldResult>{part.getStrides()[0], b.getIndexAttr(1)});
  }
}

void mlir::marimba::joinSequences(KernelBuilder &b,
                                  ContractionOperands &operands,
                                  MutableArrayRef<Value> inputs) {
  auto output = cast<MemRefType>(operands.output.getType());
  if (output.getRank() != 3)
    return;
  SmallVector<Value *> memrefs{&operands.output};
  for (Value &input : inputs)
    memrefs.push_back(&input);
  for (PostOp &post : operands.postOps)
    if (post.operand)
      memrefs.push_back(&post.operand);
  if (hasOneToken(operands.output))
    return dropTime(b, memrefs);
  Value batch = b.dim(*memrefs.front(), 0), time = b.dim(*memrefs.front(), 1);
  Value joins = arith::ConstantOp::create(b, b.getBoolAttr(true));
  SmallVector<memref::ExtractStridedMetadataOp> parts;
  for (Value *memref : memrefs) {
    parts.push_back(memref::ExtractStridedMetadataOp::create(b, *memref));
    ValueRange strides = parts.back().getStrides();
    Value dense = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, strides[0],
                                        b.muli(time, strides[1]));
    joins = arith::AndIOp::create(b, joins, dense);
  }
  Value outer = b.select(joins, b.index(1), batch);
  Value rows = b.select(joins, b.muli(batch, time), time);
  for (auto [memref, part] : llvm::zip_equal(memrefs, parts)) {
    auto type = cast<MemRefType>((*memref).getType());
    int64_t last = type.getDimSize(2), dynamic = ShapedType::kDynamic;
    auto layout =
        StridedLayoutAttr::get(b.getContext(), dynamic, {dynamic, dynamic, 1});
    auto view = MemRefType::get({dynamic, dynamic, last}, type.getElementType(),
                                layout, type.getMemorySpace());
    OpFoldResult width = ShapedType::isDynamic(last)
                             ? OpFoldResult(part.getSizes()[2])
                             : OpFoldResult(b.getIndexAttr(last));
    *memref = memref::ReinterpretCastOp::create(
        b, view, part.getBaseBuffer(), OpFoldResult(part.getOffset()),
        ArrayRef<OpFoldResult>{outer, rows, width},
        ArrayRef<OpFoldResult>{part.getStrides()[0], part.getStrides()[1],
                               b.getIndexAttr(1)});
  }
}

void mlir::marimba::oneOrMany(KernelBuilder &b, Value output,
                              llvm::function_ref<void()> one,
                              llvm::function_ref<void()> many) {
  auto type = cast<MemRefType>(output.getType());
  ArrayRef<int64_t> outer = type.getShape().drop_back();
  if (!ShapedType::isDynamicShape(outer))
    return ShapedType::getNumElements(outer) == 1 ? one() : many();
  if (type.getRank() == 3)
    return many();
  Value rows = b.dim(output, 0);
  Value isMany = b.cmpi(/*lessThan=*/true, b.index(1), rows);
  auto branch = scf::IfOp::create(b, isMany, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  many();
  b.setInsertionPointToStart(branch.elseBlock());
  one();
}
