//===- SamplerFlags.h - How the next token is chosen ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_SAMPLERFLAGS_H
#define MARIMBA_TOOLS_COMMANDS_SAMPLERFLAGS_H

#include "tools/commands/Options.h"

#include "marimba/Sampler.h"
#include <optional>
#include <string>
#include <vector>

namespace marimba::commands {

/// The options of a sampler, and the texts that end an answer, for one
/// subcommand.
struct SamplerFlags {
  explicit SamplerFlags(Command &command);

  /// The options as the library takes them; what was not given is as
  /// generation_config.json in `directory` says, with a note of that unless
  /// `quiet`. Prints an error and returns nothing where a value is not allowed.
  std::optional<rt::SamplerOptions> samplerOptions(const std::string &directory,
                                                   bool quiet) const;
  const std::vector<std::string> &stops() const { return stop.values; }

  NumberOption<double> temperature;
  NumberOption<int> topK;
  NumberOption<double> topP;
  NumberOption<double> minP;
  NumberOption<double> repetitionPenalty;
  NumberOption<double> frequencyPenalty;
  NumberOption<double> presencePenalty;
  NumberOption<uint64_t> seed;
  TextsOption stop;
};

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_SAMPLERFLAGS_H
