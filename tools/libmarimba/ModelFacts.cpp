//===- ModelFacts.cpp - What loading needs of a compilation ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/ModelFacts.h"
#include "tools/libmarimba/BuildIdentity.h"

#include "marimba/InputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <array>

using namespace marimba;
using namespace llvm;
using mlir::marimba::ImportedModel;

/// 32 digits.
static std::string digest(StringRef text) {
  return toHex(BLAKE3::hash<16>(arrayRefFromStringRef(text)),
               /*LowerCase=*/true);
}

/// The digest of the configuration as it is written; empty where it cannot be
/// read any more.
static std::string digestConfiguration(StringRef modelDir,
                                       const CompileOptions &options) {
  SmallString<128> path(modelDir);
  sys::path::append(path, options.import.configFile);
  std::string problem;
  auto text = rt::readWhole(path.str().str(), rt::kLongestText, problem);
  return text ? digest(*text) : std::string();
}

/// The digest of the table that --matmul-table names; empty where it cannot be
/// read any more. That of the build covers the one that is built in.
static std::string digestTable(const std::string &path) {
  if (path.empty())
    return "built in";
  std::string problem;
  auto text = rt::readWhole(path, rt::kLongestText, problem);
  return text ? digest(*text) : std::string();
}

/// The digest of a model as it was imported.
static std::string digestMeaning(Compilation &compilation) {
  std::string text;
  raw_string_ostream os(text);
  compilation.module().print(
      os, mlir::OpPrintingFlags().printGenericOpForm().assumeVerified());
  return digest(text);
}

/// What decides in which order sums are made and how they are rounded.
static std::vector<std::pair<std::string, std::string>>
describeArithmetic(const Compilation &compilation) {
  const CompileOptions &options = compilation.options();
  const mlir::marimba::PipelineOptions &pipeline = options.pipeline;
  auto route = static_cast<size_t>(pipeline.matmul.getValue());
  return {
      {"products", pipeline.bf16               ? "bf16"
                   : pipeline.prefillsInBF16() ? "f32, bf16 for bytes"
                                               : "f32"},
      {"target", pipeline.target},
      {"matmul", std::array{"auto", "onednn", "generated", "loops"}[route]},
      {"matmul table", digestTable(pipeline.matmulTable)},
      {"vector bits", std::to_string(pipeline.vectorBits.getValue())},
      {"threads", std::to_string(pipeline.threads.getValue())},
      {"processor", digest(mlir::marimba::findTarget(pipeline.target)
                               ->describe(options.target))},
      {"build", digest(buildIdentity())},
  };
}

rt::ModelFacts marimba::describeFacts(Compilation &compilation,
                                      StringRef modelDir) {
  const CompileOptions &options = compilation.options();
  rt::ModelFacts facts;
  facts.name = compilation.imported()->info.name;
  facts.threads = static_cast<int32_t>(options.pipeline.threads);
  facts.configuration = digestConfiguration(modelDir, options);
  facts.meaning = digestMeaning(compilation);
  facts.arithmetic = describeArithmetic(compilation);
  return facts;
}

std::optional<std::vector<rt::WeightSource>>
marimba::weightSources(const ImportedModel &imported, std::string &error) {
  std::vector<rt::WeightSource> sources;
  sources.reserve(imported.sources.size());
  for (const mlir::marimba::WeightSource &found : imported.sources) {
    // Codes, zero points and scales of 8 bits are bytes, whatever they mean.
    StringRef type = found.dtype;
    std::optional<MarimbaDType> dtype = type == "U8" || type.starts_with("F8_")
                                            ? MARIMBA_I8
                                            : rt::parseDtype(type.lower());
    if (!dtype) {
      error = found.file + ": " + found.name + ": cannot run with dtype " +
              found.dtype;
      return std::nullopt;
    }
    std::optional<rt::OtherTensor> other;
    if (found.other)
      other = {found.other->file, found.other->offset, found.other->bytes};
    sources.push_back({found.name, found.file, found.offset, found.bytes,
                       *dtype, found.shape, found.stored,
                       found.interleavedHeads, found.channels,
                       found.channelsEach, found.groupsEach, other});
  }
  return sources;
}
