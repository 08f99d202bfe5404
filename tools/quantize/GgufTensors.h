//===- GgufTensors.h - A checkpoint's tensors as GGUF has them --*- C++ -*-===//
//
// Part of Marimba. The names are those of importer/gguf, and so is what becomes
// of the data: what ModelDirectory undoes when it reads such a file is done
// here. https://github.com/ggml-org/llama.cpp/tree/master/conversion
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_GGUFTENSORS_H
#define MARIMBA_TOOLS_QUANTIZE_GGUFTENSORS_H

#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/Gguf.h"
#include "tools/quantize/GgufPlan.h"

namespace marimba {

/// Plans a file of all tensors that a model uses, by the metadata of `keys`.
/// Reads the header of that file back, and reports it where it would not be
/// the same model. `model` must outlive the plan. False, with `error` set, for
/// what cannot be in such a file; messages begin with `modelDir`.
bool planGguf(const mlir::marimba::ImportedModel &model,
              const mlir::marimba::Family &family,
              mlir::marimba::GgufKeys &keys, llvm::StringRef modelDir,
              GgufPlan &plan, std::string &error);

/// Plans a file with the tensors and the metadata of another one.
bool planGgufCopy(const mlir::marimba::GgufFile &file, GgufPlan &plan,
                  std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_GGUFTENSORS_H
