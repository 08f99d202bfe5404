//===- CharsMap.cpp - What SentencePiece writes otherwise -----------------===//

#include "CharsMap.h"

#include "Field.h"
#include "Unicode.h"

#include <algorithm>

namespace marimba::rt::text {

/// No real file has longer ones; a broken one must not take forever.
static constexpr size_t longestKey = 256, longestReplacement = 1024;

static uint32_t readUnit(std::string_view bytes) {
  uint32_t unit = 0;
  for (size_t i = 0; i < 4; ++i)
    unit |= uint32_t(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return unit;
}

CharsMap::CharsMap(std::string_view blob) {
  if (blob.empty())
    return;
  if (blob.size() < 4)
    throw FieldError("has " + std::to_string(blob.size()) +
                     " bytes, expected at least 4");
  size_t bytes = readUnit(blob);
  blob.remove_prefix(4);
  if (bytes % 4 != 0 || bytes >= blob.size())
    throw FieldError("has a trie of " + std::to_string(bytes) +
                     " bytes, expected a multiple of 4 below " +
                     std::to_string(blob.size()) + ", what is left of it");
  units.reserve(bytes / 4);
  for (size_t at = 0; at < bytes; at += 4)
    units.push_back(readUnit(blob.substr(at)));
  replacements = blob.substr(bytes);
  if (replacements.back() != '\0')
    throw FieldError("does not end with a zero byte");
  for (size_t start = 0; start < replacements.size();) {
    size_t end = replacements.find('\0', start);
    if (end - start > longestReplacement)
      throw FieldError("has a text of " + std::to_string(end - start) +
                       " bytes, expected at most " +
                       std::to_string(longestReplacement));
    start = end + 1;
  }
}

/// A unit has, from its lowest bit on: 8 bits of the byte that leads to it, one
/// that says whether a key ends there, one that says whether the offset counts
/// 256 units, and the offset, by which its children are found. The highest bit
/// says that it is no such unit but the value of a key.
std::optional<CharsMap::Match>
CharsMap::longestMatch(std::string_view text) const {
  constexpr uint32_t isValue = uint32_t(1) << 31;
  auto offset = [](uint32_t unit) {
    return (unit >> 10) << ((unit & 0x200) ? 8 : 0);
  };
  std::optional<Match> match;
  if (units.empty())
    return match;
  size_t node = offset(units[0]);
  for (size_t i = 0; i < std::min(text.size(), longestKey); ++i) {
    uint32_t byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units.size() ||
        (units[node] & (isValue | 0xFF)) != byte)
      break;
    bool endsKey = units[node] & 0x100;
    node ^= offset(units[node]);
    if (!endsKey)
      continue;
    size_t start = node < units.size() ? units[node] & ~isValue : SIZE_MAX;
    if (start < replacements.size())
      match = Match{i + 1, std::string_view(replacements.c_str() + start)};
  }
  return match;
}

std::string CharsMap::replace(std::string_view text) const {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    size_t start = i;
    if (std::optional<Match> match = longestMatch(text.substr(i))) {
      result += match->replacement;
      i += match->length;
      continue;
    }
    // Behind a match that is no whole character, there may be none.
    if ((text[i] & 0xC0) == 0x80)
      ++i;
    else
      nextChar(text, i);
    result += text.substr(start, i - start);
  }
  if (isValidUtf8(result))
    return result;
  std::string repaired;
  appendLossyUtf8(result, repaired);
  return repaired;
}

} // namespace marimba::rt::text
