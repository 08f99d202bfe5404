//===- SentencePiece.cpp - Tokenizers by libsentencepiece -----------------===//

#include "SentencePiece.h"

#include "Pattern.h"
#include "Unicode.h"
#include "Vocab.h"

#include <algorithm>
#include <cctype>
#include <sentencepiece_processor.h>

namespace marimba::rt::text {

namespace {

using Processor = sentencepiece::SentencePieceProcessor;
using SharedProcessor = std::shared_ptr<const Processor>;

constexpr std::string_view spaceMark = "\u2581";

/// The library cuts the text into words and normalizes it itself.
class SentencePieceModel : public Model {
public:
  explicit SentencePieceModel(SharedProcessor shared)
      : processor(std::move(shared)) {
    pieces.reserve(processor->GetPieceSize());
    for (int id = 0; id < processor->GetPieceSize(); ++id)
      pieces.push_back(processor->IdToPiece(id));
    std::vector<std::string> start = processor->EncodeAsPieces("a");
    cutsAtSpaces = !start.empty() && start[0].starts_with(spaceMark) &&
                   std::none_of(pieces.begin(), pieces.end(), hasInnerSpace);
  }

  void tokenize(std::string_view word,
                std::vector<int32_t> &ids) const override {
    for (size_t start = 0; start < word.size();) {
      size_t end = findCut(word, start);
      std::vector<int> partIds;
      // Fails for broken models only, and those do not load.
      processor->Encode(word.substr(start, end - start), &partIds)
          .IgnoreError();
      ids.insert(ids.end(), partIds.begin(), partIds.end());
      // The library puts the space in front again.
      start = end + 1;
    }
  }

  std::optional<int32_t> tokenToId(std::string_view token) const override {
    int id = processor->PieceToId(token);
    // An unknown piece has the id of the unknown token.
    const std::string *piece = idToToken(id);
    return piece && *piece == token ? std::optional<int32_t>(id) : std::nullopt;
  }
  const std::string *idToToken(int32_t id) const override {
    bool isKnown = id >= 0 && static_cast<size_t>(id) < pieces.size();
    return isKnown ? &pieces[id] : nullptr;
  }
  int64_t idLimit() const override {
    return static_cast<int64_t>(pieces.size());
  }
  int64_t tokenCount() const override { return idLimit(); }

private:
  /// Whether a space follows something else in `piece`.
  static bool hasInnerSpace(const std::string &piece) {
    size_t text = 0;
    while (piece.compare(text, spaceMark.size(), spaceMark) == 0)
      text += spaceMark.size();
    return piece.find(spaceMark, text) != piece.npos;
  }

  static bool isAsciiWordChar(char character) {
    return isascii(character) && isalnum(character);
  }

  /// The end of the part of `text` that starts at `start`: that of the text, or
  /// a space between two words that no piece goes across.
  size_t findCut(std::string_view text, size_t start) const {
    if (!cutsAtSpaces)
      return text.size();
    for (size_t i = start + partBytes; i + 1 < text.size(); ++i)
      if (text[i] == ' ' && isAsciiWordChar(text[i - 1]) &&
          isAsciiWordChar(text[i + 1]))
        return i;
    return text.size();
  }

  /// The library takes hundreds of bytes for each byte of a text.
  static constexpr size_t partBytes = 1 << 15;

  SharedProcessor processor;
  std::vector<std::string> pieces;
  /// Whether a text may be encoded in parts.
  bool cutsAtSpaces;
};

/// What the library does with the spaces that a text starts with. It has no
/// function that tells, so its decoder is asked.
enum class LeadingSpace { Kept, OneStripped, AllStripped };

/// Decodes piece by piece as the library does at once.
class SentencePieceDecoder : public Decoder {
public:
  explicit SentencePieceDecoder(SharedProcessor shared);

  std::unique_ptr<DecodeStream> start() const override;

  std::string tokenBytes(std::string_view token) const override {
    int id = processor->PieceToId(token);
    if (processor->IsUnknown(id) && processor->IdToPiece(id) == token)
      return unknownText;
    if (processor->IsUnknown(id) || processor->IsControl(id))
      return std::string(token);
    if (std::optional<unsigned char> byte = getByte(token))
      return std::string(1, static_cast<char>(*byte));
    return replaceAll(token, spaceMark, " ");
  }

  /// The byte that `token` stands for, if it is the token of one.
  std::optional<unsigned char> getByte(std::string_view token) const {
    return processor->IsByte(processor->PieceToId(token))
               ? ByteTokens::parse(token)
               : std::nullopt;
  }

  /// Whether `token` starts with a space that some texts do not start with.
  bool startsWithSpace(std::string_view token) const {
    return token.starts_with(spaceMark) && isText(processor->PieceToId(token));
  }

  LeadingSpace leadingSpace() const { return leading; }

private:
  bool isText(int id) const {
    return !processor->IsControl(id) && !processor->IsUnknown(id) &&
           !processor->IsByte(id);
  }
  std::string decode(const std::vector<int> &ids) const {
    std::string text;
    processor->Decode(ids, &text).IgnoreError();
    return text;
  }

  SharedProcessor processor;
  LeadingSpace leading = LeadingSpace::Kept;
  std::string unknownText;
};

class SentencePieceStream : public DecodeStream {
public:
  explicit SentencePieceStream(const SentencePieceDecoder &decoder)
      : decoder(decoder) {}

  void push(std::string_view token, std::vector<std::string> &pieces) override {
    std::string piece, bytesOfToken = decoder.tokenBytes(token);
    if (decoder.getByte(token)) {
      bytes.push(bytesOfToken, piece);
    } else {
      bytes.finish(piece);
      hasText |= !piece.empty();
      if (stripsSpaces() && decoder.startsWithSpace(token)) {
        hasStripped = true;
        bytesOfToken.erase(0, 1);
      }
      piece += bytesOfToken;
    }
    hasText |= !piece.empty();
    if (!piece.empty())
      pieces.push_back(std::move(piece));
  }

  void finish(std::vector<std::string> &pieces) override {
    std::string piece;
    bytes.finish(piece);
    if (!piece.empty())
      pieces.push_back(std::move(piece));
    hasText = hasStripped = false;
  }
  std::unique_ptr<DecodeStream> clone() const override {
    return std::make_unique<SentencePieceStream>(*this);
  }

private:
  bool stripsSpaces() const {
    switch (decoder.leadingSpace()) {
    case LeadingSpace::Kept:
      return false;
    case LeadingSpace::OneStripped:
      return !hasText && !hasStripped;
    case LeadingSpace::AllStripped:
      return !hasText;
    }
    return false;
  }

  const SentencePieceDecoder &decoder;
  ByteLossyUtf8Stream bytes;
  bool hasText = false, hasStripped = false;
};

} // namespace

SentencePieceDecoder::SentencePieceDecoder(SharedProcessor shared)
    : processor(std::move(shared)), unknownText(decode({processor->unk_id()})) {
  for (int id = 0; id < processor->GetPieceSize(); ++id) {
    const std::string &piece = processor->IdToPiece(id);
    if (!startsWithSpace(piece))
      continue;
    leading = decode({id}) == replaceAll(piece, spaceMark, " ")
                  ? LeadingSpace::Kept
                  : LeadingSpace::OneStripped;
    // Only a piece that is nothing else tells one from all.
    if (piece != spaceMark)
      continue;
    if (decode({id, id}).empty())
      leading = LeadingSpace::AllStripped;
    return;
  }
}

std::unique_ptr<DecodeStream> SentencePieceDecoder::start() const {
  return std::make_unique<SentencePieceStream>(*this);
}

/// The control tokens as a tokenizer.json has them.
static Json createDocument(const Processor &processor) {
  Json tokens = Json::array();
  for (int id = 0; id < processor.GetPieceSize(); ++id)
    if (processor.IsControl(id))
      tokens.push_back({{"id", static_cast<uint32_t>(id)},
                        {"content", processor.IdToPiece(id)},
                        {"special", true}});
  return {{"added_tokens", tokens}};
}

SentencePieceParts loadSentencePiece(std::string_view contents) {
  auto processor = std::make_shared<Processor>();
  auto status = processor->LoadFromSerializedProto(contents);
  if (!status.ok())
    throw FieldError("is not a SentencePiece model: " + status.ToString());
  auto piece = [&](int id) {
    return id < 0 ? std::nullopt
                  : std::optional<std::string>(processor->IdToPiece(id));
  };
  return {std::make_unique<SentencePieceModel>(processor),
          std::make_unique<SentencePieceDecoder>(processor),
          createDocument(*processor), piece(processor->bos_id()),
          piece(processor->eos_id())};
}

} // namespace marimba::rt::text
