//===- SafetensorsTypes.h - Sizes of safetensors' types ---------*- C++ -*-===//

#ifndef MARIMBA_FORMATS_SAFETENSORSTYPES_H
#define MARIMBA_FORMATS_SAFETENSORSTYPES_H

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace marimba::formats {

/// Bytes of an element; 0 for a type that is unknown to us.
inline uint64_t safetensorsTypeBytes(std::string_view dtype) {
  struct Row {
    std::string_view dtype;
    uint64_t bytes;
  };
  static constexpr Row rows[] = {
      {"F64", 8},     {"I64", 8},     {"U64", 8}, {"C64", 8},  {"F32", 4},
      {"I32", 4},     {"U32", 4},     {"F16", 2}, {"BF16", 2}, {"I16", 2},
      {"U16", 2},     {"BOOL", 1},    {"U8", 1},  {"I8", 1},   {"F8_E5M2", 1},
      {"F8_E4M3", 1}, {"F8_E8M0", 1},
  };
  for (const Row &row : rows)
    if (row.dtype == dtype)
      return row.bytes;
  return 0;
}

/// Bytes of a tensor; nothing where they are more than 2^64, or a size is
/// negative. An empty dimension makes it 0, however large the others are.
inline std::optional<uint64_t>
safetensorsBytes(std::string_view dtype, std::span<const int64_t> shape) {
  uint64_t bytes = safetensorsTypeBytes(dtype);
  for (int64_t size : shape)
    if (size == 0)
      bytes = 0;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(bytes, uint64_t(size), &bytes))
      return std::nullopt;
  return bytes;
}

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_SAFETENSORSTYPES_H
