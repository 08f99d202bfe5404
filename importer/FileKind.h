//===- FileKind.h - What else a file or directory may be --------*- C++ -*-===//
//
// Part of Marimba. People give what they have: a pointer instead of a file,
// weights of another program, the folder above the model. Whoever finds
// something that cannot be read asks here what to say about it.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_FILEKIND_H
#define MARIMBA_IMPORTER_FILEKIND_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace mlir::marimba {

/// The first bytes of a regular file; empty where there are none to be had.
std::string startOfFile(StringRef path);

/// The message for a MODEL that is neither a GGUF file nor a directory with
/// `configFile`: what it is, what was expected, and what was perhaps meant.
/// Empty where it is a directory with that file.
std::string describeNoModel(StringRef path, StringRef configFile);

/// What a directory without `configFile` may be and what to do about it, for
/// the end of a sentence: "; in it are 'a/llama'". Empty where nothing is
/// known.
std::string describeDirectory(StringRef directory, StringRef configFile);

/// What a directory without safetensors has instead, for the end of a sentence:
/// "; pytorch_model.bin is there, which ...". Empty where it has nothing.
std::string describeOtherWeights(StringRef directory);

/// The names of the files in a directory, links to files included, in order.
std::vector<std::string> filesIn(StringRef directory);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_FILEKIND_H
