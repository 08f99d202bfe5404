//===- OutlineParallelLoops.cpp - Loops for the thread team -----*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

#define DEBUG_TYPE "outline-parallel-loops"

namespace mlir::marimba {
#define GEN_PASS_DEF_OUTLINEPARALLELLOOPS
#include "lowering/Common/OutlineParallelLoops.h.inc"
} // namespace mlir::marimba

using namespace mlir;

namespace {

/// Number of iterations of one dimension: ceil((end - begin) / step), none of
/// them negative.
Value iterations(OpBuilder &b, Location loc, Value begin, Value end,
                 Value step) {
  Value distance = arith::SubIOp::create(b, loc, end, begin);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value rest = arith::SubIOp::create(b, loc, step, one);
  Value padded = arith::AddIOp::create(b, loc, distance, rest);
  return arith::DivUIOp::create(b, loc, padded, step);
}

/// A parallel loop inside another runs on the thread that reaches it.
void makeSequential(scf::ParallelOp loop) {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  SmallVector<Value> ivs;
  for (auto [begin, end, step] :
       llvm::zip(loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
    auto forOp = scf::ForOp::create(b, loc, begin, end, step);
    ivs.push_back(forOp.getInductionVar());
    b.setInsertionPointToStart(forOp.getBody());
  }
  IRMapping map;
  map.map(loop.getInductionVars(), ivs);
  for (Operation &op : loop.getBody()->without_terminator())
    b.clone(op, map);
  loop.erase();
}

struct OutlineParallelLoopsPass
    : mlir::marimba::impl::OutlineParallelLoopsBase<OutlineParallelLoopsPass> {
  void runOnOperation() override {
    bodies.clear();
    SymbolTable symbols(getOperation());
    SmallVector<func::FuncOp> funcs(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp func : funcs) {
      SmallVector<scf::ParallelOp> inner, outer;
      func.walk([&](scf::ParallelOp loop) {
        (loop->getParentOfType<scf::ParallelOp>() ? inner : outer)
            .push_back(loop);
      });
      for (auto *loops : {&inner, &outer})
        for (scf::ParallelOp loop : *loops)
          if (loop.getNumReductions()) {
            loop.emitError("a parallel reduction has no runtime call");
            return signalPassFailure();
          }
      for (scf::ParallelOp loop : inner) // innermost first
        makeSequential(loop);
      numSequential += inner.size();
      for (scf::ParallelOp loop : outer)
        if (failed(outline(func, loop, symbols)))
          return signalPassFailure();
    }
  }

  LogicalResult outline(func::FuncOp func, scf::ParallelOp loop,
                        SymbolTable &symbols) {
    if (!rt::ContextOp::isAvailableAt(func))
      return loop.emitError("function has no !rt.context as first argument; "
                            "run --add-runtime-context before");

    OpBuilder b(loop);
    Location loc = loop.getLoc();
    Value context = rt::ContextOp::create(b, loc);
    // The body captures the context if it works with it.
    loop.walk([&](rt::ContextOp inside) {
      inside.replaceAllUsesWith(context);
      inside.erase();
    });
    SmallVector<Value> counts;
    Value total;
    for (auto [begin, end, step] : llvm::zip(
             loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
      counts.push_back(iterations(b, loc, begin, end, step));
      total =
          total
              ? arith::MulIOp::create(b, loc, total, counts.back()).getResult()
              : counts.back();
    }

    // Captures: what the body reads from outside. Constants are cloned.
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    used.insert(counts.begin(), counts.end());
    used.insert(loop.getLowerBound().begin(), loop.getLowerBound().end());
    used.insert(loop.getStep().begin(), loop.getStep().end());
    SmallVector<Value> captures;
    SmallVector<Operation *> constants;
    for (Value value : used) {
      Operation *def = value.getDefiningOp();
      if (def && def->hasTrait<OpTrait::ConstantLike>())
        constants.push_back(def);
      else
        captures.push_back(value);
    }

    SmallVector<Type> types = {b.getIndexType(), b.getIndexType()};
    llvm::append_range(types, ValueRange(captures).getTypes());
    OpBuilder moduleBuilder(func);
    auto body = func::FuncOp::create(moduleBuilder, loc,
                                     (func.getSymName() + "_parallel").str(),
                                     b.getFunctionType(types, {}));
    body.setPrivate();
    body->setAttr("llvm.linkage", LLVM::LinkageAttr::get(
                                      &getContext(), LLVM::Linkage::Internal));
    buildBody(body, loop, counts, captures, constants);
    // Layers of different kinds share blocks: their loops are the same code.
    func::FuncOp known;
    for (func::FuncOp other : bodies[body.getFunctionType()])
      if (OperationEquivalence::isRegionEquivalentTo(
              &other.getBody(), &body.getBody(),
              OperationEquivalence::IgnoreLocations)) {
        known = other;
        break;
      }
    if (known) {
      LDBG() << "@" << known.getSymName() << " is the body of a loop of @"
             << func.getSymName();
      body.erase();
      ++numShared;
    } else {
      ++numOutlined;
      symbols.insert(body);
      bodies[body.getFunctionType()].push_back(body);
      known = body;
    }
    rt::ParallelForOp::create(b, loc, context, total, known.getSymName(),
                              captures);
    loop.erase();
    return success();
  }

  /// Outlined so far, by type.
  llvm::DenseMap<Type, SmallVector<func::FuncOp>> bodies;

  void buildBody(func::FuncOp body, scf::ParallelOp loop,
                 ArrayRef<Value> counts, ArrayRef<Value> captures,
                 ArrayRef<Operation *> constants) {
    Location loc = loop.getLoc();
    Block *entry = body.addEntryBlock();
    OpBuilder b = OpBuilder::atBlockBegin(entry);
    IRMapping map;
    for (auto [capture, arg] :
         llvm::zip(captures, entry->getArguments().drop_front(2)))
      map.map(capture, arg);
    for (Operation *constant : constants)
      b.clone(*constant, map);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    auto range = scf::ForOp::create(b, loc, entry->getArgument(0),
                                    entry->getArgument(1), one);
    func::ReturnOp::create(b, loc);

    // The last dimension runs fastest.
    b.setInsertionPointToStart(range.getBody());
    Value rest = range.getInductionVar();
    for (int64_t d = counts.size() - 1; d >= 0; --d) {
      Value at = rest;
      if (d > 0) {
        Value count = map.lookup(counts[d]);
        at = arith::RemUIOp::create(b, loc, rest, count);
        rest = arith::DivUIOp::create(b, loc, rest, count);
      }
      Value begin = map.lookup(loop.getLowerBound()[d]);
      Value step = map.lookup(loop.getStep()[d]);
      Value scaled = arith::MulIOp::create(b, loc, at, step);
      map.map(loop.getInductionVars()[d],
              arith::AddIOp::create(b, loc, begin, scaled));
    }
    for (Operation &op : loop.getBody()->without_terminator())
      b.clone(op, map);
    // Taken once for all iterations: an alloca in a loop grows the stack.
    range.walk([&](memref::AllocaOp alloca) {
      if (alloca->getNumOperands() == 0)
        alloca->moveBefore(range);
    });
  }
};

} // namespace
