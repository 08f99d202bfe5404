//===- HeaderPatch.h - Files with checksums, damaged and mended -*- C++ -*-===//

#ifndef MARIMBA_TEST_FUZZ_HEADERPATCH_H
#define MARIMBA_TEST_FUZZ_HEADERPATCH_H

#include <cstdint>
#include <cstring>
#include <string>
#include <xxhash.h>

namespace marimba::fuzz {

// Where a header has what: docs/cache.md.
constexpr size_t kJsonSizeAt = 8, kOffsetAt = 16, kPayloadAt = 24, kHashAt = 32,
                 kJsonAt = 48;

/// Makes the sizes and the checksum of a header right again where that is
/// possible, so that what is behind them is read, too.
inline void mendHeader(std::string &file) {
  if (file.size() < kJsonAt)
    return;
  auto number = [&](size_t at) {
    uint64_t value;
    std::memcpy(&value, file.data() + at, sizeof(value));
    return value;
  };
  uint64_t offset = number(kOffsetAt);
  if (offset > file.size() || offset < kJsonAt)
    return;
  uint64_t payload = file.size() - offset;
  std::memcpy(file.data() + kPayloadAt, &payload, sizeof(payload));
  std::memset(file.data() + kHashAt, 0, sizeof(XXH128_hash_t));
  XXH128_hash_t hash = XXH3_128bits(file.data(), offset);
  std::memcpy(file.data() + kHashAt, &hash, sizeof(hash));
}

/// A file that the input describes: its first byte says whether the rest is
/// the file itself, or changes of `whole` (three bytes each: where, and what),
/// or the JSON text in place of the one of `whole`; and whether the header is
/// mended.
inline std::string damaged(const std::string &whole, const uint8_t *data,
                           size_t size) {
  if (size == 0)
    return {};
  uint8_t kind = data[0];
  ++data, --size;
  std::string file(reinterpret_cast<const char *>(data), size);
  if (kind % 4 == 1) {
    file = whole;
    for (; size >= 3; data += 3, size -= 3)
      file[(data[0] | size_t(data[1]) << 8) % file.size()] = char(data[2]);
  } else if (kind % 4 == 2) {
    uint64_t offset = (kJsonAt + size + 4095) / 4096 * 4096, length = size, old;
    std::memcpy(&old, whole.data() + kOffsetAt, sizeof(old));
    std::string text = file;
    file = whole.substr(0, kJsonAt) + text;
    file.resize(offset);
    file += whole.substr(old);
    std::memcpy(file.data() + kJsonSizeAt, &length, sizeof(length));
    std::memcpy(file.data() + kOffsetAt, &offset, sizeof(offset));
  }
  if (kind & 4)
    mendHeader(file);
  return file;
}

} // namespace marimba::fuzz

#endif // MARIMBA_TEST_FUZZ_HEADERPATCH_H
