//===- BufferizableOpInterfaceImpl.cpp - Tensors to memrefs ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/Transforms/BufferizableOpInterfaceImpl.h"
#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/OneDNN/IR/OneDNN.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/Dialect.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {

/// The same op on the buffers of its operands, without results.
LogicalResult bufferizeDestinationOp(DestinationStyleOpInterface op,
                                     RewriterBase &rewriter,
                                     const BufferizationOptions &options,
                                     BufferizationState &state) {
  if (op.hasPureBufferSemantics())
    return success();
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (!isa<TensorType>(operand.getType())) {
      operands.push_back(operand);
      continue;
    }
    FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
    if (failed(buffer))
      return failure();
    operands.push_back(*buffer);
  }
  auto newOp = cast<DestinationStyleOpInterface>(
      clone(rewriter, op.getOperation(), TypeRange(), operands));
  replaceOpWithBufferizedValues(rewriter, op, newOp.getDpsInits());
  return success();
}

/// `WriteOnly` are the positions of the inits whose old value is never read.
/// All others are states: read and written.
template <typename OpTy, unsigned... WriteOnly>
struct DestinationModel : DstBufferizableOpInterfaceExternalModel<
                              DestinationModel<OpTy, WriteOnly...>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    auto dst = cast<DestinationStyleOpInterface>(op);
    if (!dst.isDpsInit(&operand))
      return true;
    [[maybe_unused]] unsigned init =
        operand.getOperandNumber() - dst.getDpsInits().getBeginOperandIndex();
    return ((init != WriteOnly) && ...);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDestinationOp(cast<DestinationStyleOpInterface>(op),
                                  rewriter, options, state);
  }
};

/// A matmul reads its destination where the old value is a summand.
template <typename OpTy>
struct PostOpsModel
    : DstBufferizableOpInterfaceExternalModel<PostOpsModel<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand) ||
           cast<mlir::marimba::PostOpsInterface>(op).readsDestination();
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDestinationOp(cast<DestinationStyleOpInterface>(op),
                                  rewriter, options, state);
  }
};

/// A weight is memory that nobody may write to.
struct GetWeightModel
    : BufferizableOpInterface::ExternalModel<GetWeightModel,
                                             mlir::marimba::GetWeightOp> {
  AliasingOpOperandList getAliasingOpOperands(Operation *, Value,
                                              const AnalysisState &) const {
    return {};
  }

  bool isWritable(Operation *, Value, const AnalysisState &) const {
    return false;
  }

  FailureOr<BufferLikeType> getBufferType(Operation *, Value value,
                                          const BufferizationOptions &,
                                          const BufferizationState &,
                                          SmallVector<Value> &) const {
    return cast<BufferLikeType>(getMemRefTypeWithStaticIdentityLayout(
        cast<TensorType>(value.getType())));
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &,
                          BufferizationState &) const {
    auto weight = cast<mlir::marimba::GetWeightOp>(op);
    auto type = dyn_cast<TensorType>(weight.getResult().getType());
    if (!type)
      return success();
    replaceOpWithNewBufferizedOp<mlir::marimba::GetWeightOp>(
        rewriter, op, getMemRefTypeWithStaticIdentityLayout(type),
        weight.getWeightAttr());
    return success();
  }
};

} // namespace

void mlir::marimba::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *ctx, MarimbaDialect *) {
    GetWeightOp::attachInterface<GetWeightModel>(*ctx);
    CausalConv1dOp::attachInterface<DestinationModel<CausalConv1dOp, 0>>(*ctx);
    ScanOp::attachInterface<DestinationModel<ScanOp, 0>>(*ctx);
    SelectiveScanOp::attachInterface<DestinationModel<SelectiveScanOp, 0>>(
        *ctx);
    ScanSummaryOp::attachInterface<DestinationModel<ScanSummaryOp>>(*ctx);
    LTIScanOp::attachInterface<DestinationModel<LTIScanOp, 0>>(*ctx);
    LongConvolutionOp::attachInterface<DestinationModel<LongConvolutionOp, 0>>(
        *ctx);
    LinearAttentionOp::attachInterface<DestinationModel<LinearAttentionOp, 0>>(
        *ctx);
    AttentionOp::attachInterface<DestinationModel<AttentionOp, 0>>(*ctx);
    RotaryTableOp::attachInterface<DestinationModel<RotaryTableOp, 0, 1>>(*ctx);
    RotaryEmbeddingOp::attachInterface<DestinationModel<RotaryEmbeddingOp, 0>>(
        *ctx);
    RouteOp::attachInterface<DestinationModel<RouteOp, 0, 1>>(*ctx);
    GroupByExpertOp::attachInterface<
        DestinationModel<GroupByExpertOp, 0, 1, 2>>(*ctx);
    GroupedMatmulOp::attachInterface<DestinationModel<GroupedMatmulOp, 0>>(
        *ctx);
    GatherRowsOp::attachInterface<DestinationModel<GatherRowsOp, 0>>(*ctx);
    ScatterAddRowsOp::attachInterface<DestinationModel<ScatterAddRowsOp>>(*ctx);
    QuantizeRowsOp::attachInterface<DestinationModel<QuantizeRowsOp, 0, 1, 2>>(
        *ctx);
    QuantizedMatmulOp::attachInterface<PostOpsModel<QuantizedMatmulOp>>(*ctx);
    PackedMatmulOp::attachInterface<PostOpsModel<PackedMatmulOp>>(*ctx);
    PackedEmbeddingOp::attachInterface<DestinationModel<PackedEmbeddingOp, 0>>(
        *ctx);
    ChannelTermsOp::attachInterface<DestinationModel<ChannelTermsOp, 0, 1>>(
        *ctx);
    DequantizeOp::attachInterface<DestinationModel<DequantizeOp, 0>>(*ctx);
    QuantizedEmbeddingOp::attachInterface<
        DestinationModel<QuantizedEmbeddingOp, 0>>(*ctx);
  });
  registry.addExtension(+[](MLIRContext *ctx, onednn::OneDNNDialect *) {
    onednn::MatmulOp::attachInterface<PostOpsModel<onednn::MatmulOp>>(*ctx);
    onednn::IntegerMatmulOp::attachInterface<
        DestinationModel<onednn::IntegerMatmulOp, 0>>(*ctx);
    onednn::ReorderOp::attachInterface<DestinationModel<onednn::ReorderOp, 0>>(
        *ctx);
  });
}
