//===- Safetensors.h - Headers of safetensors files -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_HUB_SAFETENSORS_H
#define MARIMBA_IMPORTER_HUB_SAFETENSORS_H

#include "importer/Error.h"
#include "mlir/Support/LLVM.h"
#include <cstdint>
#include <string>
#include <vector>

namespace mlir::marimba {

/// One tensor as a header describes it. Its range has been checked to lie in
/// the file, apart from all others, and to fit dtype and shape.
struct SafetensorsEntry {
  std::string name;
  std::string dtype; // as the file spells it: "F32", "BF16", "I64", ...
  std::vector<int64_t> shape;
  uint64_t offset = 0; // from the beginning of the file
  uint64_t bytes = 0;
};

/// Reads the header of the safetensors file at `path`; tensors come in the
/// order of their offsets. No tensor data is read. `file` is the name that
/// messages use for `path`.
FailureOr<std::vector<SafetensorsEntry>>
readSafetensorsHeader(llvm::StringRef path, llvm::StringRef file,
                      ErrorFn emitError);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_HUB_SAFETENSORS_H
