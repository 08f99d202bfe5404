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

  /// The options as the library takes them; what was not given is as the
  /// generation_config.json of `model` says, with a note of that unless
  /// `quiet`. Prints an error and returns nothing where a value is not allowed.
  std::optional<rt::SamplerOptions> samplerOptions(llvm::StringRef model,
                                                   bool quiet) const;
  std::vector<std::string> stops() const { return {stop.begin(), stop.end()}; }

  Number<double> temperature;
  Number<int> topK;
  Number<double> topP;
  Number<double> minP;
  Number<double> repetitionPenalty;
  Number<uint64_t> seed;
  llvm::cl::list<std::string> stop;
};

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_SAMPLERFLAGS_H
