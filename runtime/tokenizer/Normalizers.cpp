//===- Normalizers.cpp - Unicode forms, Prepend and Replace ---------------===//

#include "NormalForm.h"
#include "Pattern.h"
#include "Stages.h"

namespace marimba::rt::text {

namespace {

class UnicodeNormalizer : public Normalizer {
public:
  explicit UnicodeNormalizer(const Field &field)
      : form(field.at("type").getString()) {}

  std::string normalize(std::string_view text) const override {
    return form.normalize(text);
  }

private:
  NormalForm form;
};

class PrependNormalizer : public Normalizer {
public:
  explicit PrependNormalizer(const Field &field)
      : prefix(field.at("prepend").getString()) {}

  std::string normalize(std::string_view text) const override {
    return text.empty() ? std::string() : prefix + std::string(text);
  }

private:
  std::string prefix;
};

class ReplaceNormalizer : public Normalizer {
public:
  explicit ReplaceNormalizer(const Field &field)
      : pattern(field.at("pattern")), content(field.at("content").getString()) {
  }

  std::string normalize(std::string_view text) const override {
    return pattern.replaceAll(text, content);
  }

private:
  Pattern pattern;
  std::string content;
};

} // namespace

std::unique_ptr<Normalizer> createUnicodeNormalizer(const Field &field) {
  return std::make_unique<UnicodeNormalizer>(field);
}

std::unique_ptr<Normalizer> createPrependNormalizer(const Field &field) {
  return std::make_unique<PrependNormalizer>(field);
}

std::unique_ptr<Normalizer> createReplaceNormalizer(const Field &field) {
  return std::make_unique<ReplaceNormalizer>(field);
}

} // namespace marimba::rt::text
