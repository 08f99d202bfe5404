//===- CPUTarget.h - Vector units and oneDNN --------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CPUTARGET_H
#define MARIMBA_LOWERING_CPU_CPUTARGET_H

#include "lowering/Target/Target.h"

namespace mlir::marimba {

/// Generated vector loops, and oneDNN where a library is the best code there
/// is.
class CPUTarget final : public Target {
public:
  llvm::StringRef name() const override { return "cpu"; }
  llvm::StringRef summary() const override {
    return "generated vector loops, and oneDNN for projections";
  }
  void addFacts(const TargetOptions &machine,
                PipelineOptions &options) const override;
  void registerDialects(DialectRegistry &registry) const override;
  void registerPasses() const override;
  void buildFuse(OpPassManager &pm,
                 const PipelineOptions &options) const override;
  void buildSpecialize(OpPassManager &pm,
                       const PipelineOptions &options) const override;
  void buildKernels(OpPassManager &pm,
                    const PipelineOptions &options) const override;
  void buildTile(OpPassManager &pm,
                 const PipelineOptions &options) const override;
  void buildLoops(OpPassManager &pm,
                  const PipelineOptions &options) const override;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CPUTARGET_H
