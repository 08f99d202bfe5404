//===- FileHeader.cpp - What stands in front of numbers -------------------===//

#include "FileHeader.h"

#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/JsonText.h"

#include <bit>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace marimba::rt {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "files are written as memory has them");

static constexpr size_t kJsonSizeAt = 8, kOffsetAt = 16, kPayloadAt = 24,
                        kHashAt = 32, kJsonAt = header::kFront;
/// Payloads begin at a page, so that they can be mapped.
static constexpr uint64_t kPage = 4096;
static constexpr size_t kHexDigits = 16;

std::string header::hex(uint64_t value) {
  char text[kHexDigits + 1];
  std::snprintf(text, sizeof(text), "%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

std::string header::hex(const XXH128_hash_t &value) {
  return hex(value.high64) + hex(value.low64);
}

std::optional<uint64_t> header::parseHex(const Json &value) {
  const auto *text = value.get_ptr<const std::string *>();
  uint64_t number = 0;
  if (!text || text->size() != kHexDigits)
    return std::nullopt;
  auto [end, code] = std::from_chars(text->data(), text->data() + kHexDigits,
                                     number, kHexDigits);
  if (code != std::errc() || end != text->data() + kHexDigits)
    return std::nullopt;
  return number;
}

std::string header::toText(const Json &json) {
  // Names of files need not be UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool header::roundUp(uint64_t &value, uint64_t multiple) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(value, multiple - 1, &sum))
    return false;
  value = sum / multiple * multiple;
  return true;
}

std::string header::make(std::string_view magic, const Json &json,
                         uint64_t payloadBytes) {
  std::string text = toText(json);
  uint64_t payloadOffset = kJsonAt + text.size();
  roundUp(payloadOffset, kPage);
  std::string result(payloadOffset, '\0');
  auto put = [&](size_t at, const void *data, size_t size) {
    std::memcpy(result.data() + at, data, size);
  };
  uint64_t textSize = text.size();
  put(0, magic.data(), kMagicBytes);
  put(kJsonSizeAt, &textSize, sizeof(textSize));
  put(kOffsetAt, &payloadOffset, sizeof(payloadOffset));
  put(kPayloadAt, &payloadBytes, sizeof(payloadBytes));
  put(kJsonAt, text.data(), text.size());
  XXH128_hash_t hash = XXH3_128bits(result.data(), result.size());
  put(kHashAt, &hash, sizeof(hash));
  return result;
}

static uint64_t numberAt(std::span<const char> file, size_t at) {
  uint64_t value = 0;
  std::memcpy(&value, file.data() + at, sizeof(value));
  return value;
}

uint64_t header::payloadOffset(std::span<const char> front) {
  return front.size() < kFront ? 0 : numberAt(front, kOffsetAt);
}

std::optional<Json> header::read(std::string_view magic,
                                 std::span<const char> file,
                                 uint64_t &payloadOffset,
                                 std::string &problem) {
  return readFront(magic, file, file.size(), payloadOffset, problem);
}

std::optional<Json> header::readFront(std::string_view magic,
                                      std::span<const char> file, uint64_t end,
                                      uint64_t &payloadOffset,
                                      std::string &problem) {
  auto fail = [&](const char *what) {
    problem = what;
    return std::nullopt;
  };
  if (file.size() < kJsonAt)
    return fail("is incomplete");
  if (std::memcmp(file.data(), magic.data(), kMagicBytes) != 0)
    return fail("has another format or is damaged");
  uint64_t jsonBytes = numberAt(file, kJsonSizeAt);
  uint64_t payloadBytes = numberAt(file, kPayloadAt);
  payloadOffset = numberAt(file, kOffsetAt);
  if (payloadOffset > file.size() || payloadOffset > end ||
      payloadBytes != end - payloadOffset)
    return fail("is incomplete or damaged");
  if (payloadOffset < kJsonAt || jsonBytes > payloadOffset - kJsonAt)
    return fail("is damaged: its header has impossible sizes");
  std::string header(file.data(), payloadOffset);
  XXH128_hash_t hash = {};
  std::memcpy(&hash, header.data() + kHashAt, sizeof(hash));
  std::memset(header.data() + kHashAt, 0, sizeof(hash));
  if (!XXH128_isEqual(hash, XXH3_128bits(header.data(), header.size())))
    return fail("is damaged: its header does not match its checksum");
  if (nestsTooDeep(std::string_view(header).substr(kJsonAt, jsonBytes)))
    return fail("is damaged: its header nests too deep");
  Json json =
      tryParseJsonText(std::string_view(header).substr(kJsonAt, jsonBytes));
  if (!json.is_object())
    return fail("is damaged: its header is not JSON");
  return json;
}

} // namespace marimba::rt
