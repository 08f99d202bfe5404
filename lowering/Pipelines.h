//===- Pipelines.h - The order of things ------------------------*- C++ -*-===//
//
// Part of Marimba. The only place that knows in which order passes and
// conversions run. Stages have names: the driver can stop after any of them
// and print the IR, and dumps are numbered by them.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_PIPELINES_H
#define MARIMBA_LOWERING_PIPELINES_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace mlir {
class DialectRegistry;
class ModuleOp;
class OpPassManager;

namespace marimba {

/// Who computes a projection.
enum class MatmulRoute { OneDNN, Loops };

/// What time-invariant systems become: the cheaper form (choose-lti-form), one
/// of the two, or what was written.
enum class LTIForm { Cheapest, Recurrence, Convolution, AsWritten };

struct PipelineOptions {
  /// Plain loops and libm, nothing fused: what every fast route is tested
  /// against. Implies MatmulRoute::Loops.
  bool reference = false;
  MatmulRoute matmul = MatmulRoute::OneDNN;
  /// Whether projections multiply bf16 with sums in f32.
  bool bf16 = false;
  /// Whether the target has instructions for that and oneDNN uses them.
  bool bf16Dots = false;
  /// What quantised weights are multiplied by where there are few rows: bytes
  /// where the target has products of them (integerDots), or f32.
  bool integerActivations = true;
  /// Whether prefill, too, rounds activations to bytes where weights have 8
  /// bits and a scale for each channel.
  bool integerPrefill = false;
  /// Whether the target has vpdpbusd.
  bool integerDots = false;
  /// Whether oneDNN multiplies bytes in blocks of 64 channels, and whether it
  /// packs weights in such blocks: both follow from the instructions that it
  /// may use, which can be fewer than the target's.
  bool libraryBytes = true;
  bool libraryBlocks = true;
  /// Width of a vector register in bits (128, 256 or 512).
  unsigned vectorBits = 512;
  /// Whether `discretize` and `scan` become `selective_scan`.
  bool fuseScan = true;
  LTIForm ltiForm = LTIForm::Cheapest;
  /// Threads that the code will run on, a hint for how finely work is cut.
  unsigned threads = 1;
  /// Whether the code checks the sizes and indices it is given
  /// (insert-checks).
  bool checks = false;
  /// Whether the code measures itself (profile-regions).
  bool profile = false;

  /// Whether few rows, and whether many, multiply bytes by quantised weights.
  bool multipliesBytes() const {
    return integerDots && integerActivations && !reference;
  }
  bool prefillsInBytes() const {
    return multipliesBytes() && integerPrefill && libraryBytes &&
           matmul == MatmulRoute::OneDNN;
  }
};

/// One stage: a name for people and the passes that make it.
struct Stage {
  llvm::StringRef name;
  llvm::StringRef summary;
  void (*build)(OpPassManager &, const PipelineOptions &);
};

/// All stages in order. Before the first one the IR is that of `import`.
llvm::ArrayRef<Stage> stages();

/// Runs the stages up to and including `stopAfter` (all where it is empty;
/// none for "import"). `afterStage(index, name)` is called with index 0 for
/// "import" and then after every stage. IR that was written for a later stage
/// starts at `firstStage`; index 0 is not reported then, and a name that no
/// stage has is a failure. Errors are diagnostics of the context.
LogicalResult
runStages(ModuleOp module, const PipelineOptions &options,
          llvm::StringRef stopAfter = {},
          llvm::function_ref<LogicalResult(unsigned, llvm::StringRef)>
              afterStage = {},
          llvm::StringRef firstStage = {});

/// Registers every dialect, external model and translation the stages use.
void registerPipelineDialects(DialectRegistry &registry);

/// Makes the stages known to marimba-opt as `--marimba-stage-<name>`.
void registerPipelines();

} // namespace marimba
} // namespace mlir

#endif // MARIMBA_LOWERING_PIPELINES_H
