//===- AddRuntimeContext.cpp - The ABI's entries and arena ------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/Checks/CheckBuilder.h"
#include "lowering/Common/Passes.h"
#include "lowering/Common/RuntimeContext/Description.h"
#include "marimba/abi.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"

#define DEBUG_TYPE "add-runtime-context"

namespace mlir::marimba {
#define GEN_PASS_DEF_ADDRUNTIMECONTEXT
#include "lowering/Common/AddRuntimeContext.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Ends the call where scratch has more bytes than are left of the arena. The
/// product of its sizes may be more than 64 bits hold.
void checkRoom(OpBuilder &b, memref::AllocOp alloc, Value context) {
  MemRefType type = alloc.getType();
  Location loc = alloc.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  int64_t fixed =
      std::max<int64_t>(1, type.getElementType().isIndex()
                               ? 8
                               : (type.getElementTypeBitWidth() + 7) / 8);
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size) && size > 0)
      fixed *= size; // ModuleRules.h: static sizes are not too many bytes
  Value room = rt::ArenaRoomOp::create(b, loc, b.getIndexType(), context);
  Value one = constant(1), bytes = constant(fixed);
  Value good =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, bytes, room);
  for (Value size : alloc.getDynamicSizes()) {
    Value atLeastOne = arith::MaxSIOp::create(b, loc, size, one);
    Value most = arith::DivSIOp::create(
        b, loc, room, arith::MaxSIOp::create(b, loc, bytes, one));
    Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle,
                                       atLeastOne, most);
    good = arith::AndIOp::create(b, loc, good, fits);
    bytes = arith::MulIOp::create(b, loc, bytes, atLeastOne);
  }
  SmallString<64> message;
  llvm::raw_svector_ostream os(message);
  os << placeOf(loc) << "no room for scratch of type " << type
     << " in an arena of which {0} bytes are left";
  SmallVector<Value> values = {room};
  for (Value size : alloc.getDynamicSizes()) {
    os << (values.size() == 1 ? "; its sizes: " : ", ") << '{' << values.size()
       << '}';
    values.push_back(size);
  }
  rt::CheckOp::create(b, loc, context, good, message, values);
}

/// Scratch of a block comes from the arena and goes back where the block ends;
/// what leaves a branch goes back where the function ends. Returns how many
/// buffers that are.
unsigned useArena(Block &block, Value context, bool checks) {
  SmallVector<memref::AllocOp> allocs(block.getOps<memref::AllocOp>());
  bool isBody = isa<func::FuncOp>(block.getParentOp());
  bool hasNested =
      isBody &&
      block.walk([](memref::AllocOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  if (allocs.empty() && !hasNested)
    return 0;
  OpBuilder b = OpBuilder::atBlockBegin(&block);
  if (context.getParentBlock() == &block)
    b.setInsertionPointAfterValue(context);
  Location loc = block.getParentOp()->getLoc();
  Operation *end = block.getTerminator();
  bool escapes = llvm::any_of(end->getOperandTypes(), [](Type type) {
    return isa<BaseMemRefType>(type);
  });
  if (!escapes) {
    Value mark = rt::ArenaMarkOp::create(b, loc, b.getI64Type(), context);
    b.setInsertionPoint(end);
    rt::ArenaReleaseOp::create(b, loc, context, mark);
  }
  for (memref::AllocOp alloc : allocs) {
    b.setInsertionPoint(alloc);
    if (checks)
      checkRoom(b, alloc, context);
    Value scratch = rt::ArenaAllocOp::create(b, alloc.getLoc(), alloc.getType(),
                                             context, alloc.getDynamicSizes());
    alloc.replaceAllUsesWith(scratch);
    alloc.erase();
  }
  return allocs.size();
}

/// fn(arguments...) becomes marimba_<entry>(context, call) -> i32.
LogicalResult makeEntry(func::FuncOp func, StringRef entry,
                        const llvm::StringMap<unsigned> &weightIndex) {
  MLIRContext *ctx = func.getContext();
  Block &body = func.getBody().front();
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  Location loc = func.getLoc();
  unsigned argCount = body.getNumArguments();
  body.addArgument(rt::ContextType::get(ctx), loc);
  Value call = body.addArgument(rt::CallType::get(ctx), loc);
  for (unsigned i = 0; i < argCount; ++i) {
    BlockArgument arg = body.getArgument(i);
    if (!isa<MemRefType>(arg.getType()))
      return func.emitError("argument #")
             << i << " of an entry has type " << arg.getType()
             << ", expected a tensor";
    Value view =
        rt::ArgumentOp::create(b, arg.getLoc(), arg.getType(), call, i);
    arg.replaceAllUsesWith(view);
  }
  body.eraseArguments(0, argCount);
  func.walk([&](GetWeightOp get) {
    OpBuilder at(get);
    Value weight =
        rt::WeightOp::create(at, get.getLoc(), get->getResult(0).getType(),
                             call, weightIndex.lookup(get.getWeight()));
    get->getResult(0).replaceAllUsesWith(weight);
    get.erase();
  });
  func.walk([&](func::ReturnOp ret) {
    OpBuilder at(ret);
    Value context = rt::ContextOp::create(at, ret.getLoc());
    Value status =
        rt::StatusOp::create(at, ret.getLoc(), at.getI32Type(), context);
    ret->setOperands(status);
  });
  func.setFunctionType(
      FunctionType::get(ctx, body.getArgumentTypes(), b.getI32Type()));
  func.removeArgAttrsAttr();
  func.removeResAttrsAttr();
  func.setSymName(("marimba_" + entry).str());
  func.setPublic();
  return success();
}

struct AddRuntimeContextPass
    : mlir::marimba::impl::AddRuntimeContextBase<AddRuntimeContextPass> {
  using AddRuntimeContextBase::AddRuntimeContextBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::StringMap<unsigned> weightIndex;
    for (auto weight : module.getOps<WeightOp>())
      weightIndex.try_emplace(weight.getSymName(), weightIndex.size());

    std::string description = describeModule(module);
    for (auto func : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (!func.isExternal() && failed(convert(func, weightIndex)))
        return signalPassFailure();
    for (auto weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
      weight.erase();
    addText(module, MARIMBA_SYMBOL_DESCRIPTION, description);
  }

  LogicalResult convert(func::FuncOp func,
                        const llvm::StringMap<unsigned> &weightIndex) {
    MLIRContext *ctx = &getContext();
    if (auto entry = func->getAttrOfType<StringAttr>(kEntryAttr)) {
      LDBG() << "entry " << entry << ": @" << func.getSymName();
      if (failed(makeEntry(func, entry.getValue(), weightIndex)))
        return failure();
      ++numEntries;
    } else {
      if (rt::ContextOp::isAvailableAt(func))
        return success(); // done before
      if (failed(func.insertArgument(0, rt::ContextType::get(ctx),
                                     DictionaryAttr(), func.getLoc())))
        return failure();
      func->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(ctx, LLVM::Linkage::Internal));
    }
    OpBuilder b = OpBuilder::atBlockBegin(&func.getBody().front());
    Value context = rt::ContextOp::create(b, func.getLoc());
    WalkResult result = func.walk([&](Operation *op) {
      if (auto call = dyn_cast<func::CallOp>(op)) {
        op->insertOperands(0, context);
      } else if (auto check = dyn_cast<rt::CheckOp>(op)) {
        check.getCallContextMutable().assign(context);
      } else if (auto get = dyn_cast<GetWeightOp>(op)) {
        get.emitError("weights are read in entries only (functions with '")
            << kEntryAttr << "'): pass this one as an argument";
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
    SmallVector<Block *> blocks;
    func.walk([&](Block *block) { blocks.push_back(block); });
    for (Block *block : blocks)
      numArenaBuffers += useArena(*block, context, checks);
    if (context.use_empty())
      context.getDefiningOp()->erase();
    return success();
  }
};

} // namespace
