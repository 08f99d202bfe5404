//===- OneDNNPatterns.cpp - onednn ops to LLVM ------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Quantized.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/RuntimeToLLVM/ModuleSymbols.h"
#include "lowering/Common/RuntimeToLLVM/RuntimePatterns.h"
#include "lowering/Common/RuntimeToLLVM/StructAccess.h"
#include "marimba/abi.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

int32_t dtypeOf(Type type) {
  if (type.isBF16())
    return MARIMBA_BF16;
  return type.isF16() ? MARIMBA_F16 : MARIMBA_F32;
}

/// Fills a struct of the ABI on the stack and calls a function with it.
class LibraryCall {
public:
  LibraryCall(ConversionPatternRewriter &b, const LLVMTypeConverter &types,
              Operation *op, size_t structSize)
      : b(b), types(types), op(op), s(b, op->getLoc()),
        args(s.stack(
            op, LLVM::LLVMArrayType::get(b.getI8Type(),
                                         static_cast<unsigned>(structSize)))) {}

  void set(size_t offset, Value value) {
    s.store(value, args, static_cast<int64_t>(offset));
  }
  void set(size_t offset, int64_t value) { set(offset, s.constant(value)); }
  void setI32(size_t offset, int64_t value) {
    set(offset,
        LLVM::ConstantOp::create(b, op->getLoc(), b.getI32Type(), value));
  }
  void setType(size_t offset, Value memref) {
    setI32(offset, dtypeOf(getElementTypeOrSelf(memref.getType())));
  }
  void setNull(size_t offset) {
    set(offset, LLVM::ZeroOp::create(b, op->getLoc(), s.pointerType()));
  }
  void setData(size_t offset, Value memref, Value converted) {
    MemRefDescriptor view(converted);
    set(offset, view.bufferPtr(b, op->getLoc(), types,
                               cast<MemRefType>(memref.getType())));
  }
  /// Batch and row strides of a matrix, or of a batch of them.
  void setStrides(size_t batchOffset, size_t rowOffset, Value memref,
                  Value converted) {
    MemRefDescriptor view(converted);
    int64_t rank = cast<MemRefType>(memref.getType()).getRank();
    if (rank == 3)
      set(batchOffset, view.stride(b, op->getLoc(), 0));
    else
      set(batchOffset, int64_t(0));
    set(rowOffset, view.stride(b, op->getLoc(), rank - 2));
  }
  void setSizes(size_t batchOffset, size_t rowsOffset, Value memref,
                Value converted) {
    MemRefDescriptor view(converted);
    int64_t rank = cast<MemRefType>(memref.getType()).getRank();
    if (rank == 3)
      set(batchOffset, view.size(b, op->getLoc(), 0));
    else
      set(batchOffset, int64_t(1));
    set(rowsOffset, view.size(b, op->getLoc(), rank - 2));
  }

  /// x and y of a struct that has both: where they are, the sizes of x and the
  /// strides of each.
  template <typename Struct>
  void setRows(Value x, Value xView, Value y, Value yView) {
    setData(offsetof(Struct, x), x, xView);
    setData(offsetof(Struct, y), y, yView);
    setSizes(offsetof(Struct, batch), offsetof(Struct, rows), x, xView);
    setStrides(offsetof(Struct, xBatchStride), offsetof(Struct, xRowStride), x,
               xView);
    setStrides(offsetof(Struct, yBatchStride), offsetof(Struct, yRowStride), y,
               yView);
  }

  LogicalResult call(ModuleSymbols &symbols, StringRef name) {
    FailureOr<LLVM::LLVMFuncOp> function =
        symbols.function(b, name, {s.pointerType(), s.pointerType()});
    if (failed(function))
      return failure();
    LLVM::CallOp::create(b, op->getLoc(), *function,
                         ValueRange{callContext(op), args});
    return success();
  }

private:
  ConversionPatternRewriter &b;
  const LLVMTypeConverter &types;
  Operation *op;
  StructAccess s;
  Value args;
};

static_assert(onednn::MatmulOp::kMostPostOps == MARIMBA_MAX_POST_OPS);

struct ConvertMatmul : SymbolPattern<onednn::MatmulOp> {
  using SymbolPattern::SymbolPattern;

  LogicalResult
  matchAndRewrite(onednn::MatmulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto weight = dyn_cast<MemRefType>(op.getWeight().getType());
    if (!weight)
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    using M = MarimbaMatmul;
    LibraryCall call(rewriter, *getTypeConverter(), op, sizeof(M));
    Value x = op.getInput(), y = op.getInits()[0], bias = op.getBias();
    Value xView = adaptor.getInput(), yView = adaptor.getInits()[0];
    call.setData(offsetof(M, x), x, xView);
    call.setData(offsetof(M, w), op.getWeight(), adaptor.getWeight());
    if (bias)
      call.setData(offsetof(M, bias), bias, adaptor.getBias());
    else
      call.setNull(offsetof(M, bias));
    call.setData(offsetof(M, y), y, yView);
    call.setSizes(offsetof(M, batch), offsetof(M, rows), x, xView);
    call.set(offsetof(M, k), weight.getDimSize(op.getComputed() ? 0 : 1));
    call.set(offsetof(M, n), weight.getDimSize(op.getComputed() ? 1 : 0));
    call.set(offsetof(M, computed), int64_t(op.getComputed()));
    call.setStrides(offsetof(M, xBatchStride), offsetof(M, xRowStride), x,
                    xView);
    call.setStrides(offsetof(M, yBatchStride), offsetof(M, yRowStride), y,
                    yView);
    call.setType(offsetof(M, xType), x);
    call.setType(offsetof(M, weightType), op.getWeight());
    if (bias)
      call.setType(offsetof(M, biasType), bias);
    else
      call.setI32(offsetof(M, biasType), MARIMBA_F32);
    call.setType(offsetof(M, yType), y);
    setPostOps(call, op, adaptor.getPostOperands());
    if (failed(call.call(symbols, MARIMBA_FN_ONEDNN_MATMUL)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void setPostOps(LibraryCall &call, onednn::MatmulOp op,
                         ValueRange views) {
    SmallVector<mlir::marimba::PostOpKind> kinds = op.getPostOpKinds();
    call.set(offsetof(MarimbaMatmul, postOpCount),
             static_cast<int64_t>(kinds.size()));
    size_t operand = 0;
    for (auto [i, kind] : llvm::enumerate(kinds)) {
      using P = MarimbaPostOp;
      size_t base = offsetof(MarimbaMatmul, postOps) + i * sizeof(P);
      call.setI32(base + offsetof(P, kind), kindOf(kind));
      if (!mlir::marimba::takesOperand(kind)) {
        call.setNull(base + offsetof(P, data));
        continue;
      }
      Value value = op.getPostOperands()[operand], view = views[operand];
      ++operand;
      call.setData(base + offsetof(P, data), value, view);
      call.setStrides(base + offsetof(P, batchStride),
                      base + offsetof(P, rowStride), value, view);
      call.setType(base + offsetof(P, type), value);
    }
  }

  static int32_t kindOf(mlir::marimba::PostOpKind kind) {
    switch (kind) {
    case mlir::marimba::PostOpKind::Sum:
      return MARIMBA_POST_SUM;
    case mlir::marimba::PostOpKind::Silu:
      return MARIMBA_POST_SILU;
    case mlir::marimba::PostOpKind::Mul:
      return MARIMBA_POST_MUL;
    case mlir::marimba::PostOpKind::Add:
      return MARIMBA_POST_ADD;
    case mlir::marimba::PostOpKind::Relu2:
      return MARIMBA_POST_RELU2;
    case mlir::marimba::PostOpKind::Scale:
      break;
    }
    llvm_unreachable("the verifier allows no other kind");
  }
};

struct ConvertReorder : SymbolPattern<onednn::ReorderOp> {
  using SymbolPattern::SymbolPattern;

  LogicalResult
  matchAndRewrite(onednn::ReorderOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<MemRefType>(op.getInput().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    using R = MarimbaReorder;
    LibraryCall call(rewriter, *getTypeConverter(), op, sizeof(R));
    Value x = op.getInput(), y = op.getInits()[0];
    Value xView = adaptor.getInput(), yView = adaptor.getInits()[0];
    call.setRows<R>(x, xView, y, yView);
    call.set(offsetof(R, columns), type.getShape().back());
    call.setType(offsetof(R, xType), x);
    call.setType(offsetof(R, yType), y);
    if (failed(call.call(symbols, MARIMBA_FN_ONEDNN_REORDER)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertIntegerMatmul : SymbolPattern<onednn::IntegerMatmulOp> {
  using SymbolPattern::SymbolPattern;

  LogicalResult
  matchAndRewrite(onednn::IntegerMatmulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto weight = dyn_cast<MemRefType>(op.getWeight().getType());
    if (!weight)
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    Location loc = op.getLoc();
    formats::Layout layout = layoutOf(cast<RankedTensorType>(op.getStored()));
    using M = MarimbaIntegerMatmul;
    LibraryCall call(rewriter, *getTypeConverter(), op, sizeof(M));
    Value x = op.getInput(), y = op.getInits()[0];
    Value xView = adaptor.getInput(), yView = adaptor.getInits()[0];
    call.setRows<M>(x, xView, y, yView);
    MemRefDescriptor bytes(adaptor.getWeight());
    Value w = bytes.bufferPtr(rewriter, loc, *getTypeConverter(), weight);
    if (op.getMatrix()) {
      Value each = LLVM::ConstantOp::create(
          rewriter, loc, rewriter.getI64Type(),
          rewriter.getI64IntegerAttr(layout.matrixBytes()));
      Value offset =
          LLVM::MulOp::create(rewriter, loc, adaptor.getMatrix(), each);
      w = LLVM::GEPOp::create(rewriter, loc, w.getType(), rewriter.getI8Type(),
                              w, ArrayRef<LLVM::GEPArg>{offset});
    }
    call.set(offsetof(M, w), w);
    call.set(offsetof(M, k), layout.depth);
    call.set(offsetof(M, n), layout.channels);
    if (failed(call.call(symbols, MARIMBA_FN_ONEDNN_INTEGER_MATMUL)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

/// A pointer from the runtime; no blocks where it is null.
struct ConvertPackedWeights : SymbolPattern<rt::PackedWeightsOp> {
  using SymbolPattern::SymbolPattern;

  LogicalResult
  matchAndRewrite(rt::PackedWeightsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto weight = cast<MemRefType>(op.getWeight().getType());
    auto result = cast<MemRefType>(op.getType());
    Type i32 = rewriter.getI32Type(), i64 = rewriter.getI64Type();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    FailureOr<LLVM::LLVMFuncOp> function =
        symbols.function(rewriter, MARIMBA_FN_PACKED_WEIGHTS,
                         {pointer, pointer, i64, i64, i32, i32}, pointer);
    if (failed(function))
      return failure();
    auto constant = [&](Type type, int64_t value) -> Value {
      return LLVM::ConstantOp::create(rewriter, loc, type, value);
    };
    int64_t channels = weight.getDimSize(0), inputs = weight.getDimSize(1);
    bool single = result.getElementType().isF32();
    MemRefDescriptor view(adaptor.getWeight());
    Value data =
        LLVM::CallOp::create(
            rewriter, loc, *function,
            ValueRange{
                adaptor.getContext(),
                view.bufferPtr(rewriter, loc, *getTypeConverter(), weight),
                constant(i64, channels), constant(i64, inputs),
                constant(i32, dtypeOf(weight.getElementType())),
                constant(i32, single ? MARIMBA_F32 : MARIMBA_BF16)})
            .getResult();
    Value null = LLVM::ZeroOp::create(rewriter, loc, pointer);
    Value none = LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::eq,
                                      data, null);
    int64_t lanes = result.getDimSize(2), words = result.getDimSize(1);
    Value blocks =
        LLVM::SelectOp::create(rewriter, loc, none, constant(i64, 0),
                               constant(i64, (channels + lanes - 1) / lanes));
    SmallVector<Value> sizes = {blocks, constant(i64, words),
                                constant(i64, lanes)};
    SmallVector<Value> strides = {constant(i64, words * lanes),
                                  constant(i64, lanes), constant(i64, 1)};
    Value described = createMemRefDescriptor(loc, result, data, data, sizes,
                                             strides, rewriter);
    rewriter.replaceOp(op, described);
    return success();
  }
};

} // namespace

void mlir::marimba::populateOneDNNToLLVMPatterns(LLVMTypeConverter &types,
                                                 ModuleSymbols &symbols,
                                                 RewritePatternSet &patterns) {
  patterns.add<ConvertMatmul, ConvertReorder, ConvertPackedWeights,
               ConvertIntegerMatmul>(types, symbols);
}
