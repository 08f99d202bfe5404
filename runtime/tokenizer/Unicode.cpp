//===- Unicode.cpp - UTF-8 and character classes --------------------------===//

#include "Unicode.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>

namespace marimba::rt::text {

static const uint8_t *asBytes(std::string_view text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

bool isValidUtf8(std::string_view bytes) {
  const uint8_t *data = asBytes(bytes);
  int64_t length = static_cast<int64_t>(bytes.size());
  for (int64_t i = 0; i < length;) {
    UChar32 character;
    U8_NEXT(data, i, length, character);
    if (character < 0)
      return false;
  }
  return true;
}

void appendLossyUtf8(std::string_view bytes, std::string &out) {
  const uint8_t *data = asBytes(bytes);
  int64_t length = static_cast<int64_t>(bytes.size());
  int64_t validStart = 0;
  for (int64_t i = 0; i < length;) {
    int64_t start = i;
    UChar32 character;
    U8_NEXT(data, i, length, character);
    if (character >= 0)
      continue;
    out.append(bytes.substr(validStart, start - validStart));
    out.append(replacementChar);
    validStart = i;
  }
  out.append(bytes.substr(validStart));
}

char32_t nextChar(std::string_view text, size_t &position) {
  UChar32 character;
  U8_NEXT_UNSAFE(asBytes(text), position, character);
  return static_cast<char32_t>(character);
}

char32_t previousChar(std::string_view text, size_t &position) {
  UChar32 character;
  U8_PREV_UNSAFE(asBytes(text), position, character);
  return static_cast<char32_t>(character);
}

void appendChar(char32_t character, std::string &out) {
  uint8_t bytes[U8_MAX_LENGTH];
  size_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, character);
  out.append(reinterpret_cast<const char *>(bytes), length);
}

bool isSpace(char32_t character) {
  return u_isUWhiteSpace(static_cast<UChar32>(character));
}

bool isLetter(char32_t character) {
  return U_GET_GC_MASK(static_cast<UChar32>(character)) & U_GC_L_MASK;
}

bool isNumber(char32_t character) {
  return U_GET_GC_MASK(static_cast<UChar32>(character)) & U_GC_N_MASK;
}

bool isDecimalDigit(char32_t character) {
  return U_GET_GC_MASK(static_cast<UChar32>(character)) & U_GC_ND_MASK;
}

bool isPunctuation(char32_t character) {
  auto c = static_cast<UChar32>(character);
  return u_ispunct(c) || (c < 0x80 && u_isgraph(c) && !u_isalnum(c));
}

bool isWordChar(char32_t character) {
  auto c = static_cast<UChar32>(character);
  return u_isUAlphabetic(c) || u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) ||
         (U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK));
}

void LossyUtf8Stream::push(std::string_view bytes, std::string &out) {
  pending.append(bytes);
  auto length = static_cast<int64_t>(pending.size());
  [[maybe_unused]] const uint8_t *data = asBytes(pending);
  U8_TRUNCATE_IF_INCOMPLETE(data, 0, length);
  appendLossyUtf8(std::string_view(pending).substr(0, length), out);
  pending.erase(0, length);
}

void LossyUtf8Stream::finish(std::string &out) {
  appendLossyUtf8(pending, out);
  pending.clear();
}

void ByteLossyUtf8Stream::push(std::string_view bytes, std::string &out) {
  pending.append(bytes);
  const uint8_t *data = asBytes(pending);
  auto length = static_cast<int64_t>(pending.size());
  int64_t done = 0;
  while (done < length) {
    int64_t end = done;
    UChar32 character;
    U8_NEXT(data, end, length, character);
    if (character >= 0) {
      out.append(pending, done, end - done);
      done = end;
      continue;
    }
    int64_t complete = length;
    U8_TRUNCATE_IF_INCOMPLETE(data, 0, complete);
    if (end == length && complete == done)
      break; // The start of a character.
    out.append(replacementChar);
    ++done;
  }
  pending.erase(0, done);
}

void ByteLossyUtf8Stream::finish(std::string &out) {
  for (size_t i = 0; i < pending.size(); ++i)
    out.append(replacementChar);
  pending.clear();
}

} // namespace marimba::rt::text
