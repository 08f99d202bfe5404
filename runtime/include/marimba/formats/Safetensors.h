//===- Safetensors.h - Files of tensors -------------------------*- C++ -*-===//
//
// The format: 8 bytes, the length n of the header (little endian); n bytes of
// JSON, {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...}; the
// data, which data_offsets count from. Strings of metadata are in an object
// called "__metadata__". https://github.com/huggingface/safetensors
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_SAFETENSORS_H
#define MARIMBA_FORMATS_SAFETENSORS_H

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace marimba::formats {

/// One tensor as a header describes it: dense, row major, little endian.
struct SafetensorsEntry {
  std::string name;
  std::string dtype; // as the format spells it: "F32", "BF16", "I64", ...
  std::vector<int64_t> shape;
  uint64_t offset = 0; // from the beginning of the file
  uint64_t bytes = 0;
};

/// Reads the header of the file at `path`; tensors come in the order of their
/// offsets. No tensor data is read. The range of each has been checked to lie
/// in the file, apart from all others, and, where the type's size is known, to
/// fit type and shape. Nothing, and `error`, where something is wrong with it;
/// `file` is the name that messages use for `path`.
std::optional<std::vector<SafetensorsEntry>>
readSafetensorsHeader(const std::string &path, std::string_view file,
                      std::string &error);

/// The format's own limit on headers, in bytes.
inline constexpr uint64_t kLongestSafetensorsHeader = 100'000'000;

/// Where the data of a file begins that begins with `file`, by what its first 8
/// bytes say; 8 where they say more than the limit, 0 where there are fewer.
uint64_t safetensorsDataOffset(std::span<const char> file);

/// Pairs of strings.
using SafetensorsMetadata =
    std::span<const std::pair<std::string, std::string>>;

/// The beginning of a file of `tensors`, up to the data, whose size is a
/// multiple of `alignment` (a multiple of 8). The data of the tensors follow
/// each other in this order: `offset` and `bytes` of each are set. Nothing, and
/// `error`, where two have one name, a type is unknown or a size too large.
std::optional<std::string>
makeSafetensorsHeader(std::span<SafetensorsEntry> tensors, uint64_t alignment,
                      std::string &error, SafetensorsMetadata metadata = {});

/// A tensor to write; `data` has what dtype and shape say.
struct SafetensorsTensor {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  const void *data = nullptr;
};

/// Writes `tensors` (names distinct, UTF-8) and `metadata`. The bytes go to a
/// new file beside `path` which then takes its name: on failure (false and
/// `error`) `path` is as it was, and nothing is left.
bool writeSafetensors(const std::string &path,
                      std::span<const SafetensorsTensor> tensors,
                      std::string &error, SafetensorsMetadata metadata = {});

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_SAFETENSORS_H
