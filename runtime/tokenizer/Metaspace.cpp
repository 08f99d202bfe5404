//===- Metaspace.cpp - Spaces as visible characters -----------------------===//

#include "Pattern.h"
#include "Split.h"
#include "Stages.h"
#include "Unicode.h"

namespace marimba::rt::text {

namespace {

/// Which words get a replacement character in front.
enum class PrependScheme { Always, First, Never };

/// The fields that the pre-tokenizer and the decoder share.
struct MetaspaceOptions {
  std::string replacement;
  PrependScheme prependScheme;

  explicit MetaspaceOptions(const Field &field);
};

} // namespace

static PrependScheme readPrependScheme(const Field &field) {
  std::optional<Field> scheme = field.find("prepend_scheme");
  if (!scheme) // As files of old versions say it.
    return field.getBool("add_prefix_space", true) ? PrependScheme::Always
                                                   : PrependScheme::Never;
  if (scheme->getString() == "always")
    return PrependScheme::Always;
  if (scheme->getString() == "first")
    return PrependScheme::First;
  if (scheme->getString() == "never")
    return PrependScheme::Never;
  scheme->fail("is " + quote(scheme->getString()) +
               ", supported: \"always\", \"first\", \"never\"");
}

MetaspaceOptions::MetaspaceOptions(const Field &field)
    : replacement("\u2581"), prependScheme(readPrependScheme(field)) {
  std::optional<Field> character = field.find("replacement");
  if (!character)
    return;
  replacement = character->getString();
  size_t length = 0;
  if (!replacement.empty())
    nextChar(replacement, length);
  if (replacement.empty() || length != replacement.size())
    character->fail("is " + quote(replacement) + ", expected one character");
}

namespace {

class MetaspacePreTokenizer : public PreTokenizer {
public:
  explicit MetaspacePreTokenizer(const Field &field)
      : options(field), splits(field.getBool("split", true)) {}

  void split(const Word &word, const WordSink &sink) const override {
    const std::string &mark = options.replacement;
    std::string text;
    bool isPrefixed =
        options.prependScheme == PrependScheme::Always ||
        (options.prependScheme == PrependScheme::First && word.startsText);
    if (isPrefixed && !word.text.starts_with(' ') &&
        !word.text.starts_with(mark))
      text += mark;
    text += replaceAll(word.text, " ", mark);
    Word whole{text, word.startsText};
    if (!splits)
      return sink(whole);
    Splitter splitter(whole, SplitBehavior::MergedWithNext,
                      /*inverted=*/false, sink);
    for (size_t start = text.find(mark); start != text.npos;
         start = text.find(mark, start + mark.size()))
      splitter.addMatch(start, start + mark.size());
    splitter.finish();
  }

private:
  MetaspaceOptions options;
  bool splits;
};

class MetaspaceStream : public DecodeStream {
public:
  explicit MetaspaceStream(const MetaspaceOptions &options)
      : options(options) {}

  void push(std::string_view token, std::vector<std::string> &pieces) override {
    bool drops = isFirst && options.prependScheme != PrependScheme::Never;
    isFirst = false;
    pieces.push_back(replaceAll(token, options.replacement, drops ? "" : " "));
  }
  void finish(std::vector<std::string> &) override { isFirst = true; }
  std::unique_ptr<DecodeStream> clone() const override {
    return std::make_unique<MetaspaceStream>(*this);
  }

private:
  const MetaspaceOptions &options;
  bool isFirst = true;
};

class MetaspaceDecoder : public Decoder {
public:
  explicit MetaspaceDecoder(const Field &field) : options(field) {}

  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<MetaspaceStream>(options);
  }
  std::string tokenBytes(std::string_view token) const override {
    return replaceAll(token, options.replacement, " ");
  }

private:
  MetaspaceOptions options;
};

} // namespace

std::unique_ptr<PreTokenizer> createMetaspacePreTokenizer(const Field &field) {
  return std::make_unique<MetaspacePreTokenizer>(field);
}

std::unique_ptr<Decoder> createMetaspaceDecoder(const Field &field) {
  return std::make_unique<MetaspaceDecoder>(field);
}

} // namespace marimba::rt::text
