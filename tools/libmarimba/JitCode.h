//===- JitCode.h - Modules to code in this process --------------*- C++ -*-===//
//
// Part of Marimba. Links what the compiler makes. Code that is no model (probes
// and benchmarks of single ops) goes through the compiler's own stages, too.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_JITCODE_H
#define MARIMBA_TOOLS_LIBMARIMBA_JITCODE_H

#include "lowering/Pipelines.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <string>

namespace marimba {
namespace rt {
struct CompiledModule;
} // namespace rt

using CodePtr = std::shared_ptr<mlir::marimba::JITModule>;

/// Links an object file against the runtime's functions (abi.h). On failure
/// returns null and sets `error`.
CodePtr linkWithRuntime(llvm::SmallVector<char, 0> object, std::string &error);

/// The entries and the description of linked code, a model's. On failure
/// returns null and sets `error`.
std::shared_ptr<const rt::CompiledModule> bindCode(CodePtr code,
                                                   std::string &error);

/// Compiles and links the module `text`, called `name` in messages, through the
/// stages from `firstStage` on (all where it is empty). On failure returns null
/// and sets `error`.
CodePtr compileText(llvm::StringRef text, llvm::StringRef name,
                    const mlir::marimba::PipelineOptions &pipeline,
                    const mlir::marimba::TargetOptions &target,
                    std::string &error, llvm::StringRef firstStage = {});

/// The function of this name, or null with `error`.
template <typename Function>
Function *lookupFunction(mlir::marimba::JITModule &code, llvm::StringRef name,
                         std::string &error) {
  llvm::Expected<void *> address = code.lookup(name);
  if (address)
    return reinterpret_cast<Function *>(*address);
  error = llvm::toString(address.takeError());
  return nullptr;
}

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_JITCODE_H
