//===- StructAccess.h - Fields of the ABI's structs -------------*- C++ -*-===//
//
// Part of Marimba. Offsets come from abi.h by offsetof: they are written once.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_RUNTIMETOLLVM_STRUCTACCESS_H
#define MARIMBA_LOWERING_COMMON_RUNTIMETOLLVM_STRUCTACCESS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::marimba {

/// MarimbaContext * of the call in which `op` runs: the first argument of its
/// function (rt.context), which is converted before its body.
inline Value callContext(Operation *op) {
  return op->getParentOfType<FunctionOpInterface>().getArgument(0);
}

/// Loads and stores at byte offsets from pointers.
class StructAccess {
public:
  StructAccess(OpBuilder &b, Location loc) : b(b), loc(loc) {}

  Type pointerType() { return LLVM::LLVMPointerType::get(b.getContext()); }
  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(b, loc, b.getI64Type(),
                                    b.getI64IntegerAttr(value));
  }
  Value at(Value base, int64_t offset) {
    if (offset == 0)
      return base;
    return LLVM::GEPOp::create(
        b, loc, pointerType(), b.getI8Type(), base,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  }
  Value load(Type type, Value base, int64_t offset) {
    return LLVM::LoadOp::create(b, loc, type, at(base, offset));
  }
  void store(Value value, Value base, int64_t offset) {
    LLVM::StoreOp::create(b, loc, value, at(base, offset));
  }
  /// Stack memory, allocated once where the function begins: a struct built in
  /// a loop must not grow the stack.
  Value stack(Operation *op, Type type) {
    OpBuilder::InsertionGuard guard(b);
    Region *body =
        op->getParentOfType<FunctionOpInterface>()
            ? &op->getParentOfType<FunctionOpInterface>()->getRegion(0)
            : op->getParentRegion();
    b.setInsertionPointToStart(&body->front());
    return LLVM::AllocaOp::create(b, loc, pointerType(), type, constant(1),
                                  /*alignment=*/16);
  }

private:
  OpBuilder &b;
  Location loc;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_RUNTIMETOLLVM_STRUCTACCESS_H
