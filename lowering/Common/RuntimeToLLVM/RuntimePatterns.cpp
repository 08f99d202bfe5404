//===- RuntimePatterns.cpp - rt ops to LLVM ---------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/RuntimeToLLVM/RuntimePatterns.h"

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/RuntimeToLLVM/ModuleSymbols.h"
#include "lowering/Common/RuntimeToLLVM/StructAccess.h"
#include "marimba/abi.h"
#include "marimba/formats/Layout.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// The MarimbaTensor `index` of the table at `tableOffset` of the call.
Value tensorAt(StructAccess &s, Value call, int64_t tableOffset,
               int64_t index) {
  Value table = s.load(s.pointerType(), call, tableOffset);
  return s.at(table, index * sizeof(MarimbaTensor));
}

/// The same for the index at `position` of a layer's list.
Value layerTensorAt(OpBuilder &b, StructAccess &s, Location loc, Value call,
                    int64_t tableOffset, Value list, int64_t position) {
  Value index = s.load(b.getI32Type(), list, position * sizeof(int32_t));
  Value table = s.load(s.pointerType(), call, tableOffset);
  auto tensor = LLVM::LLVMArrayType::get(b.getI8Type(), sizeof(MarimbaTensor));
  return LLVM::GEPOp::create(b, loc, s.pointerType(), tensor, table,
                             ArrayRef<LLVM::GEPArg>{index});
}

/// A view of a MarimbaTensor. Static sizes and strides come from the type,
/// dynamic ones from the tensor.
Value viewOfTensor(ConversionPatternRewriter &rewriter, Location loc,
                   const LLVMTypeConverter &types, MemRefType type,
                   Value tensor) {
  StructAccess s(rewriter, loc);
  Value data = s.load(s.pointerType(), tensor, offsetof(MarimbaTensor, data));
  auto view = MemRefDescriptor::poison(rewriter, loc, types.convertType(type));
  view.setAllocatedPtr(rewriter, loc, data);
  view.setAlignedPtr(rewriter, loc, data);
  view.setOffset(rewriter, loc, s.constant(0));
  auto [strides, offset] = type.getStridesAndOffset();
  auto field = [&](int64_t value, size_t table, int64_t d) {
    return ShapedType::isDynamic(value)
               ? s.load(rewriter.getI64Type(), tensor, table + 8 * d)
               : s.constant(value);
  };
  for (int64_t d = 0; d < type.getRank(); ++d) {
    view.setSize(rewriter, loc, d,
                 field(type.getDimSize(d), offsetof(MarimbaTensor, sizes), d));
    view.setStride(rewriter, loc, d,
                   field(strides[d], offsetof(MarimbaTensor, strides), d));
  }
  return view;
}

/// rt.context: an argument of the function already.
struct ConvertContext : ConvertOpToLLVMPattern<rt::ContextOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(rt::ContextOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, callContext(op));
    return success();
  }
};

/// rt.weight, rt.argument: the index is a constant.
template <typename OpTy, size_t tableOffset>
struct ConvertTensor : ConvertOpToLLVMPattern<OpTy> {
  using ConvertOpToLLVMPattern<OpTy>::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StructAccess s(rewriter, op.getLoc());
    Value tensor = tensorAt(s, adaptor.getCall(), tableOffset, op.getIndex());
    rewriter.replaceOp(
        op, viewOfTensor(rewriter, op.getLoc(), *this->getTypeConverter(),
                         cast<MemRefType>(op.getType()), tensor));
    return success();
  }
};

/// rt.layer_weight, rt.layer_argument: the index is the layer's.
template <typename OpTy, size_t tableOffset>
struct ConvertLayerTensor : ConvertOpToLLVMPattern<OpTy> {
  using ConvertOpToLLVMPattern<OpTy>::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StructAccess s(rewriter, op.getLoc());
    Value tensor =
        layerTensorAt(rewriter, s, op.getLoc(), adaptor.getCall(), tableOffset,
                      adaptor.getTable(), op.getPosition());
    rewriter.replaceOp(
        op, viewOfTensor(rewriter, op.getLoc(), *this->getTypeConverter(),
                         cast<MemRefType>(op.getType()), tensor));
    return success();
  }
};

/// A constant of the module: an array of words.
LLVM::GlobalOp addWords(ModuleSymbols &symbols, OpBuilder &b, Location loc,
                        StringRef name, ArrayRef<int32_t> values,
                        unsigned alignment = 0) {
  return symbols.addConstant(
      b, loc, name, LLVM::LLVMArrayType::get(b.getI32Type(), values.size()),
      b.getI32TensorAttr(values), alignment);
}

/// The list becomes a constant of the module.
struct ConvertTable : SymbolPattern<rt::TableOp> {
  using SymbolPattern::SymbolPattern;
  LogicalResult
  matchAndRewrite(rt::TableOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LLVM::GlobalOp global =
        addWords(symbols, rewriter, op.getLoc(),
                 symbols.freeName("layer_table_"), op.getIndices());
    rewriter.replaceOpWithNewOp<LLVM::AddressOfOp>(op, global);
    return success();
  }
};

/// The table becomes a constant of the module, once for all.
struct ConvertCodebook : SymbolPattern<rt::CodebookOp> {
  using SymbolPattern::SymbolPattern;
  LogicalResult
  matchAndRewrite(rt::CodebookOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    std::string name = ("codebook_" + op.getValues()).str();
    LLVM::GlobalOp global = symbols.findConstant(name);
    if (!global) {
      namespace formats = ::marimba::formats;
      std::vector<uint32_t> words =
          formats::gridWords(*formats::parseCodeValues(op.getValues()));
      SmallVector<int32_t> values(words.begin(), words.end());
      global = addWords(symbols, rewriter, loc, name, values,
                        /*alignment=*/64);
    }
    Value data = LLVM::AddressOfOp::create(rewriter, loc, global);
    rewriter.replaceOp(
        op, {MemRefDescriptor::fromStaticShape(
                rewriter, loc, *getTypeConverter(), op.getType(), data)});
    return success();
  }
};

struct ConvertMark : ConvertOpToLLVMPattern<rt::ArenaMarkOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(rt::ArenaMarkOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StructAccess s(rewriter, op.getLoc());
    rewriter.replaceOp(op, s.load(rewriter.getI64Type(), adaptor.getContext(),
                                  offsetof(MarimbaContext, arenaTop)));
    return success();
  }
};

struct ConvertRelease : ConvertOpToLLVMPattern<rt::ArenaReleaseOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(rt::ArenaReleaseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StructAccess s(rewriter, op.getLoc());
    s.store(adaptor.getMark(), adaptor.getContext(),
            offsetof(MarimbaContext, arenaTop));
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertStatus : ConvertOpToLLVMPattern<rt::StatusOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(rt::StatusOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StructAccess s(rewriter, op.getLoc());
    rewriter.replaceOp(op, s.load(rewriter.getI32Type(), adaptor.getContext(),
                                  offsetof(MarimbaContext, status)));
    return success();
  }
};

struct ConvertRoom : ConvertOpToLLVMPattern<rt::ArenaRoomOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(rt::ArenaRoomOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StructAccess s(rewriter, op.getLoc());
    Type i64 = rewriter.getI64Type();
    Value size = s.load(i64, adaptor.getCallContext(),
                        offsetof(MarimbaContext, arenaSize));
    Value top = s.load(i64, adaptor.getCallContext(),
                       offsetof(MarimbaContext, arenaTop));
    rewriter.replaceOpWithNewOp<LLVM::SubOp>(op, size, top);
    return success();
  }
};

/// The message becomes a constant of the module, the values a list on the
/// stack.
struct ConvertCheckFailed : SymbolPattern<rt::CheckFailedOp> {
  using SymbolPattern::SymbolPattern;
  LogicalResult
  matchAndRewrite(rt::CheckFailedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Type i64 = rewriter.getI64Type();
    FailureOr<LLVM::LLVMFuncOp> function = symbols.function(
        rewriter, MARIMBA_FN_CHECK_FAILED, {pointer, pointer, pointer, i64});
    if (failed(function))
      return failure();
    StructAccess s(rewriter, loc);
    int64_t count = op.getValues().size();
    Value list =
        s.stack(op, LLVM::LLVMArrayType::get(i64, std::max<int64_t>(count, 1)));
    for (auto [i, value] : llvm::enumerate(adaptor.getValues()))
      s.store(value, list, 8 * i);
    Value message = LLVM::AddressOfOp::create(
        rewriter, loc,
        symbols.text(rewriter, loc, "check_message_", op.getMessage()));
    LLVM::CallOp::create(
        rewriter, loc, *function,
        ValueRange{adaptor.getCallContext(), message, list, s.constant(count)});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertAlloc : SymbolPattern<rt::ArenaAllocOp> {
  using SymbolPattern::SymbolPattern;
  LogicalResult
  matchAndRewrite(rt::ArenaAllocOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getType());
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    FailureOr<LLVM::LLVMFuncOp> function =
        symbols.function(rewriter, MARIMBA_FN_ARENA_ALLOC,
                         {pointer, rewriter.getI64Type()}, pointer);
    if (failed(function))
      return failure();
    SmallVector<Value> sizes, strides;
    Value bytes;
    getMemRefDescriptorSizes(loc, type, adaptor.getDynamicSizes(), rewriter,
                             sizes, strides, bytes, /*sizeInBytes=*/true);
    Value data = LLVM::CallOp::create(rewriter, loc, *function,
                                      ValueRange{adaptor.getContext(), bytes})
                     .getResult();
    Value view =
        createMemRefDescriptor(loc, type, data, data, sizes, strides, rewriter);
    rewriter.replaceOp(op, view);
    return success();
  }
};

/// Captures travel in a struct on the caller's stack; a small function of the
/// ABI's loop body type unpacks it and calls the outlined body.
/// What the runtime gets of a loop: its body, of the ABI's type, and the
/// closure with `captures`, which are converted.
class LoopClosure {
public:
  LoopClosure(ConversionPatternRewriter &rewriter, ModuleSymbols &symbols,
              rt::ParallelForOp op, ValueRange captures) {
    Location loc = op.getLoc();
    MLIRContext *ctx = rewriter.getContext();
    StructAccess s(rewriter, loc);
    auto closureType = LLVM::LLVMStructType::getLiteral(
        ctx, llvm::to_vector(captures.getTypes()));
    closure = s.stack(op, closureType);
    for (auto [i, capture] : llvm::enumerate(captures))
      LLVM::StoreOp::create(rewriter, loc, capture,
                            field(rewriter, loc, closureType, closure, i));
    std::string name = (op.getBody() + "_range").str();
    if (!symbols.contains(name))
      symbols.insert(buildRange(rewriter, op, name, closureType));
    body = LLVM::AddressOfOp::create(rewriter, loc, s.pointerType(), name);
  }

  Value body, closure;

private:
  static Value field(OpBuilder &b, Location loc, Type type, Value base,
                     int32_t i) {
    return LLVM::GEPOp::create(b, loc, base.getType(), type, base,
                               ArrayRef<LLVM::GEPArg>{0, i});
  }

  /// void name(ptr closure, i64 begin, i64 end)
  static LLVM::LLVMFuncOp buildRange(ConversionPatternRewriter &rewriter,
                                     rt::ParallelForOp op, StringRef name,
                                     LLVM::LLVMStructType closureType) {
    OpBuilder::InsertionGuard guard(rewriter);
    Location loc = op.getLoc();
    MLIRContext *ctx = rewriter.getContext();
    rewriter.setInsertionPointToStart(
        op->getParentOfType<ModuleOp>().getBody());
    auto pointer = LLVM::LLVMPointerType::get(ctx);
    Type i64 = rewriter.getI64Type();
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(ctx),
                                            {pointer, i64, i64});
    auto range = LLVM::LLVMFuncOp::create(rewriter, loc, name, type,
                                          LLVM::Linkage::Internal);
    Block *entry = range.addEntryBlock(rewriter);
    rewriter.setInsertionPointToStart(entry);
    // Memrefs go to the body as its converted signature takes them: unpacked.
    SmallVector<Value> args = {entry->getArgument(1), entry->getArgument(2)};
    for (auto [i, pair] : llvm::enumerate(
             llvm::zip(op.getCaptures().getTypes(), closureType.getBody()))) {
      auto [original, converted] = pair;
      Value value = LLVM::LoadOp::create(
          rewriter, loc, converted,
          field(rewriter, loc, closureType, entry->getArgument(0), i));
      if (auto memref = dyn_cast<MemRefType>(original))
        MemRefDescriptor::unpack(rewriter, loc, value, memref, args);
      else
        args.push_back(value);
    }
    LLVM::CallOp::create(rewriter, loc, TypeRange(), op.getBody(), args);
    LLVM::ReturnOp::create(rewriter, loc, ValueRange());
    return range;
  }
};

struct ConvertParallelFor : SymbolPattern<rt::ParallelForOp> {
  using SymbolPattern::SymbolPattern;

  LogicalResult
  matchAndRewrite(rt::ParallelForOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    StructAccess s(rewriter, loc);
    Type pointer = s.pointerType(), i64 = rewriter.getI64Type();
    FailureOr<LLVM::LLVMFuncOp> function =
        symbols.function(rewriter, MARIMBA_FN_PARALLEL_FOR,
                         {pointer, i64, i64, pointer, pointer});
    if (failed(function))
      return failure();
    LoopClosure loop(rewriter, symbols, op, adaptor.getCaptures());
    LLVM::CallOp::create(rewriter, loc, *function,
                         ValueRange{adaptor.getContext(), adaptor.getCount(),
                                    s.constant(1), loop.body, loop.closure});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertParallelPhases : SymbolPattern<rt::ParallelPhasesOp> {
  using SymbolPattern::SymbolPattern;

  LogicalResult
  matchAndRewrite(rt::ParallelPhasesOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    StructAccess s(rewriter, loc);
    Type pointer = s.pointerType(), i64 = rewriter.getI64Type();
    FailureOr<LLVM::LLVMFuncOp> function = symbols.function(
        rewriter, MARIMBA_FN_PARALLEL_PHASES, {pointer, i64, pointer});
    if (failed(function))
      return failure();
    auto loops = llvm::to_vector(op.getPhases().getOps<rt::ParallelForOp>());
    Value phases = s.stack(
        op, LLVM::LLVMArrayType::get(rewriter.getI8Type(),
                                     loops.size() * sizeof(MarimbaPhase)));
    int64_t at = 0;
    for (rt::ParallelForOp loop : loops) {
      SmallVector<Value> captures;
      Value count = rewriter.getRemappedValue(loop.getCount());
      if (!count ||
          failed(rewriter.getRemappedValues(loop.getCaptures(), captures)))
        return failure();
      LoopClosure closure(rewriter, symbols, loop, captures);
      s.store(count, phases, at + offsetof(MarimbaPhase, count));
      s.store(closure.body, phases, at + offsetof(MarimbaPhase, body));
      s.store(closure.closure, phases, at + offsetof(MarimbaPhase, closure));
      at += sizeof(MarimbaPhase);
    }
    LLVM::CallOp::create(
        rewriter, loc, *function,
        ValueRange{adaptor.getContext(),
                   s.constant(static_cast<int64_t>(loops.size())), phases});
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void mlir::marimba::populateRuntimeToLLVMPatterns(LLVMTypeConverter &types,
                                                  ModuleSymbols &symbols,
                                                  RewritePatternSet &patterns) {
  constexpr size_t weights = offsetof(MarimbaCall, weights);
  constexpr size_t args = offsetof(MarimbaCall, args);
  patterns.add<ConvertContext, ConvertTensor<rt::WeightOp, weights>,
               ConvertTensor<rt::ArgumentOp, args>,
               ConvertLayerTensor<rt::LayerWeightOp, weights>,
               ConvertLayerTensor<rt::LayerArgumentOp, args>, ConvertMark,
               ConvertRelease, ConvertStatus, ConvertRoom>(types);
  patterns.add<ConvertTable, ConvertCodebook, ConvertCheckFailed, ConvertAlloc,
               ConvertParallelFor, ConvertParallelPhases>(types, symbols);
}
