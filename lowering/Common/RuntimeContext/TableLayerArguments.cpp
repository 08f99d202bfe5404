//===- TableLayerArguments.cpp - One list for a layer's tensors -*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

#define DEBUG_TYPE "table-layer-arguments"

namespace mlir::marimba {
#define GEN_PASS_DEF_TABLELAYERARGUMENTS
#include "lowering/Common/TableLayerArguments.h.inc"
} // namespace mlir::marimba

using namespace mlir;

namespace {

/// Which table of the call a value comes from.
enum class Source { None, Weight, Argument };

std::pair<Source, int32_t> sourceOf(Value value) {
  if (auto weight = value.getDefiningOp<rt::WeightOp>())
    return {Source::Weight, weight.getIndex()};
  if (auto argument = value.getDefiningOp<rt::ArgumentOp>())
    return {Source::Argument, argument.getIndex()};
  return {Source::None, 0};
}

/// The function's argument of type `T`, the context or the call.
template <typename T> Value argumentOfType(func::FuncOp func) {
  for (BlockArgument arg : func.getArguments())
    if (isa<T>(arg.getType()))
      return arg;
  return {};
}

/// Position of the first argument that is not the runtime's.
unsigned firstOwnArgument(func::FuncOp func) {
  return func.getArgumentTypes()
      .take_while(
          [](Type type) { return isa<rt::RuntimeDialect>(type.getDialect()); })
      .size();
}

struct TableLayerArgumentsPass
    : mlir::marimba::impl::TableLayerArgumentsBase<TableLayerArgumentsPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    llvm::MapVector<func::FuncOp, SmallVector<func::CallOp>> calls;
    getOperation().walk([&](func::CallOp call) {
      if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee()))
        calls[callee].push_back(call);
    });
    for (auto &[callee, sites] : calls)
      if (!callee.isExternal() && callee.isPrivate())
        convert(callee, sites);
  }

  void convert(func::FuncOp callee, ArrayRef<func::CallOp> sites) {
    // Every caller has to have the call's tables at hand.
    for (func::CallOp site : sites)
      if (!argumentOfType<rt::CallType>(site->getParentOfType<func::FuncOp>()))
        return;
    SmallVector<Source> kinds;
    llvm::BitVector tabled(callee.getNumArguments());
    for (unsigned i = 0; i < callee.getNumArguments(); ++i) {
      Source kind = sourceOf(sites.front()->getOperand(i)).first;
      for (func::CallOp site : sites)
        if (sourceOf(site->getOperand(i)).first != kind)
          kind = Source::None;
      kinds.push_back(kind);
      tabled[i] = kind != Source::None;
    }
    LDBG() << "@" << callee.getSymName() << ": " << tabled.count() << " of "
           << tabled.size() << " arguments come from a table";
    if (tabled.none())
      return;
    ++numLayers;
    numTabled += tabled.count();

    unsigned first = firstOwnArgument(callee);
    for (func::CallOp site : sites) {
      OpBuilder b(site);
      SmallVector<int32_t> indices;
      for (unsigned i : tabled.set_bits())
        indices.push_back(sourceOf(site->getOperand(i)).second);
      Value table = rt::TableOp::create(
          b, site.getLoc(), rt::TableType::get(&getContext()), indices);
      Value call =
          argumentOfType<rt::CallType>(site->getParentOfType<func::FuncOp>());
      site->eraseOperands(tabled);
      site->insertOperands(first, {call, table});
    }

    Block &body = callee.getBody().front();
    Location loc = callee.getLoc();
    (void)callee.insertArguments(
        {first, first},
        {rt::CallType::get(&getContext()), rt::TableType::get(&getContext())},
        {DictionaryAttr(), DictionaryAttr()}, {loc, loc});
    Value call = body.getArgument(first), table = body.getArgument(first + 1);
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    llvm::BitVector erased(callee.getNumArguments());
    int64_t position = 0;
    for (unsigned i : tabled.set_bits()) {
      // Those before `first` are never in the table; the others moved by two.
      BlockArgument arg = body.getArgument(i + 2);
      Value view;
      if (kinds[i] == Source::Weight)
        view = rt::LayerWeightOp::create(b, arg.getLoc(), arg.getType(), call,
                                         table, position++);
      else
        view = rt::LayerArgumentOp::create(b, arg.getLoc(), arg.getType(), call,
                                           table, position++);
      arg.replaceAllUsesWith(view);
      erased.set(i + 2);
    }
    (void)callee.eraseArguments(erased);
  }
};

} // namespace
