//===- OneDNNOps.td - Calls into oneDNN -----------------------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef ONEDNN_OPS_TD
#define ONEDNN_OPS_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def OneDNN_Dialect : Dialect {
  let name = "onednn";
  let cppNamespace = "::mlir::onednn";
  let summary = "What becomes a oneDNN primitive.";
  let description = [{
    Each op of this dialect is one primitive of oneDNN, so that an IR dump says
    what the library will do. Ops are destination style, on tensors before
    bufferisation and on memrefs after; `--convert-to-runtime` makes calls of
    them (runtime/include/marimba/abi.h).
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

class OneDNN_Shaped<list<Type> elements>
    : AnyTypeOf<[RankedTensorOf<elements>, StridedMemRefOf<elements>]>;

def OneDNN_MatmulOp
    : Op<OneDNN_Dialect, "matmul",
         [AttrSizedOperandSegments, DestinationStyleOpInterface,
          DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
          DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                    ["reifyResultShapes"]>]> {
  let summary = "matmul primitive: y = x Wᵀ + b";
  let description = [{
    `y[..., n] = sum_k x[..., k] * weight[n, k] + bias[n]`, f32 with f32
    accumulation. x and y have two or three dimensions and may be strided in
    all but the last; the weight is constant, so the runtime packs it once into
    the layout that the primitive asks for (docs/pipeline.md).

    Example:

    ```mlir
    %y = onednn.matmul %x, %w outs(%empty : tensor<?x?x768xf32>)
        : tensor<?x?x192xf32>, tensor<768x192xbf16> -> tensor<?x?x768xf32>
    ```
  }];
  let arguments = (ins OneDNN_Shaped<[F32]>:$input,
      OneDNN_Shaped<[F32, BF16, F16]>:$weight,
      Optional<OneDNN_Shaped<[F32, BF16, F16]>>:$bias,
      Variadic<OneDNN_Shaped<[F32]>>:$inits);
  let results = (outs Variadic<RankedTensorOf<[F32]>>:$results);
  let assemblyFormat = [{
    $input `,` $weight (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($input) `,` type($weight) (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let hasFolder = 1; // memref.cast of operands
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getInitsMutable();
    }
  }];
}

#endif // ONEDNN_OPS_TD
