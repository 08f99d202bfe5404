//===- MachineFacts.h - What code is made for -------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_MACHINEFACTS_H
#define MARIMBA_TOOLS_LIBMARIMBA_MACHINEFACTS_H

#include "lowering/Target/Target.h"

namespace marimba {

/// Sets the options that are facts of `machine`: what it has, and, where it is
/// this one, what oneDNN may use of that.
void addMachineFacts(const mlir::marimba::Target &target,
                     const mlir::marimba::TargetOptions &machine,
                     mlir::marimba::PipelineOptions &pipeline);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_MACHINEFACTS_H
