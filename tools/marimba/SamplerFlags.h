//===- SamplerFlags.h - How the next token is chosen ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_SAMPLERFLAGS_H
#define MARIMBA_TOOLS_MARIMBA_SAMPLERFLAGS_H

#include "tools/marimba/Driver.h"

#include "marimba/Sampler.h"

namespace marimba::driver {

/// The options of a sampler, and the texts that end an answer, for one
/// subcommand.
struct SamplerFlags {
  explicit SamplerFlags(llvm::cl::SubCommand &sub);

  /// The options as the library takes them; prints an error and returns nothing
  /// where a value is not allowed.
  std::optional<rt::SamplerOptions> samplerOptions() const;
  std::vector<std::string> stops() const { return {stop.begin(), stop.end()}; }

  Value<double> temperature;
  Value<int> topK;
  Value<double> topP;
  Value<double> minP;
  Value<double> repetitionPenalty;
  Value<uint64_t> seed;
  llvm::cl::list<std::string> stop;
};

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_SAMPLERFLAGS_H
