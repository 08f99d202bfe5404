//===- InspectPackage.cpp - What a compiled model is ----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/InspectPackage.h"
#include "tools/marimba/Driver.h"

#include "marimba/Package.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

static int64_t bytesOf(ArrayRef<rt::PackagedFile> files) {
  uint64_t bytes = 0;
  for (const rt::PackagedFile &file : files)
    bytes += file.bytes;
  return static_cast<int64_t>(bytes);
}

static StringRef tokenizerOf(const rt::PackageManifest &manifest) {
  return manifest.tokenizer.empty() ? manifest.ggufTokenizer
                                    : manifest.tokenizer;
}

static void printAsJson(const rt::PackageManifest &manifest,
                        StringRef directory) {
  json::Object arithmetic;
  for (const auto &[name, value] : manifest.facts.arithmetic)
    arithmetic[name] = value;
  driver::printJson(json::Object{
      {"package", manifest.facts.name},
      {"vocab_size", manifest.vocabulary},
      {"eos_token_ids", driver::jsonIds(manifest.facts.endIds)},
      {"processor", manifest.processor},
      {"features", json::Array(manifest.features)},
      {"isa", manifest.isa.empty() ? "native" : manifest.isa},
      {"threads", manifest.facts.threads},
      {"chunk", manifest.chunk},
      {"arithmetic", std::move(arithmetic)},
      {"code_bytes", static_cast<int64_t>(manifest.code.bytes)},
      {"directory", directory},
      {"tokenizer", manifest.hasTokenizer() ? json::Value(tokenizerOf(manifest))
                                            : json::Value(nullptr)},
      {"weight_file_bytes", bytesOf(manifest.files)},
      {"weights", manifest.fingerprint},
  });
}

static void printAsText(const rt::PackageManifest &manifest,
                        StringRef directory) {
  raw_ostream &os = outs();
  auto row = [&](StringRef label) -> raw_ostream & {
    return os << left_justify(label, 12);
  };
  row("package") << "of " << manifest.facts.name << ", "
                 << formatv("{0:N}", manifest.code.bytes) << " bytes of code\n";
  row("processor") << manifest.processor << ": " << join(manifest.features, " ")
                   << '\n';
  if (!manifest.isa.empty())
    row("isa") << manifest.isa << '\n';
  row("threads") << manifest.facts.threads << '\n';
  row("arithmetic") << join(map_range(manifest.facts.arithmetic,
                                      [](const auto &entry) {
                                        return entry.first + " " + entry.second;
                                      }),
                            ", ")
                    << '\n';
  row("directory") << directory << '\n';
  row("tokenizer") << (manifest.hasTokenizer() ? tokenizerOf(manifest) : "none")
                   << '\n';
  row("weights") << manifest.fingerprint << ", "
                 << formatv("{0:N}", bytesOf(manifest.files)) << " bytes in "
                 << manifest.files.size()
                 << (manifest.files.size() == 1 ? " file\n" : " files\n");
}

int driver::inspectPackage(StringRef package, bool json) {
  std::string error;
  auto manifest = rt::PackageManifest::read(package.str(), error);
  if (!manifest)
    return fail(error);
  std::string directory = rt::modelDirectory(package.str(), *manifest).string();
  if (json)
    printAsJson(*manifest, directory);
  else
    printAsText(*manifest, directory);
  return 0;
}
