//===- ReadPackedRows.cpp - Rows of a tied table --------------*- C++ -*-===//
//
// Part of Marimba. See lowering/CPU/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/CPU/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"

#define DEBUG_TYPE "read-packed-rows"

namespace mlir::marimba {
#define GEN_PASS_DEF_READPACKEDROWS
#include "lowering/CPU/ReadPackedRows.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Whether elements of `packed` hold every number of `stored`.
bool isExact(Type stored, Type packed) {
  return packed.isF32() || packed == stored;
}

struct ReadPackedRowsPass
    : mlir::marimba::impl::ReadPackedRowsBase<ReadPackedRowsPass> {
  using ReadPackedRowsBase::ReadPackedRowsBase;

  void runOnOperation() override {
    // Of each weight the type of its packed copy; none where there are two.
    llvm::StringMap<Type> packed;
    getOperation().walk([&](PackedMatmulOp op) {
      if (auto get = op.getWeight().getDefiningOp<GetWeightOp>()) {
        auto [it, fresh] = packed.try_emplace(get.getWeight(), op.getPacked());
        if (!fresh && it->second != op.getPacked())
          it->second = Type();
      }
    });
    llvm::StringMap<bool> tables;
    getOperation().walk([&](EmbeddingOp op) {
      auto get = op.getTable().getDefiningOp<GetWeightOp>();
      Type type = get ? packed.lookup(get.getWeight()) : Type();
      if (!type ||
          !isExact(getElementTypeOrSelf(op.getTable().getType()), type))
        return;
      OpBuilder b(op);
      ReifiedRankedShapedTypeDims shape;
      if (failed(reifyResultShapes(b, op, shape)))
        return;
      Value empty =
          tensor::EmptyOp::create(b, op.getLoc(), shape[0], b.getF32Type());
      auto rows = PackedEmbeddingOp::create(
          b, op.getLoc(), TypeRange(empty.getType()), op.getIds(),
          op.getTable(), empty, TypeAttr::get(type));
      LDBG() << op.getLoc() << ": rows of '" << get.getWeight()
             << "' packed as " << type;
      op.replaceAllUsesWith(rows->getResult(0));
      op.erase();
      tables[get.getWeight()] = true;
    });
    numTables += tables.size();
  }
};

} // namespace
