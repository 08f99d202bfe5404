//===- BenchProfile.h - The answer of marimba bench --profile ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_BENCHPROFILE_H
#define MARIMBA_TOOLS_MARIMBA_BENCHPROFILE_H

#include "tools/measure/Profile.h"
#include "llvm/Support/JSON.h"

namespace marimba::driver {

/// Two tables on stdout, one for each phase.
void printProfile(const Profile &profile);

llvm::json::Value jsonProfile(const Profile &profile);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_BENCHPROFILE_H
