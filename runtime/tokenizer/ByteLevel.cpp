//===- ByteLevel.cpp - The byte-level stages of GPT-2 ---------------------===//
//
// GPT-2 writes each byte as one printable character, so that a vocabulary of
// texts can hold any bytes.
//
//===----------------------------------------------------------------------===//

#include "Stages.h"
#include "TokenBytesStream.h"

#include <array>

namespace marimba::rt::text {

namespace {

/// The characters of the alphabet are below this.
constexpr char32_t alphabetLimit = 0x144;

/// Which byte is written as which character.
struct Alphabet {
  std::array<std::string, 256> charOfByte;
  /// -1 for characters outside the alphabet.
  std::array<int16_t, alphabetLimit> byteOfChar;

  Alphabet() {
    byteOfChar.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      bool isPrintable = (byte >= 0x21 && byte <= 0x7E) ||
                         (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      char32_t character = isPrintable ? static_cast<char32_t>(byte) : next++;
      appendChar(character, charOfByte[byte]);
      byteOfChar[character] = static_cast<int16_t>(byte);
    }
  }
};

} // namespace

static const Alphabet &alphabet() {
  static const Alphabet instance;
  return instance;
}

void appendByteLevel(std::string_view bytes, std::string &out) {
  for (char byte : bytes)
    out += alphabet().charOfByte[static_cast<unsigned char>(byte)];
}

/// The bytes that `token` spells; its own UTF-8 where a character of it is
/// outside the alphabet, as in added tokens.
static std::string spelledBytes(std::string_view token) {
  std::string bytes;
  for (size_t i = 0; i < token.size();) {
    char32_t character = nextChar(token, i);
    if (character >= alphabetLimit || alphabet().byteOfChar[character] < 0)
      return std::string(token);
    bytes += static_cast<char>(alphabet().byteOfChar[character]);
  }
  return bytes;
}

namespace {

enum class CharClass { Space, Letter, Number, Other };

/// A run of characters of one class.
struct Run {
  CharClass charClass;
  /// Where the run ends, and where its last character starts.
  size_t end, last;
};

} // namespace

static CharClass classify(char32_t character) {
  if (isLetter(character))
    return CharClass::Letter;
  if (isNumber(character))
    return CharClass::Number;
  return isSpace(character) ? CharClass::Space : CharClass::Other;
}

/// The longest run that starts at `start` < text.size().
static Run scanRun(std::string_view text, size_t start) {
  Run run{CharClass::Other, start, start};
  run.charClass = classify(nextChar(text, run.end));
  while (run.end < text.size()) {
    size_t next = run.end;
    if (classify(nextChar(text, next)) != run.charClass)
      break;
    run.last = run.end;
    run.end = next;
  }
  return run;
}

/// The bytes that `'s|'t|'re|'ve|'m|'ll|'d` matches at the start of `text`.
static size_t contractionLength(std::string_view text) {
  for (std::string_view suffix : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (text.starts_with(suffix))
      return suffix.size();
  return 0;
}

/// The end of the match at `start` of the expression of GPT-2,
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// which matches at any character.
static size_t matchEnd(std::string_view text, size_t start) {
  if (size_t length = contractionLength(text.substr(start)))
    return start + length;
  if (text[start] == ' ' && start + 1 < text.size()) {
    size_t next = start + 1;
    if (classify(nextChar(text, next)) != CharClass::Space)
      return scanRun(text, start + 1).end;
  }
  Run run = scanRun(text, start);
  // Spaces leave their last to the word that follows, unless it is all.
  bool leavesLast = run.charClass == CharClass::Space &&
                    run.end < text.size() && run.last > start;
  return leavesLast ? run.last : run.end;
}

namespace {

class ByteLevelPreTokenizer : public PreTokenizer {
public:
  explicit ByteLevelPreTokenizer(const Field &field)
      : addPrefixSpace(field.getBool("add_prefix_space", true)),
        useRegex(field.getBool("use_regex", true)) {}

  void split(const Word &whole, const WordSink &sink) const override {
    std::string_view text = whole.text;
    std::string prefixed;
    if (addPrefixSpace && !text.starts_with(' ')) {
      prefixed = ' ' + std::string(text);
      text = prefixed;
    }
    std::string word;
    for (size_t start = 0; start < text.size();) {
      size_t end = useRegex ? matchEnd(text, start) : text.size();
      word.clear();
      appendByteLevel(text.substr(start, end - start), word);
      sink({word, whole.startsText && start == 0});
      start = end;
    }
  }

private:
  bool addPrefixSpace;
  bool useRegex;
};

/// Only moves offsets, which this library does not give.
class ByteLevelPostProcessor : public PostProcessor {
public:
  std::vector<int32_t> process(std::vector<int32_t> ids, bool) const override {
    return ids;
  }
  void appendOwnIds(std::vector<int32_t> &) const override {}
};

class ByteLevelDecoder : public Decoder {
public:
  explicit ByteLevelDecoder(std::set<std::string, std::less<>> plain)
      : plain(std::move(plain)) {}

  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<TokenBytesStream>(*this);
  }
  std::string tokenBytes(std::string_view token) const override {
    return plain.find(token) == plain.end() ? spelledBytes(token)
                                            : std::string(token);
  }

private:
  std::set<std::string, std::less<>> plain;
};

} // namespace

std::unique_ptr<PreTokenizer> createByteLevelPreTokenizer(const Field &field) {
  return std::make_unique<ByteLevelPreTokenizer>(field);
}

std::unique_ptr<PostProcessor> createByteLevelPostProcessor(const Field &) {
  return std::make_unique<ByteLevelPostProcessor>();
}

std::unique_ptr<Decoder> createByteLevelDecoder(const Field &) {
  return createByteLevelDecoder(std::set<std::string, std::less<>>());
}

std::unique_ptr<Decoder>
createByteLevelDecoder(std::set<std::string, std::less<>> plain) {
  return std::make_unique<ByteLevelDecoder>(std::move(plain));
}

} // namespace marimba::rt::text
