//===- BranchOnChecks.cpp - A failed check ends the call --------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/BuiltinOps.h"

#define DEBUG_TYPE "branch-on-checks"

namespace mlir::marimba {
#define GEN_PASS_DEF_BRANCHONCHECKS
#include "lowering/Common/BranchOnChecks.h.inc"
} // namespace mlir::marimba

using namespace mlir;

namespace {

/// The context that an op works with; null for what cannot fail.
Value contextOf(Operation *op) {
  for (Value operand : op->getOperands())
    if (isa<rt::ContextType>(operand.getType()))
      return operand;
  return {};
}

/// A block at the function's end that returns; what it returns to another
/// function of the module is not looked at: the status of the call is.
Block *createReturn(func::FuncOp func, Location loc, bool isEntry) {
  Block *block = new Block;
  func.getBody().push_back(block);
  OpBuilder b = OpBuilder::atBlockEnd(block);
  SmallVector<Value> results;
  if (isEntry)
    results.push_back(rt::StatusOp::create(b, loc, b.getI32Type(),
                                           rt::ContextOp::create(b, loc)));
  else
    for (Type type : func.getResultTypes())
      results.push_back(ub::PoisonOp::create(b, loc, type));
  func::ReturnOp::create(b, loc, results);
  return block;
}

struct BranchOnChecksPass
    : mlir::marimba::impl::BranchOnChecksBase<BranchOnChecksPass> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal() && failed(convert(func)))
        return signalPassFailure();
  }

  LogicalResult convert(func::FuncOp func) {
    SmallVector<rt::CheckOp> checks;
    SmallVector<Operation *> calls;
    func.walk([&](Operation *op) {
      if (auto check = dyn_cast<rt::CheckOp>(op))
        checks.push_back(check);
      else if (isa<func::CallOp, rt::ParallelForOp, rt::PackedWeightsOp>(op) &&
               contextOf(op))
        calls.push_back(op);
    });
    if (checks.empty() && calls.empty())
      return success();
    for (rt::CheckOp check : checks)
      if (!check.getCallContext())
        return check.emitError("has no !rt.context; run --add-runtime-context "
                               "before");
    bool isEntry =
        llvm::any_of(func.getArgumentTypes(),
                     [](Type type) { return isa<rt::CallType>(type); }) &&
        func.isPublic();
    LDBG() << "@" << func.getSymName() << ": " << checks.size()
           << " checks and " << calls.size() << " calls may end it";
    numChecks += checks.size();
    numCalls += calls.size();
    Location loc = func.getLoc();
    Block *end = createReturn(func, loc, isEntry);
    for (rt::CheckOp check : checks)
      branch(check, end);
    for (Operation *call : calls)
      checkStatus(call, end);
    return success();
  }

  void branch(rt::CheckOp check, Block *end) {
    Location loc = check.getLoc();
    Block *block = check->getBlock();
    Block *rest = block->splitBlock(check);
    Block *failure = new Block;
    failure->insertBefore(end);
    OpBuilder b = OpBuilder::atBlockEnd(failure);
    rt::CheckFailedOp::create(b, loc, check.getCallContext(),
                              check.getMessageAttr(), check.getValues());
    cf::BranchOp::create(b, loc, end);
    b.setInsertionPointToEnd(block);
    cf::CondBranchOp::create(b, loc, check.getCondition(), rest, ValueRange(),
                             failure, ValueRange());
    check.erase();
  }

  /// What a call did not finish is not used.
  void checkStatus(Operation *call, Block *end) {
    Location loc = call->getLoc();
    Block *block = call->getBlock();
    Block *rest = block->splitBlock(call->getNextNode());
    OpBuilder b = OpBuilder::atBlockEnd(block);
    Value status =
        rt::StatusOp::create(b, loc, b.getI32Type(), contextOf(call));
    Value zero = arith::ConstantIntOp::create(b, loc, 0, 32);
    Value good =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, status, zero);
    cf::CondBranchOp::create(b, loc, good, rest, ValueRange(), end,
                             ValueRange());
  }
};

} // namespace
