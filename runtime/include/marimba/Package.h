//===- Package.h - A compiled model in a folder -----------------*- C++ -*-===//
//
// A package is a folder with the code of a model, as a shared object, and
// model.json, which says what the code needs: processor, threads, and where
// each weight lies in the files of the model's directory (docs/packages.md).
// Loading one runs its code.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_PACKAGE_H
#define MARIMBA_RUNTIME_PACKAGE_H

#include "marimba/ChatTemplate.h"
#include "marimba/ReadyModel.h"
#include "marimba/Weights.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace marimba::rt {

class Tokenizer;

/// A file and its size in bytes.
struct PackagedFile {
  std::string name;
  uint64_t bytes = 0;
};

/// What model.json says.
struct PackageManifest {
  /// Of the files. A reader knows one number only.
  static constexpr int64_t kFormat = 1;
  static constexpr const char *kFileName = "model.json";

  ModelFacts facts;
  int64_t vocabulary = 0;
  /// Tokens that one call of the code takes where nobody says otherwise.
  int64_t chunk = 512;
  /// What the code was compiled for and what it may use: LLVM's names.
  std::string processor;
  std::vector<std::string> features;
  /// The unit (Units.h) that code and library were limited to; empty: none.
  std::string isa;
  /// The shared object, beside model.json, and its checksum().
  PackagedFile code;
  std::string codeChecksum;
  /// The model's: absolute, or relative to the package.
  std::filesystem::path directory;
  /// The tokenizer's file in it; empty without one. That of a GGUF file is
  /// `ggufTokenizer`, a file in the package (GgufVocabulary.h).
  std::string tokenizer, ggufTokenizer;
  /// The files of the weights in it, and their fingerprint().
  std::vector<PackagedFile> files;
  std::string fingerprint;
  /// `file` is a name in `files`.
  std::vector<WeightSource> weights;

  bool hasTokenizer() const {
    return !tokenizer.empty() || !ggufTokenizer.empty();
  }

  /// Reads the text of a model.json; every member is checked. Nothing, and
  /// `error`, which names the field, where it cannot be used.
  static std::optional<PackageManifest> parse(std::string_view text,
                                              std::string &error);
  /// Reads that of the folder `package`; `error` then names the file.
  static std::optional<PackageManifest>
  read(const std::filesystem::path &package, std::string &error);

  /// The text. Nothing, and `error`, where a name or a path is not UTF-8.
  std::optional<std::string> text(std::string &error) const;

  /// 32 digits, of the bytes of a file or a text.
  static std::string checksum(std::span<const char> code);
};

/// Whether `path` is a folder with a model.json.
bool isPackage(const std::filesystem::path &path);

/// The model's directory of a package, usable as it stands.
std::filesystem::path modelDirectory(const std::filesystem::path &package,
                                     const PackageManifest &manifest);

/// The tokenizer, from the package or from the model's `directory`, as in
/// PackageOptions. Null and `error` where there is none or it is bad.
std::unique_ptr<Tokenizer> loadPackageTokenizer(
    const std::filesystem::path &package, const PackageManifest &manifest,
    const std::filesystem::path &directory, std::string &error);

/// The chat templates of a GGUF file with their variables, as a package keeps
/// them in the file kPackagedTemplates: only the compiler can read the file.
inline constexpr const char *kPackagedTemplates = "templates.gguf.json";
std::string packTemplates(const std::vector<NamedTemplate> &templates,
                          const ChatTemplate::Variables &variables);

/// As ChatTemplate::load(), of the package or the model's `directory`, as in
/// PackageOptions.
std::unique_ptr<ChatTemplate>
loadPackageTemplate(const std::filesystem::path &package,
                    const PackageManifest &manifest,
                    const std::filesystem::path &directory,
                    const std::string &name, std::string &error);

/// How a package is loaded.
struct PackageOptions {
  /// Where the model's files are now; empty: where they were.
  std::filesystem::path directory;
  /// As ReadyModel's; 0: the manifest's.
  int64_t chunk = 0;
  /// Where packed weights are kept (docs/cache.md); empty: in memory.
  std::filesystem::path cacheFolder;
  /// Hears what a user should know though nothing fails.
  std::function<void(const std::string &)> note;
};

/// Links the code of `package`, whose manifest was read, into this process, and
/// loads the weights. The library of this process is limited as the package
/// says, or a note tells why it cannot be. Before any of the code runs, the
/// processor, the code's checksum and the sizes of the weights' files are
/// compared with the manifest; their fingerprint is before the weights are
/// used. Null and `error` where something does not fit.
std::unique_ptr<ReadyModel> loadPackage(const std::filesystem::path &package,
                                        const PackageManifest &manifest,
                                        const PackageOptions &options,
                                        std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_PACKAGE_H
