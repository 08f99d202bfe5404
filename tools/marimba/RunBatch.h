//===- RunBatch.h - marimba run --prompts -----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_RUNBATCH_H
#define MARIMBA_TOOLS_MARIMBA_RUNBATCH_H

#include "tools/libmarimba/Batch.h"

namespace marimba::driver {

/// What `run --prompts FILE -o OUT` was asked for.
struct BatchRequest {
  std::string model, prompts, output;
  LoadOptions load;
  BatchOptions batch;
  std::vector<std::string> stops;
  bool ignoreEnd = false; // goes on after the end of a text
  bool quiet = false;
};

/// Answers all prompts of the file. Returns the exit code.
int runBatch(const BatchRequest &request);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_RUNBATCH_H
