//===- OneDNNOps.td - Calls into oneDNN -----------------------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef ONEDNN_OPS_TD
#define ONEDNN_OPS_TD

include "dialects/Marimba/IR/MarimbaBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def OneDNN_Dialect : Dialect {
  let name = "onednn";
  let cppNamespace = "::mlir::onednn";
  let summary = "Calls of oneDNN primitives.";
  let description = [{
    Each op of this dialect is one primitive of oneDNN, so that an IR dump shows
    what the library will do. Ops are destination style, on tensors before
    bufferisation and on memrefs after it; `--convert-runtime-to-llvm` turns
    them into calls (runtime/include/marimba/abi.h).
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::tensor::TensorDialect"];
}

class OneDNN_Shaped<list<Type> elements>
    : AnyTypeOf<[RankedTensorOf<elements>, StridedMemRefOf<elements>]>;

/// Destination style, on tensors or on memrefs.
class OneDNN_DestinationOp<string mnemonic, list<Trait> traits = []>
    : Op<OneDNN_Dialect, mnemonic,
         !listconcat(traits,
                     [DestinationStyleOpInterface,
                      DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
                      DeclareOpInterfaceMethods<
                          ReifyRankedShapedTypeOpInterface,
                          ["reifyResultShapes"]>])> {
  let hasVerifier = 1;
  let hasFolder = 1; // memref.cast of operands
  code baseDeclarations = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getInitsMutable();
    }
  }];
  let extraClassDeclaration = baseDeclarations;
  let extraClassDefinition = [{
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
}

def OneDNN_Weight
    : AnyTypeOf<[RankedTensorOf<[F32, BF16, F16, I8, I<4>]>,
                 StridedMemRefOf<[F32, BF16, F16]>]>;

def OneDNN_MatmulOp
    : OneDNN_DestinationOp<"matmul", [AttrSizedOperandSegments, PostOpsInterface]> {
  let summary = "matmul primitive: y = x Wᵀ + b, then post-ops";
  let description = [{
    `r[..., n] = sum_k x[..., k] * weight[n, k] + bias[n]`, accumulated in f32;
    then the post-ops (PostOpsInterface),
    and `y = r`, rounded to the destination's type.

    1. x and y have two or three dimensions and may be strided in all but the
       last; the weight is constant, of static shape, so the runtime packs it
       once into the layout that the primitive needs (docs/pipeline.md).
    2. The type that is multiplied is x's, f32 or bf16; the weight is converted
       to it when it is packed. y is f32, or bf16 if x is.
    3. A weight that is `computed` is made by the module itself, in x's type and
       as `[k, n]`: it is multiplied as it is. Only a constant one may be
       quantised, and only until --widen-quantized-weights.

    Example:

    ```mlir
    %y = onednn.matmul %x, %w outs(%empty : tensor<?x?x768xf32>)
        : tensor<?x?x192xf32>, tensor<768x192xbf16> -> tensor<?x?x768xf32>
    %g = onednn.matmul %x, %gate post_ops [silu] outs(%e0 : tensor<?x384xf32>)
        : tensor<?x192xf32>, tensor<384x192xbf16> -> tensor<?x384xf32>
    %h = onednn.matmul %x, %up post_ops [mul(%g : tensor<?x384xf32>)]
        outs(%e1 : tensor<?x384xf32>)
        : tensor<?x192xf32>, tensor<384x192xbf16> -> tensor<?x384xf32>
    ```
  }];
  let arguments = (ins OneDNN_Shaped<[F32, BF16]>:$input,
      OneDNN_Weight:$weight,
      Optional<OneDNN_Shaped<[F32, BF16, F16]>>:$bias,
      Variadic<OneDNN_Shaped<[F32, BF16]>>:$postOperands,
      Variadic<OneDNN_Shaped<[F32, BF16]>>:$inits,
      DefaultValuedAttr<Marimba_PostOpsAttr, "{}">:$postOps,
      UnitAttr:$computed);
  let results = (outs Variadic<RankedTensorOf<[F32, BF16]>>:$results);
  let assemblyFormat = [{
    $input `,` $weight (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`post_ops` custom<PostOps>($postOps, $postOperands,
                                type($postOperands))^)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($input) `,` type($weight) (`->` type($results)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::mlir::Value":$weight, "::mlir::Value":$bias, "::mlir::Value":$init)>];
  let extraClassDeclaration = baseDeclarations # [{
    // Of PostOpsInterface: the call has no place for the factor.
    bool canScale() { return false; }
  }];
}

def OneDNN_IntegerMatmulOp
    : OneDNN_DestinationOp<"integer_matmul", [AttrSizedOperandSegments]> {
  let summary = "int8 matmul primitive: y = x Wᵀ in i32";
  let description = [{
    `y[..., n] = sum_k x[..., k] * codes[n, k]`, exact. x has unsigned bytes,
    the weight has signed ones: the codes of a quantised weight of 8 bits in
    their stored order, which is a layout of the library (docs/quantization.md),
    so nothing is packed. `weight[matrix] as stored` is as in
    `quantized_matmul`.

    Shapes: x `[..., KP]`, KP being K padded to a multiple of 64; y `[..., N]`.

    Example:

    ```mlir
    %y = onednn.integer_matmul %q, %w
        as tensor<768x192xi8, #marimba.quantized<channel, scale f32>>
        outs(%e : tensor<?x?x768xi32>) : tensor<?x?x192xi8>, tensor<150528xi8>
        -> tensor<?x?x768xi32>
    ```
  }];
  let arguments = (ins OneDNN_Shaped<[I8]>:$input,
      AnyTypeOf<[RankedTensorOf<[I8]>, MemRefRankOf<[I8], [1]>]>:$weight,
      Optional<Index>:$matrix, Variadic<OneDNN_Shaped<[I32]>>:$inits,
      TypeAttr:$stored);
  let results = (outs Variadic<RankedTensorOf<[I32]>>:$results);
  let assemblyFormat = [{
    $input `,` $weight (`[` $matrix^ `]`)? `as` $stored
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($input) `,` type($weight) (`->` type($results)^)?
  }];
}

def OneDNN_ReorderOp : OneDNN_DestinationOp<"reorder"> {
  let summary = "reorder primitive: copies, converts, makes dense";
  let description = [{
    `y[..., i] = x[..., i]`, rounded to y's type. x and y have two or three
    dimensions and may be strided in all but the last.

    Example:

    ```mlir
    %y = onednn.reorder %x outs(%empty : tensor<?x?x192xbf16>)
        : tensor<?x?x192xf32> -> tensor<?x?x192xbf16>
    ```
  }];
  let arguments = (ins OneDNN_Shaped<[F32, BF16]>:$input,
      Variadic<OneDNN_Shaped<[F32, BF16]>>:$inits);
  let results = (outs Variadic<RankedTensorOf<[F32, BF16]>>:$results);
  let assemblyFormat = [{
    $input `outs` `(` $inits `:` type($inits) `)` attr-dict `:` type($input)
    (`->` type($results)^)?
  }];
}

#endif // ONEDNN_OPS_TD
