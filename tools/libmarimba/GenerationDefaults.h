//===- GenerationDefaults.h - How a model's makers sample -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_GENERATIONDEFAULTS_H
#define MARIMBA_TOOLS_LIBMARIMBA_GENERATIONDEFAULTS_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace marimba {

/// What generation_config.json says of the choice of tokens, as generate() of
/// transformers takes it. All values are allowed ones of rt::SamplerOptions.
struct GenerationDefaults {
  std::string file; // empty where there is none
  /// `do_sample`: without it tokens are chosen greedily, and only the penalty
  /// counts; the others count where a user asks for random choice.
  bool sample = false;
  std::optional<float> temperature, topP, minP, repetitionPenalty;
  /// 50 where the file samples and does not say it; 0 keeps all.
  std::optional<int32_t> topK;
};

/// Reads them for a directory; empty for others. Nothing, and `error`, which
/// names file and field, where a value is not allowed.
std::optional<GenerationDefaults>
readGenerationDefaults(llvm::StringRef modelDir, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_GENERATIONDEFAULTS_H
