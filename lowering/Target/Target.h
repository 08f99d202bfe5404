//===- Target.h - What code is made for -------------------------*- C++ -*-===//
//
// Part of Marimba. A target is a folder of lowering/ with one class like this
// and a line in the table of Pipelines.cpp, which has the order of the stages.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_TARGET_TARGET_H
#define MARIMBA_LOWERING_TARGET_TARGET_H

#include "lowering/Target/CodeGenerator.h"
#include "lowering/Target/PipelineOptions.h"

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace mlir::marimba {

/// Facts, stages, library dialects and code generator of a target. Has no
/// state.
class Target {
public:
  virtual ~Target() = default;

  /// What `target=` of the options says.
  virtual llvm::StringRef name() const = 0;
  virtual llvm::StringRef summary() const = 0;

  /// Sets the options that are facts of `machine`; a width of vectors that was
  /// given stays.
  virtual void addFacts(const TargetOptions &machine,
                        PipelineOptions &options) const = 0;

  /// Adds what the stages make besides what those of Marimba and MLIR's own
  /// common dialects have: the dialects of libraries.
  virtual void registerDialects(DialectRegistry &registry) const {}

  /// Makes the passes of the target's folder known by their names.
  virtual void registerPasses() const {}

  //===--------------------------------------------------------------------===//
  // Stages: each adds its passes to a pipeline of modules. The base class does
  // what every target needs, by plain loops and without a library; each says
  // what IR it leaves.
  //===--------------------------------------------------------------------===//

  /// Ops of the model, with checks where the options ask for them.
  virtual void buildFuse(OpPassManager &pm,
                         const PipelineOptions &options) const;
  /// The same and a second entry, for one token of each row.
  virtual void buildSpecialize(OpPassManager &pm,
                               const PipelineOptions &options) const;
  /// linalg on tensors, calls of a library, and the ops that have a state.
  virtual void buildKernels(OpPassManager &pm,
                            const PipelineOptions &options) const;
  /// The same in loops, of which some are parallel (scf.forall).
  virtual void buildTile(OpPassManager &pm,
                         const PipelineOptions &options) const {}
  /// The same on memory.
  virtual void buildBufferize(OpPassManager &pm,
                              const PipelineOptions &options) const;
  /// Entries of the ABI; memory that has no end within a tile is the context's.
  virtual void buildContext(OpPassManager &pm,
                            const PipelineOptions &options) const;
  /// scf, arith, math, vector, memref, rt and calls of a library.
  virtual void buildLoops(OpPassManager &pm,
                          const PipelineOptions &options) const;
  /// No parallel loop: functions that the thread team runs.
  virtual void buildOutline(OpPassManager &pm,
                            const PipelineOptions &options) const;
  /// The LLVM dialect.
  virtual void buildLLVM(OpPassManager &pm,
                         const PipelineOptions &options) const;

  //===--------------------------------------------------------------------===//
  // Code
  //===--------------------------------------------------------------------===//

  /// All of the machine that changes code, as text: part of the key of compiled
  /// code.
  virtual std::string describe(const TargetOptions &machine) const {
    return describeTarget(machine);
  }

  /// Writes a module after all stages as LLVM IR, assembly or an object file
  /// for the host's kind of processor.
  virtual llvm::Error emit(ModuleOp module, EmitKind kind,
                           const TargetOptions &machine,
                           llvm::raw_pwrite_stream &os) const;

protected:
  /// Folds, by the patterns of all ops.
  static void addCanonicalizer(OpPassManager &pm);
  /// The same, and removes what is there twice.
  static void addCleanup(OpPassManager &pm);
  /// Ops that still have none become scalar loops; sums, exp and its like stay.
  static void addScalarLoops(OpPassManager &func);
  /// Both parts of the stage llvm: after the first there is nothing of vector
  /// or scf; calls of libm go between them.
  static void addBranches(OpPassManager &pm, const PipelineOptions &options);
  static void addLLVM(OpPassManager &pm);
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_TARGET_TARGET_H
