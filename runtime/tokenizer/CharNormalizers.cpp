//===- CharNormalizers.cpp - Normalizers of single characters -------------===//

#include "NormalForm.h"
#include "Stages.h"
#include "Unicode.h"

#include <unicode/uchar.h>

namespace marimba::rt::text {

/// `text` with what `change` appends in place of each character.
template <typename ChangeT>
static std::string changeChars(std::string_view text, const ChangeT &change) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();)
    change(nextChar(text, i), result);
  return result;
}

/// Each character by itself, so that the place of a sigma does not matter.
static std::string lowercase(std::string_view text) {
  return changeChars(text, [](char32_t character, std::string &out) {
    // The one character whose small form is two.
    if (character == 0x130)
      out += "i\u0307";
    else
      appendChar(static_cast<char32_t>(u_tolower(UChar32(character))), out);
  });
}

static uint32_t categoryOf(char32_t character) {
  return U_GET_GC_MASK(static_cast<UChar32>(character));
}

static std::string withoutCategories(std::string_view text, uint32_t mask) {
  return changeChars(text, [&](char32_t character, std::string &out) {
    if (!(categoryOf(character) & mask))
      appendChar(character, out);
  });
}

/// What machine translation of Google took for spaces, and what for nothing.
static std::string normalizeNmt(std::string_view text) {
  return changeChars(text, [](char32_t c, std::string &out) {
    bool isNothing = (c >= 0x1 && c <= 0x8) || c == 0xB ||
                     (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
                     c == 0x9F;
    bool isBlank = c == 0x9 || c == 0xA || c == 0xC || c == 0xD ||
                   c == 0x1680 || (c >= 0x200B && c <= 0x200F) || c == 0x2028 ||
                   c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
    if (!isNothing)
      appendChar(isBlank ? U' ' : c, out);
  });
}

static std::string toByteLevel(std::string_view text) {
  std::string result;
  appendByteLevel(text, result);
  return result;
}

static std::string withoutMarks(std::string_view text) {
  return withoutCategories(text, U_GC_M_MASK);
}

namespace {

/// One without options.
class FunctionNormalizer : public Normalizer {
public:
  explicit FunctionNormalizer(std::string (*change)(std::string_view))
      : change(change) {}
  std::string normalize(std::string_view text) const override {
    return change(text);
  }

private:
  std::string (*change)(std::string_view);
};

class StripNormalizer : public Normalizer {
public:
  explicit StripNormalizer(const Field &field)
      : left(field.at("strip_left").getBool()),
        right(field.at("strip_right").getBool()) {}

  std::string normalize(std::string_view text) const override {
    while (left && !text.empty()) {
      size_t end = 0;
      if (!isSpace(nextChar(text, end)))
        break;
      text.remove_prefix(end);
    }
    while (right && !text.empty()) {
      size_t start = text.size();
      if (!isSpace(previousChar(text, start)))
        break;
      text = text.substr(0, start);
    }
    return std::string(text);
  }

private:
  bool left, right;
};

/// Of BERT.
class BertNormalizer : public Normalizer {
public:
  explicit BertNormalizer(const Field &field)
      : cleans(field.at("clean_text").getBool()),
        spacesChinese(field.at("handle_chinese_chars").getBool()),
        lowers(field.at("lowercase").getBool()),
        stripsAccents(field.getBool("strip_accents", lowers)),
        decomposed("NFD") {}

  std::string normalize(std::string_view given) const override {
    std::string text(given);
    if (cleans)
      text = clean(text);
    if (spacesChinese)
      text = changeChars(text, [](char32_t character, std::string &out) {
        bool isChinese = isChineseChar(character);
        out += isChinese ? " " : "";
        appendChar(character, out);
        out += isChinese ? " " : "";
      });
    if (stripsAccents)
      text = withoutCategories(decomposed.normalize(text), U_GC_MN_MASK);
    return lowers ? lowercase(text) : text;
  }

private:
  static std::string clean(std::string_view text) {
    return changeChars(text, [](char32_t c, std::string &out) {
      bool isBlank = c == '\t' || c == '\n' || c == '\r' || isSpace(c);
      bool isControl = !(c == '\t' || c == '\n' || c == '\r') &&
                       (categoryOf(c) & (U_GC_CC_MASK | U_GC_CF_MASK |
                                         U_GC_CN_MASK | U_GC_CO_MASK));
      if (c != 0 && c != 0xFFFD && !isControl)
        appendChar(isBlank ? U' ' : c, out);
    });
  }

  static bool isChineseChar(char32_t c) {
    constexpr std::pair<char32_t, char32_t> ranges[] = {
        {0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF},
        {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF},
        {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
    for (auto [first, last] : ranges)
      if (c >= first && c <= last)
        return true;
    return false;
  }

  bool cleans, spacesChinese, lowers, stripsAccents;
  NormalForm decomposed;
};

} // namespace

std::unique_ptr<Normalizer> createFunctionNormalizer(const Field &field) {
  constexpr std::pair<std::string_view, std::string (*)(std::string_view)>
      functions[] = {{"ByteLevel", toByteLevel},
                     {"Lowercase", lowercase},
                     {"Nmt", normalizeNmt},
                     {"StripAccents", withoutMarks}};
  for (auto [name, function] : functions)
    if (field.at("type").getString() == name)
      return std::make_unique<FunctionNormalizer>(function);
  field.at("type").fail("is not a normalizer without options");
}

std::unique_ptr<Normalizer> createStripNormalizer(const Field &field) {
  return std::make_unique<StripNormalizer>(field);
}

std::unique_ptr<Normalizer> createBertNormalizer(const Field &field) {
  return std::make_unique<BertNormalizer>(field);
}

} // namespace marimba::rt::text
