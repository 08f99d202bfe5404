//===- FileKind.cpp - What else a file or directory may be ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/FileKind.h"
#include "importer/Error.h"
#include "marimba/FileKind.h"
#include "marimba/SplitName.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

namespace mlir::marimba {

namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static constexpr size_t kStart = 64;

static constexpr StringLiteral kToSafetensors =
    "transformers' AutoModelForCausalLM.from_pretrained(DIR)"
    ".save_pretrained(NEW) writes safetensors";

std::string startOfFile(StringRef file) {
  // Nobody waits for a pipe.
  uint64_t size = 0;
  if (!fs::is_regular_file(file) || fs::file_size(file, size))
    return "";
  auto buffer =
      llvm::MemoryBuffer::getFileSlice(file, std::min<uint64_t>(size, kStart),
                                       /*Offset=*/0);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

std::vector<std::string> filesIn(StringRef directory) {
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator it(directory, code), end; !code && it != end;
       it.increment(code))
    if (!fs::is_directory(it->path()))
      names.push_back(path::filename(it->path()).str());
  llvm::sort(names);
  return names;
}

static std::string pathIn(StringRef directory, const Twine &name) {
  SmallString<256> full(directory);
  path::append(full, name);
  return full.str().str();
}

/// The folders in `directory` that hold `file`.
static std::vector<std::string> foldersWith(StringRef directory,
                                            StringRef file) {
  std::vector<std::string> found;
  std::error_code code;
  for (fs::directory_iterator it(directory, code), end; !code && it != end;
       it.increment(code))
    if (fs::exists(pathIn(it->path(), file)))
      found.push_back(it->path());
  llvm::sort(found);
  return found;
}

/// "'a', 'b' and 7 more".
static std::string listed(ArrayRef<std::string> names) {
  constexpr size_t most = 3;
  std::string text;
  for (const std::string &name : names.take_front(most))
    text += (text.empty() ? "" : ", ") + quoted(name);
  if (names.size() > most)
    text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

std::string describeOtherWeights(StringRef directory) {
  struct Kind {
    StringRef begin, end, text;
  };
  std::string pickled =
      ("which is a pickle and not read; " + kToSafetensors).str();
  static constexpr StringLiteral adapter =
      "which holds an adapter (LoRA), not a model; merge it into its base "
      "model, as peft's merge_and_unload() does";
  static constexpr StringLiteral native =
      "which has the names and layout of Meta's and Mistral's own programs; "
      "get the model in Hugging Face's (model.safetensors)";
  static constexpr StringLiteral others =
      "which belongs to another program and is not read; get the model as "
      "safetensors";
  const Kind kinds[] = {
      {"adapter_model.", "", adapter},
      {"consolidated", ".safetensors", native},
      {"consolidated.", ".pth", native},
      {"", ".gguf", "which is a model of its own: give that file as MODEL"},
      {"pytorch_model", ".bin", pickled},
      {"pytorch_model", ".bin.index.json", pickled},
      {"", ".pth", pickled},
      {"", ".pt", pickled},
      {"", ".ckpt", pickled},
      {"tf_model", ".h5", others},
      {"flax_model", ".msgpack", others},
      {"", ".onnx", others},
      {"", ".npz", others},
      {"", ".h5", others},
      {"", ".bin", pickled},
  };
  std::vector<std::string> names = filesIn(directory);
  for (const Kind &kind : kinds) {
    // Two beginnings and ends must not overlap.
    auto matches = [&](StringRef name) {
      return name.size() >= kind.begin.size() + kind.end.size() &&
             name.starts_with(kind.begin) && name.ends_with(kind.end);
    };
    auto it = llvm::find_if(names, matches);
    if (it != names.end())
      return ("; " + quoted(*it) + " is there, " + kind.text).str();
  }
  return "";
}

std::string describeDirectory(StringRef where, StringRef configFile) {
  std::vector<std::string> models =
      foldersWith(pathIn(where, "snapshots"), configFile);
  if (!models.empty())
    return "; it is one of Hugging Face's cache, give a snapshot in it: " +
           listed(models);
  std::vector<std::string> files = filesIn(where), ggufs;
  for (const std::string &file : files) {
    auto split = ::marimba::rt::SplitName::parse(file);
    if (StringRef(file).ends_with(".gguf") && (!split || split->number == 1))
      ggufs.push_back(pathIn(where, file));
  }
  if (!ggufs.empty())
    return "; give the GGUF file itself: " + listed(ggufs);
  models = foldersWith(where, configFile);
  if (!models.empty())
    return "; in it are " + listed(models);
  auto has = [&](StringRef file) { return llvm::is_contained(files, file); };
  if (where.rtrim('/').ends_with(".marimba") && has("model.json"))
    return "; it is a package, which programs load (inspect shows "
           "it)";
  if (has("model_index.json"))
    return "; 'model_index.json' is that of diffusers";
  if (has("params.json"))
    return "; 'params.json' is that of Meta's and Mistral's own "
           "programs, whose layout is not read";
  return describeOtherWeights(where);
}

/// What a file that is no GGUF file may be.
static std::string describeFile(StringRef where, StringRef expected) {
  std::string start = startOfFile(where);
  std::string_view kind = ::marimba::rt::fileKind(start);
  StringRef extension = path::extension(where);
  std::string text =
      (kind.empty() ? "is not a directory" : "is " + std::string(kind)) + ", " +
      expected.str();
  bool isPart = extension == ".safetensors" || extension == ".json" ||
                extension == ".model" || extension == ".jinja" ||
                kind == ::marimba::rt::kSafetensors;
  StringRef folder = path::parent_path(where);
  if (isPart && !StringRef(start).starts_with("version http"))
    text += "; its folder is " + quoted(folder.empty() ? "." : folder);
  return text;
}

/// Whether `name` looks like one on the hub, organisation/model.
static bool isHubName(StringRef name) {
  auto [first, second] = name.split('/');
  auto isPart = [](StringRef part) {
    return !part.empty() && part.front() != '.' &&
           llvm::all_of(part, [](char c) {
             return llvm::isAlnum(c) || StringRef("._-").contains(c);
           });
  };
  return isPart(first) && isPart(second);
}

std::string describeNoModel(StringRef where, StringRef configFile) {
  std::string subject = quoted(where) + ": ";
  std::string expected = ("expected a model directory (" + configFile +
                          " and *.safetensors) or a GGUF file")
                             .str();
  fs::file_status status;
  if (std::error_code error = fs::status(where, status)) {
    std::string text = subject + error.message() + ", " + expected;
    if (where.starts_with("~"))
      return text + "; ~ is for a shell to replace, which it does where it is "
                    "not quoted";
    if (isHubName(where))
      return text +
             "; models on Hugging Face's hub are not downloaded: 'hf "
             "download " +
             where.str() + " --local-dir DIR' does that";
    return text;
  }
  if (status.type() == fs::file_type::regular_file)
    return subject + describeFile(where, expected);
  if (status.type() != fs::file_type::directory_file)
    return subject + "is not a directory, " + expected;
  if (fs::exists(pathIn(where, configFile)))
    return "";
  return subject + "has no " + configFile.str() +
         ", expected a model directory as Hugging Face's hub has it" +
         describeDirectory(where, configFile);
}

} // namespace mlir::marimba
