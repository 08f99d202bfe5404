//===- TargetMachine.h - The code generator ---------------------*- C++ -*-===//
//
// Part of Marimba. Private to lowering/Target.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_TARGET_TARGETMACHINE_H
#define MARIMBA_LOWERING_TARGET_TARGETMACHINE_H

#include "lowering/Target/CodeGenerator.h"

#include "llvm/Target/TargetMachine.h"

namespace mlir::marimba {

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const TargetOptions &options);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_TARGET_TARGETMACHINE_H
