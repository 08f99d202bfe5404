//===- Split.cpp - Pre-tokenizers that split at matches -------------------===//

#include "Split.h"

#include "Pattern.h"
#include "Stages.h"
#include "Unicode.h"

namespace marimba::rt::text {

SplitBehavior readSplitBehavior(const Field &field) {
  constexpr std::pair<std::string_view, SplitBehavior> names[] = {
      {"Removed", SplitBehavior::Removed},
      {"Isolated", SplitBehavior::Isolated},
      {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
      {"MergedWithNext", SplitBehavior::MergedWithNext},
      {"Contiguous", SplitBehavior::Contiguous}};
  std::string supported;
  for (auto [name, behavior] : names) {
    if (field.getString() == name)
      return behavior;
    supported += (supported.empty() ? "" : ", ") + quote(name);
  }
  field.fail("is " + quote(field.getString()) + ", supported: " + supported);
}

void Splitter::addMatch(size_t start, size_t end) {
  if (done < start)
    addPart(start, inverted);
  addPart(end, !inverted);
}

void Splitter::finish() {
  if (done < word.text.size())
    addPart(word.text.size(), inverted);
  emit(done);
}

/// A part of the word, from `done` on; `emitted` up to `done` is what waits for
/// it, if anything does.
void Splitter::addPart(size_t end, bool isMatch) {
  bool isJoined = false;
  bool afterPart = done > emitted;
  switch (behavior) {
  case SplitBehavior::Removed:
  case SplitBehavior::Isolated:
    break;
  case SplitBehavior::MergedWithPrevious:
    isJoined = afterPart && isMatch && !lastIsMatch;
    break;
  case SplitBehavior::MergedWithNext:
    isJoined = afterPart && !isMatch && lastIsMatch;
    break;
  case SplitBehavior::Contiguous:
    isJoined = afterPart && isMatch == lastIsMatch;
    break;
  }
  if (!isJoined)
    emit(done);
  lastIsMatch = isMatch;
  done = end;
  if (behavior == SplitBehavior::Removed && isMatch)
    emitted = done;
}

void Splitter::emit(size_t end) {
  if (emitted < end)
    sink({word.text.substr(emitted, end - emitted),
          word.startsText && emitted == 0});
  emitted = end;
}

namespace {

class SplitPreTokenizer : public PreTokenizer {
public:
  explicit SplitPreTokenizer(const Field &field)
      : pattern(field.at("pattern")),
        behavior(readSplitBehavior(field.at("behavior"))),
        inverted(field.getBool("invert", false)) {}

  void split(const Word &word, const WordSink &sink) const override {
    Splitter splitter(word, behavior, inverted, sink);
    pattern.forEachMatch(word.text, [&](size_t start, size_t end) {
      splitter.addMatch(start, end);
    });
    splitter.finish();
  }

private:
  Pattern pattern;
  SplitBehavior behavior;
  bool inverted;
};

/// Each character of a class is a match.
class CharPreTokenizer : public PreTokenizer {
public:
  CharPreTokenizer(bool (*isMatch)(char32_t), SplitBehavior behavior)
      : isMatch(isMatch), behavior(behavior) {}

  void split(const Word &word, const WordSink &sink) const override {
    Splitter splitter(word, behavior, /*inverted=*/false, sink);
    for (size_t i = 0; i < word.text.size();) {
      size_t start = i;
      if (isMatch(nextChar(word.text, i)))
        splitter.addMatch(start, i);
    }
    splitter.finish();
  }

private:
  bool (*isMatch)(char32_t);
  SplitBehavior behavior;
};

/// The words and the runs of other characters between spaces.
class WordsPreTokenizer : public PreTokenizer {
public:
  void split(const Word &word, const WordSink &sink) const override {
    auto classify = [](char32_t character) {
      return isWordChar(character) ? 0 : isSpace(character) ? 1 : 2;
    };
    for (size_t start = 0; start < word.text.size();) {
      size_t end = start;
      int kind = classify(nextChar(word.text, end));
      for (size_t next = end; next < word.text.size(); end = next)
        if (classify(nextChar(word.text, next)) != kind)
          break;
      if (kind != 1)
        sink({word.text.substr(start, end - start),
              word.startsText && start == 0});
      start = end;
    }
  }
};

/// Of BERT: at spaces, which go, and at punctuation.
class BertPreTokenizer : public PreTokenizer {
public:
  void split(const Word &word, const WordSink &sink) const override {
    spaces.split(word,
                 [&](const Word &part) { punctuation.split(part, sink); });
  }

private:
  CharPreTokenizer spaces{isSpace, SplitBehavior::Removed};
  CharPreTokenizer punctuation{isPunctuation, SplitBehavior::Isolated};
};

class DelimiterPreTokenizer : public PreTokenizer {
public:
  explicit DelimiterPreTokenizer(const Field &field)
      : delimiter(field.at("delimiter").getString()) {
    size_t length = 0;
    if (!delimiter.empty())
      nextChar(delimiter, length);
    if (delimiter.empty() || length != delimiter.size())
      field.at("delimiter")
          .fail("is " + quote(delimiter) + ", expected one character");
  }

  void split(const Word &word, const WordSink &sink) const override {
    Splitter splitter(word, SplitBehavior::Removed, /*inverted=*/false, sink);
    for (size_t start = word.text.find(delimiter); start != word.text.npos;
         start = word.text.find(delimiter, start + delimiter.size()))
      splitter.addMatch(start, start + delimiter.size());
    splitter.finish();
  }

private:
  std::string delimiter;
};

class LengthPreTokenizer : public PreTokenizer {
public:
  explicit LengthPreTokenizer(const Field &field) {
    if (std::optional<Field> given = field.find("length"))
      length = given->getId();
    if (length == 0)
      field.at("length").fail("is 0, expected at least 1");
  }

  void split(const Word &word, const WordSink &sink) const override {
    for (size_t start = 0; start < word.text.size();) {
      size_t end = start;
      for (int32_t i = 0; i < length && end < word.text.size(); ++i)
        nextChar(word.text, end);
      sink({word.text.substr(start, end - start),
            word.startsText && start == 0});
      start = end;
    }
  }

private:
  int32_t length = 5;
};

} // namespace

std::unique_ptr<PreTokenizer> createSplitPreTokenizer(const Field &field) {
  return std::make_unique<SplitPreTokenizer>(field);
}

std::unique_ptr<PreTokenizer> createDigitsPreTokenizer(const Field &field) {
  return std::make_unique<CharPreTokenizer>(
      isNumber, field.getBool("individual_digits", false)
                    ? SplitBehavior::Isolated
                    : SplitBehavior::Contiguous);
}

std::unique_ptr<PreTokenizer>
createPunctuationPreTokenizer(const Field &field) {
  std::optional<Field> behavior = field.find("behavior");
  return std::make_unique<CharPreTokenizer>(
      isPunctuation,
      behavior ? readSplitBehavior(*behavior) : SplitBehavior::Isolated);
}

std::unique_ptr<PreTokenizer> createWordsPreTokenizer(const Field &) {
  return std::make_unique<WordsPreTokenizer>();
}

std::unique_ptr<PreTokenizer> createBertPreTokenizer(const Field &) {
  return std::make_unique<BertPreTokenizer>();
}

std::unique_ptr<PreTokenizer> createDelimiterPreTokenizer(const Field &field) {
  return std::make_unique<DelimiterPreTokenizer>(field);
}

std::unique_ptr<PreTokenizer> createLengthPreTokenizer(const Field &field) {
  return std::make_unique<LengthPreTokenizer>(field);
}

std::unique_ptr<PreTokenizer> createWhitespacePreTokenizer(const Field &) {
  return std::make_unique<CharPreTokenizer>(isSpace, SplitBehavior::Removed);
}

} // namespace marimba::rt::text
