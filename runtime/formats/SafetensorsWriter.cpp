//===- SafetensorsWriter.cpp - Writing files of tensors -------------------===//

#include "marimba/formats/Safetensors.h"

#include "SafetensorsTypes.h"
#include "marimba/NewFile.h"
#include "marimba/formats/Message.h"

#include <nlohmann/json.hpp>

namespace marimba::formats {

std::optional<std::string>
makeSafetensorsHeader(std::span<SafetensorsEntry> tensors, uint64_t alignment,
                      std::string &error, SafetensorsMetadata metadata) {
  try {
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    for (const auto &[key, value] : metadata)
      header["__metadata__"][key] = value;
    uint64_t end = 0;
    for (SafetensorsEntry &tensor : tensors) {
      if (tensor.name == "__metadata__" || header.contains(tensor.name)) {
        error = "two tensors are named '" + tensor.name + "'";
        return std::nullopt;
      }
      std::optional<uint64_t> bytes =
          safetensorsBytes(tensor.dtype, tensor.shape);
      if (safetensorsTypeBytes(tensor.dtype) == 0) {
        error = "tensor '" + tensor.name + "' has the unknown element type " +
                tensor.dtype;
        return std::nullopt;
      }
      tensor.offset = end;
      if (!bytes || __builtin_add_overflow(end, *bytes, &end)) {
        error = "tensor '" + tensor.name + "' has the shape " +
                printShape(tensor.shape);
        return std::nullopt;
      }
      tensor.bytes = *bytes;
      header[tensor.name] = {{"dtype", tensor.dtype},
                             {"shape", tensor.shape},
                             {"data_offsets", {tensor.offset, end}}};
    }
    std::string text(8, 0);
    text += header.dump();
    text.append((alignment - text.size() % alignment) % alignment, ' ');
    uint64_t length = text.size() - 8;
    for (int i = 0; i < 8; ++i)
      text[i] = static_cast<char>(length >> (8 * i));
    for (SafetensorsEntry &tensor : tensors)
      tensor.offset += text.size();
    return text;
  } catch (const std::exception &exception) { // a name that is not UTF-8
    error = exception.what();
    return std::nullopt;
  }
}

bool writeSafetensors(const std::string &path,
                      std::span<const SafetensorsTensor> tensors,
                      std::string &error, SafetensorsMetadata metadata) {
  std::vector<SafetensorsEntry> entries;
  for (const SafetensorsTensor &tensor : tensors)
    entries.push_back({tensor.name, tensor.dtype, tensor.shape});
  std::string problem;
  constexpr uint64_t alignment = 8;
  std::optional<std::string> header =
      makeSafetensorsHeader(entries, alignment, problem, metadata);
  std::optional<rt::NewFile> file =
      header ? rt::NewFile::replace(path, rt::NewFile::Use::Output, problem)
             : std::nullopt;
  bool good = file && file->write(*header, 0, problem);
  for (size_t i = 0; good && i < tensors.size(); ++i)
    good = file->write({static_cast<const char *>(tensors[i].data),
                        static_cast<size_t>(entries[i].bytes)},
                       entries[i].offset, problem);
  if (good && file->publish(problem))
    return true;
  error = path + ": " + problem;
  return false;
}

} // namespace marimba::formats
