//===- RunBatch.h - marimba run --prompts -----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_RUNBATCH_H
#define MARIMBA_TOOLS_COMMANDS_RUNBATCH_H

#include "tools/commands/Models.h"

#include "marimba/Sampler.h"
#include <cstdint>
#include <string>
#include <vector>

namespace marimba::commands {

/// What `run --prompts FILE -o OUT` was asked for.
struct BatchRequest {
  std::string model, prompts, output;
  rt::SamplerOptions sampler; // its seed and a number are that of a prompt
  int64_t maxTokens = 256;
  int32_t slots = 8; // prompts at once
  std::vector<std::string> stops;
  bool ignoreEnd = false; // goes on after the end of a text
  bool quiet = false;
};

/// Answers all prompts of the file. Returns the exit code.
int runBatch(Models &models, const BatchRequest &request);

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_RUNBATCH_H
