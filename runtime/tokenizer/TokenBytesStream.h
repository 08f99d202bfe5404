//===- TokenBytesStream.h - Whole characters of tokens' bytes ---*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_TOKENBYTESSTREAM_H
#define MARIMBA_RUNTIME_TOKENIZER_TOKENBYTESSTREAM_H

#include "Pipeline.h"
#include "Unicode.h"

namespace marimba::rt::text {

/// Of a decoder whose texts are the bytes of tokens (Decoder::tokenBytes).
/// Tokens may be parts of characters, so bytes are held back until whole.
class TokenBytesStream : public DecodeStream {
public:
  explicit TokenBytesStream(const Decoder &decoder) : decoder(decoder) {}

  void push(std::string_view token, std::vector<std::string> &pieces) override {
    std::string piece;
    bytes.push(decoder.tokenBytes(token), piece);
    if (!piece.empty())
      pieces.push_back(std::move(piece));
  }
  void finish(std::vector<std::string> &pieces) override {
    std::string piece;
    bytes.finish(piece);
    if (!piece.empty())
      pieces.push_back(std::move(piece));
  }
  std::unique_ptr<DecodeStream> clone() const override {
    return std::make_unique<TokenBytesStream>(*this);
  }

private:
  const Decoder &decoder;
  LossyUtf8Stream bytes;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_TOKENBYTESSTREAM_H
