//===- SafetensorsWriter.h - Tensors to a file ------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_SAFETENSORSWRITER_H
#define MARIMBA_RUNTIME_SAFETENSORSWRITER_H

#include "marimba/abi.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace marimba::rt {

/// A dense row-major tensor to write.
struct NamedTensor {
  std::string name;
  MarimbaDType dtype = MARIMBA_F32;
  std::vector<int64_t> shape;
  const void *data = nullptr;
};

/// Writes `tensors` (names distinct, UTF-8) and string `metadata` as a
/// safetensors file. The bytes go to a new file beside `path` which then takes
/// its name: on failure (false and `error`) `path` is as it was, and nothing
/// is left behind.
bool writeSafetensors(
    const std::filesystem::path &path, std::span<const NamedTensor> tensors,
    std::string &error,
    std::span<const std::pair<std::string, std::string>> metadata = {});

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_SAFETENSORSWRITER_H
