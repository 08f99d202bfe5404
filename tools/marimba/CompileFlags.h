//===- CompileFlags.h - Options of all that compile -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_COMPILEFLAGS_H
#define MARIMBA_TOOLS_MARIMBA_COMPILEFLAGS_H

#include "tools/libmarimba/Compiler.h"
#include "tools/libmarimba/LoadedModel.h"
#include "tools/marimba/Driver.h"

namespace marimba::driver {

using commands::kThreadBounds;

/// --kv, of all that import a model.
struct KeyValuesOption : llvm::cl::opt<KeyValues> {
  explicit KeyValuesOption(llvm::cl::SubCommand &sub);
};

/// The options that choose how a model is compiled, for one subcommand.
struct CompileFlags {
  explicit CompileFlags(llvm::cl::SubCommand &sub);

  /// The options as the library takes them; prints an error and returns
  /// nothing where a value is not allowed. `targetCpu` is what to compile for;
  /// empty: this machine.
  std::optional<CompileOptions>
  compileOptions(const std::string &targetCpu = {}) const;

  /// Of these some are ours, too, such as --target and --matmul.
  mlir::marimba::PipelineOptions pipeline;
  llvm::cl::opt<ComputeType> dtype;
  KeyValuesOption keyValues;
  Flag reference;
  Flag noFuseScan;
  Value<std::string> isa;
  Number<unsigned> vectorBits;
  Number<unsigned> linearAttentionChunk;
  Value<std::string> dumpIr;
  Value<std::string> configFile;
};

/// Where compiled code and packed weights are kept between runs.
struct CacheFolderOption : Value<std::string> {
  explicit CacheFolderOption(llvm::cl::SubCommand &sub);

  /// What was given, or the user's folder; empty where there is neither.
  std::string folder() const;
};

/// The same for a subcommand that also loads the model.
struct LoadFlags : CompileFlags {
  explicit LoadFlags(llvm::cl::SubCommand &sub);

  /// As compileOptions().
  std::optional<LoadOptions> loadOptions() const;

  Number<unsigned> threads;
  CacheFolderOption cacheDir;
  Flag noCache;
};

/// Those and the options of a session.
struct SessionFlags : LoadFlags {
  explicit SessionFlags(llvm::cl::SubCommand &sub);

  std::optional<LoadOptions> loadOptions() const;

  Number<int64_t> chunk;
};

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_COMPILEFLAGS_H
