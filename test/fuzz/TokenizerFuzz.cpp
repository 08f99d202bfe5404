//===- TokenizerFuzz.cpp - tokenizer.json files and texts -----------------===//
//
// The input is a tokenizer.json and, behind the first zero byte, a text. What
// is accepted must encode the text to ids of its vocabulary, or say why not,
// and decode them to UTF-8, and decode token by token as it does at once.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "marimba/Tokenizer.h"

#include <unicode/utf8.h>

using namespace marimba;

static bool isUtf8(const std::string &text) {
  for (size_t i = 0; i < text.size();) {
    UChar32 character;
    U8_NEXT(text.data(), i, text.size(), character);
    if (character < 0)
      return false;
  }
  return true;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input = fuzz::text(data, size);
  std::string_view json = input.substr(0, input.find('\0'));
  std::string text("Once upon a time,  1234 \u00e9\u4e2d\n\xff<s>");
  if (json.size() < input.size())
    text = input.substr(json.size() + 1);
  std::string error;
  auto tokenizer = rt::Tokenizer::parse(json, "t.json", error);
  fuzz::check(bool(tokenizer) == error.empty(), "a failure has a message");
  if (!tokenizer) {
    fuzz::check(error.starts_with("t.json: "), "the message names the file");
    return 0;
  }
  std::vector<int32_t> ids = tokenizer->encode(text, true, &error);
  if (!error.empty()) {
    fuzz::check(error.starts_with("t.json: "), "the message names the file");
    return 0;
  }
  // A template may add others, which is noted.
  for (int32_t id : tokenizer->encode(text, /*addSpecialTokens=*/false))
    fuzz::check(id >= 0 && id < tokenizer->vocabSize(), "ids are known");
  for (int32_t id : ids)
    fuzz::check(id >= 0, "ids are not negative");
  for (bool skips : {false, true}) {
    rt::StreamDecoder stream(*tokenizer, skips);
    std::string pieces;
    for (int32_t id : ids)
      pieces += stream.push(id);
    pieces += stream.flush();
    fuzz::check(isUtf8(pieces), "decoded text is UTF-8");
    fuzz::check(pieces == tokenizer->decode(ids, skips),
                "tokens decode one by one as at once");
  }
  return 0;
}
