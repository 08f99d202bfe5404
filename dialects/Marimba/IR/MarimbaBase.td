//===- MarimbaBase.td - Dialect, types and base classes -------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_BASE_TD
#define MARIMBA_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/TensorEncoding.td"
include "dialects/Marimba/Interfaces/PostOpsInterface.td"
include "dialects/Marimba/Interfaces/RecurrenceOpInterface.td"
include "dialects/Marimba/Interfaces/WeightOperandInterface.td"
include "dialects/Marimba/Interfaces/WorkOpInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

def Marimba_Dialect : Dialect {
  let name = "marimba";
  let cppNamespace = "::mlir::marimba";
  let summary = "Hybrid sequence models: state-space layers, attention, experts.";
  let description = [{
    One op per idea of the papers. Letters in shapes mean the same everywhere:

    | letter | meaning | letter | meaning |
    |---|---|---|---|
    | B | batch: rows, one per sequence | T | time: tokens of this call |
    | H | hidden_size | D | d_inner, channels of a state-space layer |
    | N | d_state | W | d_conv, width of the causal convolution |
    | E | experts | K | experts per token (top-k) |
    | V | vocabulary | C | capacity of a key/value cache in tokens |
    | dh, dv | size of an attention head; of its values where keys hold them | J | pairs of its elements that rotate |
    | Hv, P | heads of a matrix state, values of each | G | groups of heads that share keys of size N |

    B, T and C are dynamic, all others static. Ops without state are pure
    functions of tensors. Ops with state (`causal_conv1d`, `scan`,
    `selective_scan`, `linear_attention`, `attention`) are destination style: the state is an `outs`
    operand tied to a result, so one op serves prefill, chunked prefill and
    decode, and a prompt may be split anywhere. These, and a few ops that have
    kernels of their own, also exist on memrefs: bufferisation turns the tensor
    form into the buffer form in place.

    `valid` holds, for each row of the batch, how many of its T tokens are real:
    rows are padded on the right. The state is that after `valid` tokens;
    outputs after them are unspecified.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  // Shapes are reified as tensor.dim and constants, tiles of `valid` are
  // linalg.generic, the groups of a tile of heads affine.apply.
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// What a checkpoint stores; ops compute in f32 whatever it is.
def Marimba_StoredFloat : AnyTypeOf<[F32, BF16, F16]>;

def Marimba_Activation : RankedTensorOf<[F32]>;
def Marimba_Kept : RankedTensorOf<[F32, BF16, I8]>;
/// What a projection reads: rounded where products are of bf16.
def Marimba_Projected : RankedTensorOf<[F32, BF16]>;
def Marimba_Parameter : RankedTensorOf<[F32, BF16, F16]>;
/// A matrix, or a stack of them, in 8 bits or fewer.
def Marimba_Quantized
    : Type<CPred<"::mlir::marimba::isQuantized($_self)">,
           "quantised tensor of i2 to i8 (#marimba.quantized)",
           "::mlir::RankedTensorType">;
/// What a projection or a table of vectors may be stored as.
def Marimba_Matrix
    : Type<Or<[Marimba_Parameter.predicate, Marimba_Quantized.predicate]>,
           "tensor of f32, bf16, f16, or quantised",
           "::mlir::RankedTensorType">;
def Marimba_Ids : RankedTensorOf<[I32]>;

/// Tensor before bufferisation, memref after.
class Marimba_Shaped<list<Type> elements>
    : AnyTypeOf<[RankedTensorOf<elements>, StridedMemRefOf<elements>]>;
def Marimba_AnyActivation : Marimba_Shaped<[F32]>;
/// What attention keeps: keys and values, or codes of them.
def Marimba_AnyKept : Marimba_Shaped<[F32, BF16, I8]>;
def Marimba_AnyParameter : Marimba_Shaped<[F32, BF16, F16]>;
def Marimba_AnyIds : Marimba_Shaped<[I32]>;
/// A quantised tensor, or its bytes.
def Marimba_AnyQuantized
    : AnyTypeOf<[Marimba_Quantized, 1DTensorOf<[I8]>,
                 MemRefRankOf<[I8], [1]>]>;

def Marimba_QuantizedAttr
    : AttrDef<Marimba_Dialect, "Quantized",
              [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "quantized";
  let summary = "how a matrix of i8, or of fewer bits, is stored";
  let description = [{
    The encoding of a tensor `[N, K]`, or of a stack `[..., N, K]`, whose
    elements are codes of i8, i6, i5, i4, i3, i2 or, of codebooks, i1:

    | element | meaning of a code q |
    |---|---|
    | i8 | `q * scale`, q from -128 to 127 |
    | i3 to i6 | `(q - c) * scale`, q from 0 on; c is 4, 8, 16, 32 |
    | i2 | `(q - 1) * scale` |
    | any, `zero_point` | `(q - zero) * scale` |
    | any, `minimum` | `q * scale + minimum` |
    | i4, `values e2m1`, `values iq4_nl` | `table[q] * scale`, perhaps `+ minimum` |
    | i8, `values e4m3` | `number(q) * scale`: q is a number of 8 bits |
    | i1 to i3, `values iq1_s`, `iq1_m`, `iq2_xxs`, `iq2_xs`, `iq2_s`, `iq3_xxs`, `iq3_s` | an integer of an entry of ggml's codebook of that name, times the scale; always `scale f16 per 256` and the group of the type |

    A scale, and a zero point or minimum, belong to one channel n and one group of 16, 32, 64
    or 128 inputs k (`group 64`), or to all inputs of the channel (`channel`).
    With `scale f16 per 256` a group's scale is an integer of 8 bits times the
    scale of its super-block of 256 inputs; so is its minimum, whose integer has
    no sign.

    1. In memory, a matrix is its codes, their high bits, then its scales, zero
       points or minimums, and those of super-blocks, each in blocks of 64
       channels; K is padded to whole groups and super-blocks and to a
       multiple of 64 (docs/quantization.md).
    2. Scales are bf16, f16, f32, f8E8M0FNU or f8E4M3FN (without a sign), and
       minimums have their type. Zero points are of one byte.

    Example: `tensor<768x192xi4, #marimba.quantized<group 64, scale bf16>>`,
    `tensor<768x256xi6, #marimba.quantized<group 16, scale f16 per 256>>`
  }];
  let parameters = (ins "int64_t":$group, "::mlir::Type":$scale,
      "::marimba::formats::Offset":$offset, "int64_t":$superBlock,
      "::marimba::formats::CodeValues":$values);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

/// Of PostOpsInterface; also those of library calls (OneDNN dialect).
def Marimba_PostOpKind
    : I32EnumAttr<"PostOpKind", "what a matmul does to its sums",
                  [I32EnumAttrCase<"Sum", 0, "sum">,
                   I32EnumAttrCase<"Silu", 1, "silu">,
                   I32EnumAttrCase<"Mul", 2, "mul">,
                   I32EnumAttrCase<"Add", 3, "add">,
                   I32EnumAttrCase<"Scale", 4, "scale">,
                   I32EnumAttrCase<"Relu2", 5, "relu2">]> {
  let cppNamespace = "::mlir::marimba";
  let genSpecializedAttr = 0;
}

def Marimba_PostOpAttr
    : EnumAttr<Marimba_Dialect, Marimba_PostOpKind, "post_op">;
/// A number is the factor of a `scale`.
def Marimba_PostOpsAttr
    : TypedArrayAttrBase<AnyAttrOf<[Marimba_PostOpAttr, F64Attr]>,
                         "post-ops in their order">;

//===----------------------------------------------------------------------===//
// Base classes
//===----------------------------------------------------------------------===//

/// Every op says what work it does.
class Marimba_Op<string mnemonic, list<Trait> traits = []>
    : Op<Marimba_Dialect, mnemonic,
         !listconcat(traits, [DeclareOpInterfaceMethods<WorkOpInterface>])>;

/// The sizes of the results in terms of the operands. (The method has a default
/// that fails, so it must be named to be declared.)
def Marimba_ReifyShapes
    : DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                ["reifyResultShapes"]>;

/// A pure function of tensors whose result shape follows from its operands, by
/// the letters of its table of shapes.
class Marimba_PureOp<string mnemonic, list<Trait> traits = []>
    : Marimba_Op<mnemonic, !listconcat(traits, [Pure, Marimba_ReifyShapes])> {
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder,
        ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::mlir::marimba::reifyByLetters(
          builder, *this, ::mlir::marimba::shapesOf(*this), shapes);
    }
  }];
}

/// One whose sizes have to be verified.
class Marimba_ValueOp<string mnemonic, list<Trait> traits = []>
    : Marimba_PureOp<mnemonic, traits> {
  let hasVerifier = 1;
}

/// Destination style, on tensors or on memrefs. Every op of this class keeps
/// its destinations in the variadic operand `inits` and its results, none on
/// memrefs, in `results`.
class Marimba_DestinationOp<string mnemonic, list<Trait> traits = []>
    : Marimba_Op<
          mnemonic,
          !listconcat(traits,
                      [DestinationStyleOpInterface,
                       DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
                       Marimba_ReifyShapes])> {
  let hasVerifier = 1;
  let hasFolder = 1; // memref.cast of operands
  code baseDeclarations = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getInitsMutable();
    }
  }];
  let extraClassDeclaration = baseDeclarations;
  code baseDefinitions = [{
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder,
        ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::mlir::marimba::reifyFromInits(builder, *this, shapes);
    }
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::SideEffects::EffectInstance<
            ::mlir::MemoryEffects::Effect>> &effects) {
      ::mlir::marimba::getDestinationEffects(*this, effects);
    }
    ::llvm::LogicalResult $cppClass::fold(
        FoldAdaptor, ::llvm::SmallVectorImpl<::mlir::OpFoldResult> &) {
      return ::mlir::marimba::foldBufferCasts(*this);
    }
  }];
  let extraClassDefinition = baseDefinitions;
}

/// A destination op that runs along time for each channel on its own. Its
/// iteration space is that of its first operand: rows and channels in any
/// order, time (T) in order. A tile of it is the same op on slices; the state,
/// a destination without T, passes from one tile of time to the next through
/// the destination. Such an op is tiled first and its consumers fused into the
/// loops. As a producer it is never fused: inside a loop over time it would
/// start from the first state again (generateResultTileValue fails).
class Marimba_RecurrenceOp<string mnemonic, list<Trait> traits = []>
    : Marimba_DestinationOp<
          mnemonic,
          !listconcat(traits, [DeclareOpInterfaceMethods<RecurrenceOpInterface>,
                               DeclareOpInterfaceMethods<
                                  TilingInterface,
                                  ["getLoopIteratorTypes", "getIterationDomain",
                                   "getTiledImplementation",
                                   "getResultTilePosition"]>])> {
  code recurrenceDeclarations = baseDeclarations # [{
    /// Name and letters of each operand, the destinations last.
    static ::llvm::ArrayRef<::mlir::marimba::OperandShape> getOperandShapes();
  }];
  let extraClassDeclaration = recurrenceDeclarations;
  let extraClassDefinition = baseDefinitions # [{
    int64_t $cppClass::getTimeDimension() {
      return ::mlir::marimba::recurrenceTime(
          ::mlir::marimba::namedOperands(*this));
    }
    ::llvm::SmallVector<::mlir::utils::IteratorType>
    $cppClass::getLoopIteratorTypes() {
      return ::mlir::marimba::recurrenceIterators(
          ::mlir::marimba::namedOperands(*this));
    }
    ::llvm::SmallVector<::mlir::Range> $cppClass::getIterationDomain(
        ::mlir::OpBuilder &b) {
      return ::mlir::marimba::recurrenceDomain(
          b, ::mlir::marimba::namedOperands(*this));
    }
    ::mlir::FailureOr<::mlir::TilingResult> $cppClass::getTiledImplementation(
        ::mlir::OpBuilder &b, ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes) {
      return ::mlir::marimba::tileRecurrence(
          b, *this, ::mlir::marimba::namedOperands(*this), offsets, sizes);
    }
    ::llvm::LogicalResult $cppClass::getResultTilePosition(
        ::mlir::OpBuilder &b, unsigned number,
        ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes,
        ::llvm::SmallVector<::mlir::OpFoldResult> &resultOffsets,
        ::llvm::SmallVector<::mlir::OpFoldResult> &resultSizes) {
      ::mlir::marimba::recurrenceResultTile(
          b, *this, ::mlir::marimba::namedOperands(*this), number, offsets,
          sizes, resultOffsets, resultSizes);
      return ::mlir::success();
    }
  }];
}

#endif // MARIMBA_BASE_TD
