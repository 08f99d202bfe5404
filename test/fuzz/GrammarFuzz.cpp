//===- GrammarFuzz.cpp - Grammars and JSON schemas ------------------------===//
//
// The input is a JSON schema where it begins with `{`, else a text of GBNF.
// What is accepted must give an answer that ends within its tokens, whatever
// the input's bytes choose.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "marimba/Grammar.h"
#include "marimba/Tokenizer.h"

#include <cmath>

using namespace marimba;

/// Bytes of ASCII, some words, and an end.
static const rt::Tokenizer &tokenizer() {
  static const std::unique_ptr<rt::Tokenizer> made = [] {
    std::string vocabulary, error;
    int count = 0;
    auto add = [&](const std::string &text) {
      vocabulary +=
          (count ? ",\"" : "\"") + text + "\":" + std::to_string(count);
      ++count;
    };
    for (char c = '!'; c < 0x7F; ++c)
      add((c == '"' || c == '\\' ? "\\" : "") + std::string(1, c));
    for (const char *word : {"Ġ", "Ċ", "true", "null", "ab", "\\\":", "},"})
      add(word);
    auto result = rt::Tokenizer::parse(
        R"({"added_tokens": [{"id": )" + std::to_string(count) +
            R"(, "content": "<end>", "special": true}], "normalizer": null,
        "pre_tokenizer": null, "post_processor": null,
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "merges": [], "vocab": {)" +
            vocabulary + "}}}",
        "t.json", error);
    fuzz::check(bool(result), "the tokenizer is right");
    return result;
  }();
  return *made;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input = fuzz::text(data, size);
  auto end = static_cast<int32_t>(tokenizer().vocabSize() - 1);
  std::string error;
  static const auto tokens =
      rt::GrammarTokens::create(tokenizer(), {&end, 1}, error);
  rt::SchemaOptions options;
  options.maxDepth = 3;
  auto grammar = input.starts_with('{')
                     ? rt::Grammar::fromJsonSchema(input, options, "g", error)
                     : rt::Grammar::parse(input, "g", error);
  fuzz::check(bool(grammar) == error.empty(), "a failure has a message");
  if (!grammar) {
    fuzz::check(error.starts_with("g:"), "the message names the file");
    return 0;
  }
  constexpr int64_t most = 60;
  auto constraint = tokens->constrain(grammar, most, error);
  fuzz::check(bool(constraint) == error.empty(), "a failure has a message");
  if (!constraint)
    return 0;
  std::vector<float> logits(static_cast<size_t>(tokenizer().vocabSize()));
  for (int64_t i = 0; i < most; ++i) {
    std::fill(logits.begin(), logits.end(), 0.0F);
    constraint->mask(logits);
    // The next token that is allowed, from one on that the input chooses.
    size_t at = data[static_cast<size_t>(i) % size] % logits.size(), left;
    for (left = logits.size(); left > 0 && std::isinf(logits[at]); --left)
      at = (at + 1) % logits.size();
    fuzz::check(left > 0, "one token at least stays");
    if (static_cast<int32_t>(at) == end)
      return 0;
    constraint->accept(static_cast<int32_t>(at));
  }
  fuzz::check(false, "the answer ends within its tokens");
  return 0;
}
