//===- InsertChecks.cpp - Sizes and indices, before they are used
//----------===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/Checks/CheckBuilder.h"
#include "lowering/Common/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#define DEBUG_TYPE "insert-checks"

namespace mlir::marimba {
#define GEN_PASS_DEF_INSERTCHECKS
#include "lowering/Common/InsertChecks.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Moves to the front of a function what can be checked there: later stages
/// move ops into loops that are further up than their checks.
class Hoist {
public:
  explicit Hoist(func::FuncOp func)
      : block(func.getBody().front()), front(&block.front()) {}

  /// Returns how many are there.
  unsigned run() {
    unsigned count = 0;
    SmallVector<rt::CheckOp> checks(block.getOps<rt::CheckOp>());
    for (rt::CheckOp check : checks)
      if (llvm::all_of(check->getOperands(),
                       [&](Value value) { return isEarly(value); })) {
        LDBG() << "checked where the function begins: " << check.getMessage();
        move(check);
        ++count;
      }
    return count;
  }

private:
  /// Whether a value follows from sizes of arguments.
  bool isEarly(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return cast<BlockArgument>(value).getOwner() == &block;
    if (op->getBlock() != &block)
      return false;
    auto [it, isNew] = early.try_emplace(op, false);
    if (!isNew)
      return it->second;
    bool result =
        isa<arith::ArithDialect, tensor::TensorDialect>(op->getDialect()) &&
        (isa<tensor::DimOp>(op) ||
         llvm::all_of(op->getResultTypes(),
                      [](Type type) { return type.isIntOrIndex(); })) &&
        !isa<tensor::ExtractOp>(op) && op->getNumRegions() == 0 &&
        llvm::all_of(op->getOperands(),
                     [&](Value operand) { return isEarly(operand); });
    return early[op] = result;
  }

  void move(Operation *op) {
    if (!hoisted.insert(op).second)
      return;
    for (Value operand : op->getOperands())
      if (Operation *def = operand.getDefiningOp())
        move(def);
    if (op == front)
      front = op->getNextNode();
    else
      op->moveBefore(front);
  }

  Block &block;
  Operation *front;
  llvm::DenseMap<Operation *, bool> early;
  llvm::DenseSet<Operation *> hoisted;
};

struct InsertChecksPass
    : mlir::marimba::impl::InsertChecksBase<InsertChecksPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    SmallVector<Operation *> ops;
    func.getBody().walk([&](Operation *op) { ops.push_back(op); });
    CheckBuilder checks(&getContext());
    for (Operation *op : ops) {
      // What a parallel loop puts together has a place of its own, in which
      // only such ops may be.
      Operation *around = op->getParentOp();
      checks.startAt(op);
      if (isa<scf::InParallelOp>(around))
        checks.insertBefore(around);
      checkMarimbaOp(checks);
      checkLinalgOp(checks);
      checkTensorOp(checks);
      checkArithmeticOp(checks);
    }
    func.walk([&](rt::CheckOp) { ++numChecks; });
    numHoisted += Hoist(func).run();
  }
};

} // namespace
