//===- GenerationDefaults.h - How a model's makers sample -------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GENERATIONDEFAULTS_H
#define MARIMBA_RUNTIME_GENERATIONDEFAULTS_H

#include <cstdint>
#include <optional>
#include <string>

namespace marimba::rt {

/// What generation_config.json says of the choice of tokens, as generate() of
/// transformers takes it. All values are allowed ones of SamplerOptions.
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
readGenerationDefaults(const std::string &modelDir, std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_GENERATIONDEFAULTS_H
