//===- OutputPath.cpp - Where a command may write -------------------------===//

#include "marimba/OutputPath.h"

#include "marimba/NewFile.h"
#include "marimba/Package.h"
#include "marimba/SplitName.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace marimba::rt {

namespace fs = std::filesystem;

/// Whether both are, or would be, one file.
static bool isSame(const fs::path &a, const fs::path &b) {
  std::error_code code;
  if (fs::equivalent(a, b, code))
    return true;
  fs::path first = fs::weakly_canonical(fs::absolute(a, code), code);
  fs::path second = fs::weakly_canonical(fs::absolute(b, code), code);
  return !code && first == second;
}

/// Whether a file of a model's directory may be read; `sharded`: by an index of
/// weights that may have any names.
static bool isRead(std::string_view name, bool sharded) {
  constexpr std::string_view names[] = {"config.json",
                                        "generation_config.json",
                                        "special_tokens_map.json",
                                        "added_tokens.json",
                                        "vocab.json",
                                        "merges.txt",
                                        PackageManifest::kFileName,
                                        kPackagedTemplates};
  return std::ranges::find(names, name) != std::end(names) ||
         name.starts_with("tokenizer") || name.starts_with("chat_template") ||
         name.ends_with(".index.json") || name.ends_with(".jinja") ||
         name.ends_with(".so") || name == "model.safetensors" ||
         (sharded && name.ends_with(".safetensors"));
}

/// Adds the files that a model's directory or a package may be read from.
static void addFilesOf(const fs::path &model, std::vector<fs::path> &files) {
  std::error_code code;
  bool sharded = fs::exists(model / "model.safetensors.index.json", code);
  for (fs::directory_iterator it(model, code), end; !code && it != end;
       it.increment(code))
    if (isRead(it->path().filename().native(), sharded))
      files.push_back(it->path());
}

/// Adds the parts of a model that is in several files, of which `model` is one.
static void addPartsOf(const fs::path &model, std::vector<fs::path> &files) {
  std::optional<SplitName> split = SplitName::parse(model.native());
  std::error_code code;
  for (fs::directory_iterator it(fs::absolute(model).parent_path(), code), end;
       split && !code && it != end; it.increment(code)) {
    auto other = SplitName::parse(it->path().filename().native());
    if (other &&
        split->of(other->number) == model.parent_path() / it->path().filename())
      files.push_back(it->path());
  }
}

/// The files that a model may be read from.
static std::vector<fs::path> filesOf(const fs::path &model) {
  std::vector<fs::path> files;
  addFilesOf(model, files);
  if (files.empty()) {
    files.push_back(model);
    addPartsOf(model, files);
  }
  // What is wrong with it is said where it is loaded.
  std::string ignored;
  if (!isPackage(model))
    return files;
  auto manifest = PackageManifest::read(model, ignored);
  if (!manifest)
    return files;
  fs::path directory = modelDirectory(model, *manifest);
  for (const PackagedFile &file : manifest->files)
    files.push_back(directory / file.name);
  // A GGUF file is all that is read of its folder.
  if (manifest->ggufTokenizer.empty())
    addFilesOf(directory, files);
  return files;
}

bool checkOutput(const std::string &output,
                 const std::vector<std::string> &inputs,
                 const std::string &model, std::string &error) {
  if (output.empty() || output == "-")
    return true;
  std::vector<fs::path> all;
  if (!model.empty())
    all = filesOf(model);
  for (const std::string &input : inputs)
    if (!input.empty() && input != "-")
      all.push_back(input);
  for (const fs::path &input : all) {
    std::error_code code;
    // A device, such as /dev/null, may be both.
    if (!isSame(output, input) ||
        (fs::exists(input, code) && !fs::is_regular_file(input, code)))
      continue;
    error = output + ": would replace " + input.string() +
            ", which this command reads or writes: expected another file";
    return false;
  }
  return true;
}

bool canReplace(const std::string &path, std::string &error) {
  std::string problem;
  if (NewFile::replace(path, NewFile::Use::Output, problem))
    return true;
  error = (path.empty() ? "-o" : path) + ": " + problem;
  return false;
}

} // namespace marimba::rt
