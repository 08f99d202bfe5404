//===- Decoders.cpp - Replace, ByteFallback and Strip ---------------------===//

#include "Pattern.h"
#include "Stages.h"
#include "Unicode.h"
#include "Vocab.h"

#include <algorithm>

namespace marimba::rt::text {

namespace {

/// A decoder that turns each token into another one.
class TokenwiseDecoder : public Decoder {
public:
  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<Stream>(*this);
  }

private:
  class Stream : public DecodeStream {
  public:
    explicit Stream(const Decoder &decoder) : decoder(decoder) {}
    void push(std::string_view token,
              std::vector<std::string> &pieces) override {
      pieces.push_back(decoder.tokenBytes(token));
    }
    void finish(std::vector<std::string> &) override {}
    std::unique_ptr<DecodeStream> clone() const override {
      return std::make_unique<Stream>(*this);
    }

  private:
    const Decoder &decoder;
  };
};

class ReplaceDecoder : public TokenwiseDecoder {
public:
  explicit ReplaceDecoder(const Field &field)
      : pattern(field.at("pattern")), content(field.at("content").getString()) {
  }

  std::string tokenBytes(std::string_view token) const override {
    try {
      return pattern.replaceAll(token, content);
    } catch (const RegexError &) {
      // Not for the sake of one token, which is short in any real file.
      return std::string(token);
    }
  }

private:
  Pattern pattern;
  std::string content;
};

/// Holds tokens of bytes back until another token comes: whether they are
/// characters, or all of them U+FFFD, depends on every one.
class ByteFallbackStream : public DecodeStream {
public:
  void push(std::string_view token, std::vector<std::string> &pieces) override {
    if (std::optional<unsigned char> byte = ByteTokens::parse(token)) {
      bytes += static_cast<char>(*byte);
      return;
    }
    finish(pieces);
    pieces.emplace_back(token);
  }

  void finish(std::vector<std::string> &pieces) override {
    if (isValidUtf8(bytes)) {
      if (!bytes.empty())
        pieces.push_back(std::move(bytes));
    } else {
      pieces.insert(pieces.end(), bytes.size(), std::string(replacementChar));
    }
    bytes.clear();
  }
  std::unique_ptr<DecodeStream> clone() const override {
    return std::make_unique<ByteFallbackStream>(*this);
  }

private:
  std::string bytes;
};

class ByteFallbackDecoder : public Decoder {
public:
  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<ByteFallbackStream>();
  }
  std::string tokenBytes(std::string_view token) const override {
    std::optional<unsigned char> byte = ByteTokens::parse(token);
    return byte ? std::string(1, static_cast<char>(*byte)) : std::string(token);
  }
};

/// How many of which character to strip from both ends.
struct StripOptions {
  std::string content;
  size_t start, stop;

  explicit StripOptions(const Field &field)
      : content(field.at("content").getString()),
        start(readCount(field, "start")), stop(readCount(field, "stop")) {
    if (content.empty())
      field.at("content").fail("is empty, expected one character");
  }

  /// The bytes to strip at the start of `text` where `limit` may go.
  size_t prefixLength(std::string_view text, size_t limit) const {
    size_t length = 0;
    for (; limit > 0 && text.substr(length).starts_with(content); --limit)
      length += content.size();
    return length;
  }

  /// The bytes to strip at the end of `text`.
  size_t suffixLength(std::string_view text) const {
    size_t length = 0;
    for (size_t i = 0;
         i < stop && text.substr(0, text.size() - length).ends_with(content);
         ++i)
      length += content.size();
    return length;
  }

private:
  static size_t readCount(const Field &field, std::string_view key) {
    return static_cast<size_t>(field.at(key).getId());
  }
};

class StripDecoder : public TokenwiseDecoder {
public:
  explicit StripDecoder(const Field &field) : options(field) {}

  std::string tokenBytes(std::string_view token) const override {
    token.remove_prefix(options.prefixLength(token, options.start));
    token.remove_suffix(options.suffixLength(token));
    return std::string(token);
  }

private:
  StripOptions options;
};

class TextStripStream : public DecodeStream {
public:
  explicit TextStripStream(const StripOptions &options)
      : options(options), startLimit(options.start) {}

  void push(std::string_view token, std::vector<std::string> &pieces) override {
    if (token.empty())
      return;
    held += token;
    if (startLimit > 0) {
      // Pieces are whole characters, so the start of one is never all there is.
      size_t length = options.prefixLength(held, startLimit);
      startLimit -= length / options.content.size();
      held.erase(0, length);
      if (!held.empty())
        startLimit = 0;
    }
    size_t certain = held.size() - options.suffixLength(held);
    if (certain == 0)
      return;
    pieces.push_back(held.substr(0, certain));
    held.erase(0, certain);
  }

  void finish(std::vector<std::string> &) override {
    held.clear();
    startLimit = options.start;
  }
  std::unique_ptr<DecodeStream> clone() const override {
    return std::make_unique<TextStripStream>(*this);
  }

private:
  const StripOptions &options;
  /// How many characters may still go at the start.
  size_t startLimit;
  /// What goes, too, if the text ends here.
  std::string held;
};

class TextStripDecoder : public Decoder {
public:
  explicit TextStripDecoder(const Field &field) : options(field) {}

  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<TextStripStream>(options);
  }
  std::string tokenBytes(std::string_view token) const override {
    return std::string(token);
  }

private:
  StripOptions options;
};

} // namespace

std::unique_ptr<Decoder> createReplaceDecoder(const Field &field) {
  return std::make_unique<ReplaceDecoder>(field);
}

std::unique_ptr<Decoder> createByteFallbackDecoder(const Field &) {
  return std::make_unique<ByteFallbackDecoder>();
}

std::unique_ptr<Decoder> createStripDecoder(const Field &field) {
  return std::make_unique<StripDecoder>(field);
}

std::unique_ptr<Decoder> createTextStripDecoder(const Field &field) {
  return std::make_unique<TextStripDecoder>(field);
}

} // namespace marimba::rt::text
