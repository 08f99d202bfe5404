//===- Passes.td - Conversions for processors --------------*- tablegen -*-===//
//
// Part of Marimba. One pass, one file, one test file.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_PASSES_TD
#define MARIMBA_LOWERING_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMarimbaToOneDNN
    : Pass<"convert-marimba-to-onednn", "::mlir::func::FuncOp"> {
  let summary = "linear becomes a matmul of oneDNN or a generated kernel";
  let description = [{
    Decides for each `linear` from its shape, its rows and the target, and gives
    the reason as a remark of the category `matmul` (`--remarks-filter=matmul`).
    These become `linalg.generic` and generated loops:

    - inputs that are not matrices or batches of them, and weights of dynamic
      size;
    - bf16 products if the target has no instruction for them;
    - one row times a weight so small that the call would cost more.

    With `streams` one row times any other weight becomes
    `marimba.packed_matmul`: generated loops over the library's packed copy.
    With `generated` every product of matrices does, and nothing is left to the
    library; without products of bf16 an input that was rounded to bf16 is
    multiplied in f32 by weights that are still packed as bf16.
  }];
  let options = [
    Option<"bf16Dots", "bf16-dots", "bool", "true",
           "the target has dot products of bf16">,
    Option<"smallestCall", "smallest-call", "int64_t", "0",
           "with one row: weights of fewer elements become loops">,
    Option<"streams", "streams", "bool", "false",
           "packed copies are in blocks of 64 channels">,
    Option<"generated", "generated", "bool", "false",
           "generated kernels compute, and the library nothing">,
    Option<"automatic", "automatic", "bool", "false",
           "with `generated`: the library computes what a table says that it "
           "does faster with many rows">,
    Option<"unit", "unit", "std::string", "",
           "the target's unit, as the table calls it">,
    Option<"table", "table", "std::string", "",
           "file of the table (default: the one that was built in)">,
  ];
  let statistics = [
    Statistic<"numLibrary", "num-library", "projections by the library">,
    Statistic<"numPacked", "num-packed", "projections over its packed weights">,
    Statistic<"numLoops", "num-loops", "projections left to loops">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::onednn::OneDNNDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ReadPackedRows : Pass<"read-packed-rows", "::mlir::ModuleOp"> {
  let summary = "a tied table's rows come from the copy that matmuls read";
  let description = [{
    An `embedding` whose table some `packed_matmul` of the module reads becomes a
    `packed_embedding` of the same copy, where that is as exact as the table:
    nothing reads the table as it is stored then, and its pages stay out of
    memory.
  }];
  let statistics = [
    Statistic<"numTables", "num-tables", "tables that are read packed">,
  ];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def ConvertMarimbaToVector
    : Pass<"convert-marimba-to-vector", "::mlir::func::FuncOp"> {
  let summary = "scan, convolution, attention, rotation become vector loops";
  let description = [{
    Channels (attention: query rows; rotation: pairs) go in the lanes of a
    vector of `vector-bits`; tails are masked. Rows and groups of heads become
    scf.parallel. Attention of one token splits its keys if its groups do not
    fill `threads`. Quantised weights have output channels in the lanes.
  }];
  let options = [Option<"vectorBits", "vector-bits", "unsigned", "512",
                        "width of a vector register">,
                 Option<"threads", "threads", "unsigned", "1",
                        "threads that the code will run on">,
                 Option<"integerUnit", "integer-unit",
                        "::mlir::marimba::IntegerUnit",
                        "::mlir::marimba::IntegerUnit::None",
                        "what multiplies bytes",
                        "::mlir::marimba::integerUnitNames()">,
                 Option<"tiles", "tiles", "bool", "false",
                        "the target has AMX's tiles of bf16 and of bytes">,
                 Option<"bf16Dots", "bf16-dots", "bool", "false",
                        "the target has dot products of bf16">,
                 Option<"byteTables", "byte-tables", "bool", "false",
                        "the target looks bytes up in two registers of 512 "
                        "bits">];
  let statistics = [
    Statistic<"numConverted", "num-converted", "ops that became vector loops">,
  ];
  let dependentDialects = [
    "::mlir::amx::AMXDialect", "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::rt::RuntimeDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def VectorizeLinalg : Pass<"vectorize-linalg", "::mlir::func::FuncOp"> {
  let summary = "linalg on buffers becomes vector loops with masked tails";
  let description = [{
    Tiles the innermost dimension of every elementwise op, row reduction and
    projection by the vector's width and vectorises the tile. Products of
    matrices whose rows are contiguous become tiles of sums in registers.
  }];
  let options = [Option<"vectorBits", "vector-bits", "unsigned", "512",
                        "width of a vector register">,
                 Option<"bf16Dots", "bf16-dots", "bool", "false",
                        "the target has dot products of bf16">];
  let statistics = [
    Statistic<"numContractions", "num-contractions",
              "projections and products of matrices that became vector loops">,
    Statistic<"numVectorized", "num-vectorized",
              "other ops that became vector loops">,
    Statistic<"numScalar", "num-scalar", "ops left to scalar loops">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def ApproximateMath : Pass<"approximate-math", "::mlir::func::FuncOp"> {
  let summary = "exp, log1p, sin, cos, tanh become polynomials";
  let description = [{
    exp, exp2, log, log1p, expm1, sin, cos and tanh of f32, scalars or vectors.
    An exp with the fast-math flag `afn` takes half as many operations: results
    outside [2^-126, 2^127] may become 0 or infinity. docs/numerics.md has the
    errors.
  }];
  let statistics = [
    Statistic<"numApproximated", "num-approximated",
              "functions that became polynomials">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // MARIMBA_LOWERING_CPU_PASSES_TD
