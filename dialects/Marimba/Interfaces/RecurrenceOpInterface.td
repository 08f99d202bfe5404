//===- RecurrenceOpInterface.td - How an op runs along time ---*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_INTERFACES_RECURRENCE_OP_INTERFACE_TD
#define MARIMBA_INTERFACES_RECURRENCE_OP_INTERFACE_TD

include "mlir/IR/OpBase.td"

def RecurrenceOpInterface : OpInterface<"RecurrenceOpInterface"> {
  let description = [{
    An op in destination style that runs along time, in order, for each row and
    each channel on its own, and can be tiled (TilingInterface). Its iteration
    space is rows, time, perhaps states, and channels, or rows, time, heads and
    their values: that of its first operand.

    `canSplitTime` says that the op is an associative scan (Blelloch 1990) with
    diagonal decays: pieces of time take a state h to decay(s) h + c, where c,
    of the state's shape `[B,N,D]`, and s, `[B,D]`, are the piece's summary. The
    methods behind it are for such an op alone.
  }];
  let cppNamespace = "::mlir::marimba";
  let methods = [
    InterfaceMethod<
      /*desc=*/"The dimension of the iteration space that is time.",
      /*retTy=*/"int64_t", /*methodName=*/"getTimeDimension"
    >,
    InterfaceMethod<
      /*desc=*/[{
        The dimension of the iteration space that is cut into groups for
        threads: channels, or heads.
      }],
      /*retTy=*/"int64_t", /*methodName=*/"getChannelDimension",
      /*args=*/(ins), /*methodBody=*/"",
      /*defaultImplementation=*/[{
        return ::llvm::cast<::mlir::ShapedType>(
            $_op->getOperand(0).getType()).getRank() - 1;
      }]
    >,
    InterfaceMethod<
      /*desc=*/[{
        How many channels, one after the other, share operands that have no such
        dimension but one of groups: the size of a tile divides that or is a
        multiple of it.
      }],
      /*retTy=*/"int64_t", /*methodName=*/"getChannelGroup",
      /*args=*/(ins), /*methodBody=*/"",
      /*defaultImplementation=*/"return 1;"
    >,
    InterfaceMethod<
      /*desc=*/[{
        The sizes of the matrix that is the state of each channel; none where a
        channel has less. A tile of time is then a chunk, of which products of
        matrices can be made, and the channels of a tile are counted by their
        matrices.
      }],
      /*retTy=*/"::llvm::SmallVector<int64_t>",
      /*methodName=*/"getMatrixSizes", /*args=*/(ins), /*methodBody=*/"",
      /*defaultImplementation=*/"return {};"
    >,
    InterfaceMethod<
      /*desc=*/[{
        How many times more tokens, and fewer channels, a tile is to have than
        that of other ops: more than 1 for one that reads tables for each tile
        and channel, whatever the number of tokens.
      }],
      /*retTy=*/"int64_t", /*methodName=*/"getTileWeight", /*args=*/(ins),
      /*methodBody=*/"", /*defaultImplementation=*/"return 1;"
    >,
    InterfaceMethod<
      /*desc=*/[{
        The operands that name what is read after this op, so that its lines come
        in while the op computes; none where it has no use for that.
      }],
      /*retTy=*/"::std::optional<::mlir::MutableOperandRange>",
      /*methodName=*/"getReadAheadMutable", /*args=*/(ins),
      /*methodBody=*/"", /*defaultImplementation=*/"return ::std::nullopt;"
    >,
    InterfaceMethod<
      /*desc=*/"Whether pieces of time can be computed at the same time.",
      /*retTy=*/"bool", /*methodName=*/"canSplitTime", /*args=*/(ins),
      /*methodBody=*/"", /*defaultImplementation=*/"return false;"
    >,
    InterfaceMethod<
      /*desc=*/"The sizes [N, D] of one row's state.",
      /*retTy=*/"::llvm::SmallVector<int64_t>",
      /*methodName=*/"getStateSizes", /*args=*/(ins),
      /*methodBody=*/"", /*defaultImplementation=*/"return {};"
    >,
    InterfaceMethod<
      /*desc=*/[{
        The operand that op and summary read and that is cheap to compute: each
        of both may have its producer to itself.
      }],
      /*retTy=*/"::mlir::OpOperand *", /*methodName=*/"getStepOperand",
      /*args=*/(ins), /*methodBody=*/"",
      /*defaultImplementation=*/"return nullptr;"
    >,
    InterfaceMethod<
      /*desc=*/[{
        Creates the recurrence that summarises the same tokens: its results are
        c and s, with `empties` as destinations, `step` as getStepOperand().
      }],
      /*retTy=*/"::mlir::marimba::RecurrenceOpInterface",
      /*methodName=*/"createSummary",
      /*args=*/(ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$step,
                    "::mlir::ValueRange":$empties),
      /*methodBody=*/"", /*defaultImplementation=*/"return nullptr;"
    >,
    InterfaceMethod<
      /*desc=*/[{
        Creates the state after a piece, decay(s) h + c, from its summary and the
        state before, a tensor that may be overwritten.
      }],
      /*retTy=*/"::mlir::Value", /*methodName=*/"createStateAfter",
      /*args=*/(ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
                    "::mlir::Value":$c, "::mlir::Value":$s,
                    "::mlir::Value":$state),
      /*methodBody=*/"", /*defaultImplementation=*/"return {};"
    >,
  ];
}

#endif // MARIMBA_INTERFACES_RECURRENCE_OP_INTERFACE_TD
