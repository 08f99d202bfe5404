//===- GgufDirectory.cpp - A GGUF file as a model directory -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/FileKind.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/hub/ModelDirectory.h"
#include "marimba/InputFile.h"
#include "marimba/SplitName.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace mlir::marimba {

namespace path = llvm::sys::path;

bool ModelDirectory::isGguf(StringRef where) {
  // A pipe of that name is refused where it is opened; Ollama's files, for one,
  // are named by their digest.
  return (path::extension(where) == ".gguf" &&
          ::marimba::rt::isThere(where.str()) &&
          !llvm::sys::fs::is_directory(where)) ||
         StringRef(startOfFile(where)).starts_with("GGUF");
}

/// Whether the tensor is one of a projector, by the names of llama.cpp: some
/// programs put it into the file of the text model.
static bool isOfOtherMedia(StringRef tensor) {
  return tensor.starts_with("v.") || tensor.starts_with("a.") ||
         tensor.starts_with("mm.") || tensor.starts_with("resampler.");
}

LogicalResult ModelDirectory::openGguf(StringRef where, ErrorFn emitError) {
  directoryPath = path::parent_path(where).str();
  StringRef given = path::filename(where);
  auto split = ::marimba::rt::SplitName::parse(given.str());
  directoryName = split ? split->stem : path::stem(where).str();
  FailureOr<GgufFile> file = GgufFile::open(where, given, emitError);
  if (failed(file))
    return failure();
  for (const GgufPart &part : file->parts())
    fileNames.push_back(part.file);
  configName = weightsName = fileNames.front();
  FailureOr<GgufConfig> config = readGgufConfig(*file, emitError);
  if (failed(config))
    return failure();
  ggufNames = &config->family->gguf.names;
  configObject = std::move(config->fields);
  fields = std::move(config->names);
  notes = std::move(config->notes);
  size_t aside = 0;
  for (const GgufTensor &tensor : file->tensors()) {
    if (isOfOtherMedia(tensor.name))
      ++aside;
    else if (failed(addGguf(tensor, *config, emitError)))
      return failure();
  }
  if (aside)
    notes.push_back(
        weightsName + ": " + std::to_string(aside) +
        " tensors of the vision or audio part set aside: text only");
  return success();
}

LogicalResult ModelDirectory::addGguf(const GgufTensor &tensor,
                                      const GgufConfig &config,
                                      ErrorFn emitError) {
  // The config has it.
  if (tensor.name == "rope_freqs.weight")
    return success();
  CheckpointTensor result;
  result.file = tensor.part;
  SafetensorsEntry &entry = result.entry;
  entry = {tensor.name, tensor.type, tensor.shape, tensor.offset, tensor.bytes};
  const ::marimba::formats::Format *format =
      ::marimba::formats::findFormat(tensor.type);
  if (format && !format->isFloat()) {
    entry.dtype = "F32";
    result.stored.format = format;
  }
  std::optional<std::string> name = ggufNames->toCheckpoint(tensor.name);
  if (!name) {
    table.try_emplace(tensor.name, std::move(result));
    return success();
  }
  entry.name = *name;
  StringRef part = tensor.name;
  if (part.contains(".attn_q."))
    result.interleavedHeads = config.queryHeads;
  if (part.contains(".attn_k."))
    result.interleavedHeads = config.keyHeads;
  // A dimension of 1 is left out where it was.
  if ((part.ends_with(".ssm_conv1d.weight") ||
       part.ends_with(".shortconv.conv.weight")) &&
      entry.shape.size() == 2)
    entry.shape.insert(entry.shape.begin() + 1, 1);
  if (part.ends_with(".ffn_gate_inp_shexp.weight") && entry.shape.size() == 1)
    entry.shape.insert(entry.shape.begin(), 1);
  // [1,D,1,W], of a convolution for queries, keys or values alone.
  if (part.contains(".ssm_conv1d_") && entry.shape.size() == 4 &&
      entry.shape[0] == 1)
    entry.shape.erase(entry.shape.begin());
  if (config.family->gguf.vectorMixers && entry.shape.size() == 2 &&
      (part.ends_with(".ssm_a") || part.ends_with(".ssm_d") ||
       part.ends_with(".ssm_norm.weight")))
    entry.shape = {entry.shape[0] * entry.shape[1]};
  if (!StringRef(*name).contains('*')) {
    table.try_emplace(*name, std::move(result));
    return success();
  }

  // One matrix after the other.
  if (entry.shape.size() != 3 || entry.shape[0] != config.experts ||
      entry.bytes == 0) {
    emitError(fileNames[tensor.part] + ": tensor " + quoted(tensor.name) +
              " has type " + tensor.type + " and shape " +
              printShape(entry.shape) + ", expected " + Twine(config.experts) +
              " matrices of " +
              ::marimba::formats::listFormats(/*blocks=*/true) + " (" +
              fields.inFile(config.expertsField) + ")");
    return failure();
  }
  entry.shape.erase(entry.shape.begin());
  entry.bytes /= uint64_t(config.experts);
  auto [before, after] = StringRef(*name).split('*');
  for (int64_t e = 0; e < config.experts; ++e) {
    entry.name = (before + Twine(e) + after).str();
    table.try_emplace(entry.name, result);
    entry.offset += entry.bytes;
  }
  return success();
}

std::string ModelDirectory::nameInFile(StringRef tensor) const {
  if (ggufNames) {
    // Parts of a matrix that the file has in blocks.
    for (::marimba::formats::PartKind kind : ::marimba::formats::allParts())
      if (tensor.consume_back(("." + StringRef(partName(kind))).str()))
        break;
    return ggufNames->toGguf(tensor);
  }
  const CheckpointTensor *found = find(tensor);
  std::string name = tensor.str();
  StringRef rest = tensor;
  if (auto it = renamed.find(tensor); it != renamed.end())
    name = it->second;
  else if (!found && !renamed.empty() && rest.consume_front(renamedPrefix))
    name = renamedPrefixInFile + rest.str();
  StringRef base = name;
  if (found && found->channels && base.consume_back(".weight.codes"))
    return (base + ".qweight").str();
  return name;
}

} // namespace mlir::marimba
