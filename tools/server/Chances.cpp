//===- Chances.cpp - Log-probabilities in replies -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Chances.h"

#include <algorithm>
#include <utility>

using namespace marimba;
using namespace marimba::server;

/// JSON has no infinity.
static double finite(float logProbability) {
  return std::max<double>(logProbability, -9999);
}

static Json entry(const rt::Tokenizer &tokenizer, int32_t id,
                  float logProbability) {
  std::string bytes = tokenizer.tokenBytes(id);
  Json list = Json::array();
  for (char byte : bytes)
    list.push_back(static_cast<unsigned char>(byte));
  return {{"token", bytes},
          {"logprob", finite(logProbability)},
          {"bytes", std::move(list)}};
}

Json server::chanceEntry(const rt::Tokenizer &tokenizer,
                         const AnswerPiece &piece) {
  Json result = entry(tokenizer, piece.id, piece.logProbability);
  Json likeliest = Json::array();
  for (const rt::TokenChance &one : piece.likeliest)
    likeliest.push_back(entry(tokenizer, one.id, one.logProbability));
  result["top_logprobs"] = std::move(likeliest);
  return result;
}

void OldChances::add(const rt::Tokenizer &tokenizer, const AnswerPiece &piece) {
  std::string bytes = tokenizer.tokenBytes(piece.id);
  Json top = Json::object();
  for (const rt::TokenChance &one : piece.likeliest)
    top[tokenizer.tokenBytes(one.id)] = finite(one.logProbability);
  tokens.push_back(bytes);
  logs.push_back(finite(piece.logProbability));
  tops.push_back(std::move(top));
  offsets.push_back(offset);
  offset += bytes.size();
}

Json OldChances::take() {
  auto move = [](Json &list) { return std::exchange(list, Json::array()); };
  return {{"tokens", move(tokens)},
          {"token_logprobs", move(logs)},
          {"top_logprobs", move(tops)},
          {"text_offset", move(offsets)}};
}
