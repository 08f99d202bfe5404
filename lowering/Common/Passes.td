//===- Passes.td - Conversions that every target has -------*- tablegen -*-===//
//
// Part of Marimba. One pass, one file, one test file.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_PASSES_TD
#define MARIMBA_LOWERING_COMMON_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMarimbaToLinalg
    : Pass<"convert-marimba-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "ops without state become linalg.generic";
  let statistics = [
    Statistic<"numConverted", "num-converted", "ops that became linalg">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BufferizeModel : Pass<"bufferize-model", "::mlir::ModuleOp"> {
  let summary = "one-shot bufferisation with the ABI's layouts";
  let description = [{
    Runs one-shot bufferisation across functions. Arguments whose leading
    dimensions are dynamic get strided layouts with contiguous rows, so that a
    batch can be any range of state slots. States and the residual stream are
    updated in place: a function whose result would be a new buffer is an error.
  }];
  let statistics = [
    Statistic<"numAllocated", "num-allocated", "buffers that are allocated">,
    Statistic<"numCopies", "num-copies", "copies that are left">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::bufferization::BufferizationDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect"];
}

def ConvertMarimbaToLoops
    : Pass<"convert-marimba-to-loops", "::mlir::func::FuncOp"> {
  let summary = "destination-style ops become plain scalar loops";
  let description = [{
    The definition of each op, written out: one loop per dimension, one element
    at a time. The reference route uses it for all of them.
  }];
  let statistics = [
    Statistic<"numConverted", "num-converted", "ops that became scalar loops">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::rt::RuntimeDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def InsertChecks : Pass<"insert-checks", "::mlir::func::FuncOp"> {
  let summary = "checks of sizes and indices, for modules written by hand";
  let description = [{
    Puts an `rt.check` in front of each op that trusts its operands: letters of
    an op of the dialect that are one size each, elements that are indices
    (`ids`, `valid`, ...), operands of linalg, slices, casts, divisions. What
    depends on the sizes of arguments alone is checked at the beginning of a
    function. Imported models need no checks: their shapes fit by construction,
    and the session checks its inputs.
  }];
  let statistics = [
    Statistic<"numChecks", "num-checks", "checks of sizes and indices">,
    Statistic<"numHoisted", "num-hoisted", "checks where a function begins">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::rt::RuntimeDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BranchOnChecks : Pass<"branch-on-checks", "::mlir::ModuleOp"> {
  let summary = "a failed check ends its function";
  let description = [{
    Each `rt.check` becomes a branch to `rt.check_failed` and the function's
    end; after each call and parallel loop the status of the context is checked.
    Runs on blocks, after scf is lowered.
  }];
  let statistics = [
    Statistic<"numChecks", "num-checks", "checks that became branches">,
    Statistic<"numCalls", "num-calls", "calls whose status is looked at">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect",
                           "::mlir::rt::RuntimeDialect",
                           "::mlir::ub::UBDialect"];
}

def StackScratch : Pass<"stack-scratch", "::mlir::func::FuncOp"> {
  let summary = "scratch of parallel loops comes from the thread's stack";
  let description = [{
    The arena is one stack, for code outside parallel loops. A memref.alloc
    inside a parallel loop, a tile, becomes an alloca in the outermost such
    loop, of the largest size that it can have; each thread has its own. A size
    without a bound, or a tile too large for a stack, is an error.
  }];
  let statistics = [
    Statistic<"numOnStack", "num-on-stack", "buffers on the stack of a thread">,
    Statistic<"numBytes", "num-bytes", "bytes of them">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def AddRuntimeContext : Pass<"add-runtime-context", "::mlir::ModuleOp"> {
  let summary = "entries take the ABI's arguments, scratch comes from the arena";
  let description = [{
    Every function gets the call's `!rt.context` as first argument, which
    `rt.context` names in its body. Entries become `marimba_<entry>(context,
    call) -> i32` and read their arguments and weights from the call. Each
    memref.alloc becomes scratch of the arena, which is freed at the end of its
    block. A description of weights and entries is added as the symbol
    `marimba_description`. With `checks`, scratch that does not fit in the rest
    of the arena ends the call.
  }];
  let options = [Option<"checks", "checks", "bool", "false",
                        "sizes of scratch are checked">];
  let statistics = [
    Statistic<"numEntries", "num-entries", "entries of the ABI">,
    Statistic<"numArenaBuffers", "num-arena-buffers",
              "buffers that come from the arena">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::rt::RuntimeDialect"];
}

def TableLayerArguments : Pass<"table-layer-arguments", "::mlir::ModuleOp"> {
  let summary = "layers find their weights and states by a list of indices";
  let description = [{
    A layer function has an argument for each of its weights and states; at
    every call they are tensors of the call's tables with constant indices.
    Those arguments become one `rt.table`. The code of an entry then grows by a
    few instructions per layer instead of a few hundred. Arguments that are
    anything else at some call stay as they are.
  }];
  let statistics = [
    Statistic<"numLayers", "num-layers", "layer functions that take a table">,
    Statistic<"numTabled", "num-tabled", "arguments that come from it">,
  ];
  let dependentDialects = ["::mlir::rt::RuntimeDialect"];
}

def ProfileRegions : Pass<"profile-regions", "::mlir::ModuleOp"> {
  let summary = "measures the time of each op of a layer or an entry";
  let description = [{
    Puts `rt.profile_begin` and `rt.profile_end` around each op at the top level
    of a function that works on memory: a matmul, a loop nest with all that was
    fused into it, a kernel. Neighbours that come from one op of the model (its
    location names it) are one region. Calls of layers are no regions: the
    layer's own regions count. Adds `marimba_profile_regions`, the counters, and
    `marimba_profile_description`, which function and which ops of the model
    each of them measures (abi.h).
  }];
  let statistics = [
    Statistic<"numRegions", "num-regions", "regions that are measured">,
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::rt::RuntimeDialect"];
}

def OutlineParallelLoops : Pass<"outline-parallel-loops", "::mlir::ModuleOp"> {
  let summary = "scf.parallel becomes a function that the thread team runs";
  let description = [{
    The outermost scf.parallel of each nest becomes a function over a range of
    its iterations and an rt.parallel_for; those inside become scf.for.
  }];
  let statistics = [
    Statistic<"numOutlined", "num-outlined",
              "parallel loops that became functions">,
    Statistic<"numShared", "num-shared",
              "parallel loops that share such a function">,
    Statistic<"numSequential", "num-sequential",
              "parallel loops inside others">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::rt::RuntimeDialect",
                           "::mlir::scf::SCFDialect"];
}

def MergeParallelRegions : Pass<"merge-parallel-regions",
                                "::mlir::func::FuncOp"> {
  let summary = "loops of the team that follow each other share one region";
  let description = [{
    Several rt.parallel_for of a block become one rt.parallel_phases where
    nothing stands between them but ops that can run before the first: those
    without effects on memory, allocations of scratch and lookups of packed
    weights. Loops and their order stay as they are: the team waits for all its
    threads between two of them, but is started only once.
  }];
  let statistics = [
    Statistic<"numRegions", "num-regions", "regions of several loops">,
    Statistic<"numLoops", "num-loops", "loops in such regions">,
  ];
  let dependentDialects = ["::mlir::rt::RuntimeDialect"];
}

def BFloat16AsBits : Pass<"bf16-as-bits", "::mlir::ModuleOp"> {
  let summary = "bf16 in memory and registers becomes i16";
  let description = [{
    After `arith-expand` nothing computes in bf16: values are loaded, stored and
    widened by a shift. LLVM would take such moves through f32 on targets without
    the type, by a call of its runtime library for each element. Operands of
    intrinsics keep their type.
  }];
  let statistics = [
    Statistic<"numValues", "num-values", "values of bf16 that became i16">,
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ConvertRuntimeToLLVM : Pass<"convert-runtime-to-llvm", "::mlir::ModuleOp"> {
  let summary = "everything becomes the LLVM dialect";
  let description = [{
    rt and onednn ops become loads and calls as in abi.h; func, arith, memref,
    vector, cf, math and amx follow MLIR's own conversions. A module with ops of
    amx says so by a symbol, for which the runtime asks the system.
  }];
  let statistics = [
    Statistic<"numRuntimeOps", "num-runtime-ops",
              "ops of rt that became loads and calls">,
    Statistic<"numLibraryCalls", "num-library-calls",
              "ops of onednn that became calls">,
    Statistic<"numTileOps", "num-tile-ops", "ops of amx">,
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // MARIMBA_LOWERING_COMMON_PASSES_TD
