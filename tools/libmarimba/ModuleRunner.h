//===- ModuleRunner.h - Modules written by hand, run on tensors -*- C++ -*-===//
//
// Part of Marimba. Compiles a file of IR and calls its entries on the tensors
// of a file: to compare single ops with numbers from elsewhere.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_MODULERUNNER_H
#define MARIMBA_TOOLS_LIBMARIMBA_MODULERUNNER_H

#include "tools/libmarimba/LoadedModel.h"

namespace marimba {

/// Which entries to call, on which tensors.
struct ModuleRequest {
  std::string module; // FILE.mlir
  std::string inputs; // a safetensors file; empty for none
  std::string output; // a safetensors file
  /// The entry to call. Empty: all but `prepare`; tensors of entry E are then
  /// called `E.<name>`, or `E@C.<name>` for several calls of it, one for each
  /// case C (a name without dots).
  std::string entry = "prefill";
};

/// Calls `prepare`, if the module has it, and the entries, and writes outputs
/// and states after the call.
///
/// Tensors of the input file, by name: inputs; weights, by the names of their
/// sources; states, zeros where the file has none; outputs, of which the shape
/// alone counts. A dynamic size of a state or output that is not in the file is
/// that of the same dimension of the first input which is dynamic there. Sizes
/// that the module's ops relate to each other are not checked.
///
/// Returns false and sets `error` on failure; then there is no output file.
bool runModule(const ModuleRequest &request, const LoadOptions &options,
               std::string &error, NoteFn note = {});

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_MODULERUNNER_H
