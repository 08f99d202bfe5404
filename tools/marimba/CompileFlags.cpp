//===- CompileFlags.cpp - Options of all that compile ---------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/CompileFlags.h"
#include "tools/libmarimba/Isa.h"
#include "tools/marimba/MovedOptions.h"

#include "marimba/CacheFiles.h"
#include "marimba/Units.h"

using namespace marimba;
using namespace llvm;

driver::KeyValuesOption::KeyValuesOption(cl::SubCommand &sub)
    : opt("kv", cl::desc("Type of the KV cache"),
          cl::init(KeyValues::Automatic),
          cl::values(clEnumValN(KeyValues::Automatic, "auto",
                                "the type that projections multiply (default)"),
                     clEnumValN(KeyValues::F32, "f32", "f32"),
                     clEnumValN(KeyValues::BF16, "bf16", "bf16"),
                     clEnumValN(KeyValues::Int8, "int8",
                                "8 bits, a scale for each of a head")),
          cl::sub(sub), cl::cat(category())) {}

/// For help, which keeps no copy.
static StringRef describeUnits() {
  static const std::string text = [] {
    std::string text = "Uses no more of the processor than";
    for (const rt::Unit &unit : rt::units())
      text += (&unit == &rt::units().front() ? " " : ", ") +
              std::string(unit.name) + " (" + std::string(unit.meaning) + ")";
    return text + " or native, all that it has (default)";
  }();
  return text;
}

driver::CompileFlags::CompileFlags(cl::SubCommand &sub)
    : dtype("dtype", cl::desc("What projections multiply"),
            cl::init(ComputeType::Automatic),
            cl::values(
                clEnumValN(ComputeType::Automatic, "auto",
                           "bf16 where the host multiplies it and the "
                           "checkpoint stores it, else f32, and what "
                           "--activations says (default)"),
                clEnumValN(ComputeType::F32, "f32", "f32"),
                clEnumValN(ComputeType::BF16, "bf16", "bf16, sums in f32")),
            cl::sub(sub), cl::cat(category())),
      keyValues(sub),
      reference(sub, "reference", "Plain loops and libm: slow, for comparison"),
      noFuseScan(sub, "no-fuse-scan", "Does not fuse discretize and scan"),
      isa(sub, "isa", describeUnits(), "unit", std::string(rt::kNativeUnit)),
      vectorBits(sub, "vector-bits",
                 "Width of vectors: 128, 256, 512 (default: what the unit has)",
                 "n", {128, 512}),
      linearAttentionChunk(
          sub, "linear-attention-chunk",
          "Tokens of a chunk of linear attention (default: 64)", "n", {1, 256}),
      dumpIr(sub, "dump-ir", "Writes the IR after every stage to this folder",
             "folder"),
      configFile(sub, "config-file",
                 "Name of the configuration (default: config.json)", "name") {
  cl::Option *shown[] = {&pipeline.target,      &pipeline.matmul,
                         &pipeline.matmulTable, &pipeline.activations,
                         &pipeline.ltiForm,     &pipeline.linearAttention,
                         &pipeline.experts};
  for (cl::Option *option : shown)
    moveOption(*option, sub, category());
}

std::optional<CompileOptions>
driver::CompileFlags::compileOptions(const std::string &targetCpu) const {
  CompileOptions options;
  if (vectorBits.given() && vectorBits != 128 && vectorBits != 256 &&
      vectorBits != 512) {
    fail("--vector-bits: expected 128, 256 or 512, found " + Twine(vectorBits));
    return std::nullopt;
  }
  options.pipeline = pipeline;
  if (reference) {
    if (pipeline.target.hasValue()) {
      fail("--reference and --target: expected one of them");
      return std::nullopt;
    }
    options.pipeline.target = "reference";
  }
  if (!mlir::marimba::findTarget(pipeline.target)) {
    fail("--target: " + mlir::marimba::noSuchTarget(pipeline.target));
    return std::nullopt;
  }
  options.pipeline.fuseScan = !noFuseScan;
  if (vectorBits.given())
    options.pipeline.vectorBits = vectorBits.getValue();
  if (linearAttentionChunk.given())
    options.pipeline.linearAttentionChunk = linearAttentionChunk.getValue();
  options.target.cpu = targetCpu;
  std::string error;
  if (isa.given() && !limitToUnit(isa, options, error)) {
    fail("--isa: " + error);
    return std::nullopt;
  }
  options.computeType = dtype;
  options.keyValues = keyValues;
  options.dumpDir = dumpIr;
  if (configFile.given())
    options.import.configFile = configFile;
  return options;
}

driver::CacheFolderOption::CacheFolderOption(cl::SubCommand &sub)
    : Value(sub, "cache-dir",
            "Where compiled code and packed weights are kept (default: "
            "$MARIMBA_CACHE_DIR, $XDG_CACHE_HOME/marimba, ~/.cache/marimba)",
            "folder") {}

std::string driver::CacheFolderOption::folder() const {
  return given() ? getValue() : rt::defaultCacheFolder().string();
}

driver::LoadFlags::LoadFlags(cl::SubCommand &sub)
    : CompileFlags(sub),
      threads(sub, "threads", "Size of the thread team (default: all cores)",
              "n", kThreadBounds),
      cacheDir(sub),
      noCache(sub, "no-cache", "Keeps nothing and uses nothing kept") {}

std::optional<LoadOptions> driver::LoadFlags::loadOptions() const {
  std::optional<CompileOptions> compile = compileOptions();
  if (!compile)
    return std::nullopt;
  LoadOptions options;
  options.compile = std::move(*compile);
  options.threads = threads;
  if (noCache && cacheDir.given()) {
    fail("--cache-dir and --no-cache: expected one of them");
    return std::nullopt;
  }
  if (cacheDir.given() && cacheDir.empty()) {
    fail("--cache-dir: expected the name of a folder");
    return std::nullopt;
  }
  if (!noCache)
    options.cacheFolder = cacheDir.folder();
  return options;
}

driver::SessionFlags::SessionFlags(cl::SubCommand &sub)
    : LoadFlags(sub),
      chunk(sub, "chunk", "Tokens of a prompt per call (default: 512)", "n",
            commands::kChunkBounds, LoadOptions().chunk) {}

std::optional<LoadOptions> driver::SessionFlags::loadOptions() const {
  std::optional<LoadOptions> options = LoadFlags::loadOptions();
  if (!options)
    return std::nullopt;
  options->chunk = chunk;
  return options;
}
