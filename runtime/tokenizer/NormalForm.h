//===- NormalForm.h - Unicode's normal forms --------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_NORMALFORM_H
#define MARIMBA_RUNTIME_TOKENIZER_NORMALFORM_H

#include <string>
#include <string_view>
#include <unicode/normalizer2.h>

namespace marimba::rt::text {

/// One of NFC, NFD, NFKC and NFKD, by ICU.
class NormalForm {
public:
  /// `name` is one of the four; throws std::runtime_error where ICU lacks its
  /// data.
  explicit NormalForm(std::string_view name);

  /// `text`, valid UTF-8 of less than 2 GiB, in this form. Takes O(n log n)
  /// time at worst.
  std::string normalize(std::string_view text) const;

private:
  void decompose(char32_t character, icu::UnicodeString &out) const;
  bool startsWithMark(char32_t character) const;
  std::string sortMarks(std::string_view text) const;
  void appendSorted(std::string_view marks, std::string &out) const;

  /// Owned by ICU.
  const icu::Normalizer2 *normalizer;
  /// To the decomposed form of the same kind.
  const icu::Normalizer2 *decomposer;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_NORMALFORM_H
