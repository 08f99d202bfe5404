//===- NormalForm.cpp - Unicode's normal forms ----------------------------===//
//
// ICU puts combining marks in order by insertion: a text of nothing but marks
// takes it quadratic time. Long runs of marks are sorted here before, which
// changes nothing in what they normalize to.
//
//===----------------------------------------------------------------------===//

#include "NormalForm.h"

#include "Unicode.h"

#include <algorithm>
#include <stdexcept>
#include <unicode/bytestream.h>
#include <unicode/uchar.h>
#include <vector>

namespace marimba::rt::text {

/// Runs of more marks than this are sorted. Unicode's stream-safe text has 30.
static constexpr size_t maxUnsortedMarks = 64;

NormalForm::NormalForm(std::string_view name) {
  UErrorCode code = U_ZERO_ERROR;
  bool isCompatible = name.starts_with("NFK");
  decomposer = isCompatible ? icu::Normalizer2::getNFKDInstance(code)
                            : icu::Normalizer2::getNFDInstance(code);
  if (name.ends_with('D'))
    normalizer = decomposer;
  else
    normalizer = isCompatible ? icu::Normalizer2::getNFKCInstance(code)
                              : icu::Normalizer2::getNFCInstance(code);
  if (U_FAILURE(code))
    throw std::runtime_error(std::string("ICU has no ") + std::string(name) +
                             ": " + u_errorName(code));
}

void NormalForm::decompose(char32_t character, icu::UnicodeString &out) const {
  if (!decomposer->getDecomposition(static_cast<UChar32>(character), out))
    out.setTo(static_cast<UChar32>(character));
}

/// Whether `character`, decomposed, starts with a mark that others may have to
/// change places with.
bool NormalForm::startsWithMark(char32_t character) const {
  if (character < 0x300)
    return false;
  icu::UnicodeString parts;
  decompose(character, parts);
  return u_getCombiningClass(parts.char32At(0)) != 0;
}

/// Appends `marks`, decomposed and in canonical order.
void NormalForm::appendSorted(std::string_view marks, std::string &out) const {
  struct Mark {
    UChar32 character;
    uint8_t combiningClass;
    size_t position;

    bool operator<(const Mark &other) const {
      return combiningClass != other.combiningClass
                 ? combiningClass < other.combiningClass
                 : position < other.position;
    }
  };
  std::vector<Mark> sorted;
  icu::UnicodeString parts;
  for (size_t i = 0; i < marks.size();) {
    decompose(nextChar(marks, i), parts);
    for (int32_t j = 0; j < parts.length(); j = parts.moveIndex32(j, 1)) {
      UChar32 character = parts.char32At(j);
      sorted.push_back(
          {character, u_getCombiningClass(character), sorted.size()});
    }
  }
  auto isStarter = [](const Mark &mark) { return mark.combiningClass == 0; };
  for (auto start = sorted.begin(); start != sorted.end();) {
    auto end = std::find_if(start, sorted.end(), isStarter);
    std::sort(start, end);
    start = std::find_if_not(end, sorted.end(), isStarter);
  }
  for (const Mark &mark : sorted)
    appendChar(static_cast<char32_t>(mark.character), out);
}

/// `text` with its long runs of marks sorted.
std::string NormalForm::sortMarks(std::string_view text) const {
  std::string result;
  size_t done = 0;
  for (size_t i = 0; i < text.size();) {
    size_t start = i;
    if (!startsWithMark(nextChar(text, i)))
      continue;
    size_t end = i, count = 1;
    while (i < text.size() && startsWithMark(nextChar(text, i))) {
      end = i;
      ++count;
    }
    if (count <= maxUnsortedMarks)
      continue;
    result.append(text.substr(done, start - done));
    appendSorted(text.substr(start, end - start), result);
    done = end;
  }
  return result.append(text.substr(done));
}

std::string NormalForm::normalize(std::string_view text) const {
  std::string sorted = sortMarks(text);
  std::string result;
  result.reserve(sorted.size());
  icu::StringByteSink<std::string> sink(&result);
  UErrorCode code = U_ZERO_ERROR;
  normalizer->normalizeUTF8(0, icu::StringPiece(sorted), sink, nullptr, code);
  if (U_FAILURE(code))
    throw std::bad_alloc(); // What else can fail with valid UTF-8.
  return result;
}

} // namespace marimba::rt::text
