//===- SafetensorsWriter.cpp - Tensors to a file --------------------------===//

#include "marimba/SafetensorsWriter.h"

#include "marimba/NewFile.h"
#include "marimba/Tensor.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <stdexcept>

namespace marimba::rt {

namespace {

const char *fileDtype(MarimbaDType dtype) {
  switch (dtype) {
  case MARIMBA_F32:
    return "F32";
  case MARIMBA_F16:
    return "F16";
  case MARIMBA_BF16:
    return "BF16";
  case MARIMBA_I32:
    return "I32";
  case MARIMBA_I64:
    return "I64";
  case MARIMBA_I8:
    return "I8";
  }
  throw std::runtime_error("unknown element type");
}

uint64_t byteCount(const NamedTensor &tensor) {
  std::optional<int64_t> count = elementCount(tensor.shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, dtypeSize(tensor.dtype), &bytes))
    throw std::runtime_error("tensor '" + tensor.name + "' has the shape " +
                             shapeText(tensor.shape));
  return static_cast<uint64_t>(bytes);
}

std::string
makeHeader(std::span<const NamedTensor> tensors,
           std::span<const std::pair<std::string, std::string>> metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  for (const auto &[key, value] : metadata)
    header["__metadata__"][key] = value;
  uint64_t offset = 0;
  for (const NamedTensor &tensor : tensors) {
    if (tensor.name == "__metadata__" || header.contains(tensor.name))
      throw std::runtime_error("two tensors are named '" + tensor.name + "'");
    uint64_t end = offset + byteCount(tensor);
    header[tensor.name] = {{"dtype", fileDtype(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  // Data begins at a multiple of 8 (the length itself takes 8).
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

} // namespace

bool writeSafetensors(
    const std::filesystem::path &path, std::span<const NamedTensor> tensors,
    std::string &error,
    std::span<const std::pair<std::string, std::string>> metadata) {
  try {
    std::string header = makeHeader(tensors, metadata);
    unsigned char length[8];
    for (int i = 0; i < 8; ++i)
      length[i] = static_cast<unsigned char>(header.size() >> (8 * i));
    std::vector<std::span<const char>> parts = {
        {reinterpret_cast<const char *>(length), sizeof(length)}, header};
    for (const NamedTensor &tensor : tensors)
      parts.push_back(
          {static_cast<const char *>(tensor.data), byteCount(tensor)});
    std::string problem;
    std::optional<NewFile> file =
        NewFile::replace(path, NewFile::Use::Output, problem);
    bool good = file.has_value();
    uint64_t at = 0;
    for (std::span<const char> part : parts) {
      good = good && file->write(part, at, problem);
      at += part.size();
    }
    if (good && file->publish(problem))
      return true;
    error = path.string() + ": " + problem;
    return false;
  } catch (const std::exception &exception) {
    error = path.string() + ": " + exception.what();
    return false;
  }
}

} // namespace marimba::rt
