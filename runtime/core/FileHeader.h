//===- FileHeader.h - What stands in front of numbers -----------*- C++ -*-===//
//
// Files of numbers (packed weights, saved sessions) begin alike:
//
//   0 to 7      magic
//   8 to 15     bytes of the JSON text
//   16 to 23    offset of the payload, a multiple of 4096
//   24 to 31    bytes of the payload, which ends the file
//   32 to 47    XXH3-128 of everything in front of the payload, these 16 bytes
//               taken as zeros
//   from 48 on  JSON text, zeros up to the payload
//
// All numbers are little-endian.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CORE_FILEHEADER_H
#define MARIMBA_RUNTIME_CORE_FILEHEADER_H

#include <nlohmann/json.hpp>
#include <xxhash.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace marimba::rt::header {

/// Bytes of a magic.
constexpr size_t kMagicBytes = 8;

/// Digits of a checksum, always as many.
std::string hex(uint64_t value);
std::string hex(const XXH128_hash_t &value);
/// The inverse of hex(uint64_t).
std::optional<uint64_t> parseHex(const nlohmann::json &value);

/// `json` as it stands in a file.
std::string toText(const nlohmann::json &json);

/// The bytes in front of a payload of `payloadBytes`. How many they are follows
/// from the sizes of the texts alone.
std::string make(std::string_view magic, const nlohmann::json &json,
                 uint64_t payloadBytes);

/// The JSON of a whole file, where the header is as make() writes it and the
/// payload has its size; `payloadOffset` is where that begins. Nothing
/// otherwise; `problem` then goes on behind the name of the file.
std::optional<nlohmann::json> read(std::string_view magic,
                                   std::span<const char> file,
                                   uint64_t &payloadOffset,
                                   std::string &problem);

/// As read(), of the first bytes of a file of `fileBytes`: as many as stand in
/// front of the payload at least.
std::optional<nlohmann::json>
readFront(std::string_view magic, std::span<const char> front,
          uint64_t fileBytes, uint64_t &payloadOffset, std::string &problem);

/// Where the payload begins, of the first kFront bytes of a file; not checked.
constexpr size_t kFront = 48;
uint64_t payloadOffset(std::span<const char> front);

/// Makes `value` a multiple; false where it overflows.
bool roundUp(uint64_t &value, uint64_t multiple);

} // namespace marimba::rt::header

#endif // MARIMBA_RUNTIME_CORE_FILEHEADER_H
