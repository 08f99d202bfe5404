//===- Isa.h - Less than the processor has ----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_ISA_H
#define MARIMBA_TOOLS_LIBMARIMBA_ISA_H

#include "tools/libmarimba/Compiler.h"

namespace marimba {

/// Limits generated code, its vectors and the library to the unit `name`
/// (marimba/Units.h), or to nothing where it is "native". `options.target` is
/// what code is made for; where that is this machine, the library of this
/// process is limited, too. False and `error` where there is no such unit, the
/// target lacks it, or the library is in use with more.
bool limitToUnit(llvm::StringRef name, CompileOptions &options,
                 std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_ISA_H
