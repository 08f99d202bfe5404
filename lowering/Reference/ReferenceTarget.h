//===- ReferenceTarget.h - Slow and plain -----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_REFERENCE_REFERENCETARGET_H
#define MARIMBA_LOWERING_REFERENCE_REFERENCETARGET_H

#include "lowering/Target/Target.h"

namespace mlir::marimba {

/// Plain loops and libm, nothing fused, no library: what every fast target is
/// tested against.
class ReferenceTarget final : public Target {
public:
  llvm::StringRef name() const override { return "reference"; }
  llvm::StringRef summary() const override {
    return "plain loops and libm: slow, to compare with";
  }
  void addFacts(const TargetOptions &machine,
                PipelineOptions &options) const override;
  void buildLLVM(OpPassManager &pm,
                 const PipelineOptions &options) const override;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_REFERENCE_REFERENCETARGET_H
