//===- WordDecoders.cpp - Decoders of words and their pieces --------------===//

#include "Pattern.h"
#include "Stages.h"

namespace marimba::rt::text {

namespace {

/// Tokens that end a word have a suffix, which is a space unless it is the last
/// of all.
class BpeDecoder : public Decoder {
public:
  explicit BpeDecoder(const Field &field)
      : suffix(field.at("suffix").getString()) {
    if (suffix.empty())
      field.at("suffix").fail("is empty, expected at least one character");
  }

  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<Stream>(suffix);
  }
  std::string tokenBytes(std::string_view token) const override {
    return replaceAll(token, suffix, " ");
  }

private:
  /// Holds a token with a suffix back until there is another.
  class Stream : public DecodeStream {
  public:
    explicit Stream(const std::string &suffix) : suffix(suffix) {}

    void push(std::string_view token,
              std::vector<std::string> &pieces) override {
      release(" ", pieces);
      held = token;
      if (token.find(suffix) == token.npos)
        release("", pieces);
    }
    void finish(std::vector<std::string> &pieces) override {
      release("", pieces);
    }
    std::unique_ptr<DecodeStream> clone() const override {
      return std::make_unique<Stream>(*this);
    }

  private:
    void release(std::string_view replacement,
                 std::vector<std::string> &pieces) {
      if (!held.empty())
        pieces.push_back(replaceAll(held, suffix, replacement));
      held.clear();
    }

    const std::string &suffix;
    std::string held;
  };

  std::string suffix;
};

class WordPieceDecoder : public Decoder {
public:
  explicit WordPieceDecoder(const Field &field)
      : prefix(field.at("prefix").getString()),
        cleans(field.at("cleanup").getBool()) {}

  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<Stream>(*this);
  }
  std::string tokenBytes(std::string_view token) const override {
    return decode(token, /*isFirst=*/false);
  }

private:
  class Stream : public DecodeStream {
  public:
    explicit Stream(const WordPieceDecoder &decoder) : decoder(decoder) {}

    void push(std::string_view token,
              std::vector<std::string> &pieces) override {
      pieces.push_back(decoder.decode(token, isFirst));
      isFirst = false;
    }
    void finish(std::vector<std::string> &) override { isFirst = true; }
    std::unique_ptr<DecodeStream> clone() const override {
      return std::make_unique<Stream>(*this);
    }

  private:
    const WordPieceDecoder &decoder;
    bool isFirst = true;
  };

  std::string decode(std::string_view token, bool isFirst) const {
    std::string text(token);
    if (!isFirst) {
      if (token.starts_with(prefix))
        text.erase(0, prefix.size());
      else
        text.insert(0, " ");
    }
    if (!cleans)
      return text;
    constexpr std::pair<std::string_view, std::string_view> changes[] = {
        {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
        {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
        {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (auto [from, to] : changes)
      text = replaceAll(text, from, to);
    return text;
  }

  std::string prefix;
  bool cleans;
};

} // namespace

std::unique_ptr<Decoder> createBpeDecoder(const Field &field) {
  return std::make_unique<BpeDecoder>(field);
}

std::unique_ptr<Decoder> createWordPieceDecoder(const Field &field) {
  return std::make_unique<WordPieceDecoder>(field);
}

} // namespace marimba::rt::text
