//===- GgufPreTokenizers.cpp - What tokenizer.ggml.pre names --------------===//
//
// A GGUF file does not hold the expressions that split a text, only a name that
// llama.cpp knows them by. Here they are as the tokenizer.json of a model that
// the name comes from has them.
//
//===----------------------------------------------------------------------===//

#include "GgufPreTokenizers.h"

#include <algorithm>

namespace marimba::rt::text {

namespace {

/// Expressions that split a text one after the other. `gpt2Words` at the end is
/// the stage ByteLevel's own, which is faster.
using Expressions = std::vector<std::string_view>;

struct Splitting {
  std::vector<std::string_view> names;
  Expressions expressions;
  bool ignoresMerges = false;
  bool addsStart = false;
  /// Composes characters (NFC) first.
  bool composes = false;
};

} // namespace

constexpr std::string_view gpt2Words =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view llama3Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view qwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view qwen35Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view tekkenWords =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view gpt4oWords =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// Han characters stand apart from other letters.
constexpr std::string_view kimiWords =
    R"([\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view oneDigit = R"(\p{N})";
constexpr std::string_view threeDigits = "[0-9][0-9][0-9]";

static const std::vector<Splitting> &splittings() {
  static const std::vector<Splitting> instance = {
      // Files from before there was the key.
      {{"default", ""},
       {R"([\p{P}$+<=>^~|]+)", gpt2Words, R"(\p{N}+)", threeDigits}},
      {{"gpt-2", "phi-2", "jais", "trillion", "granite-docling", "gigachat",
        "exaone4", "mellum"},
       {gpt2Words}},
      // The tokenizer of GPT-NeoX, which is that of mamba, too.
      {{"olmo", "mpt"}, {gpt2Words}, false, false, true},
      {{"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone",
        "minerva-7b"},
       {oneDigit, gpt2Words}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral",
        "lfm2"},
       {llama3Words},
       true,
       true},
      {{"dbrx", "smaug-bpe", "chatglm-bpe", "glm4"}, {llama3Words}},
      {{"qwen2"}, {qwen2Words}, false, false, true},
      {{"deepseek-r1-qwen", "stablelm2", "megrez", "hunyuan", "solar-open",
        "grok-2"},
       {qwen2Words}},
      {{"qwen35"}, {qwen35Words}, false, false, true},
      {{"tekken"}, {tekkenWords}, true, true},
      {{"gpt-4o", "llama4", "minimax-m2"}, {gpt4oWords}},
      // Of kimi_linear.
      {{"kimi-k2"}, {kimiWords}},
      // Of falcon_mamba.
      {{"falcon"}, {R"([\p{P}$+<=>^~|`]+)", gpt2Words, threeDigits}},
  };
  return instance;
}

/// The pre-tokenizer of a tokenizer.json that splits at all of `expressions`.
static Json createStages(const Expressions &expressions) {
  bool endsInGpt2 = expressions.back() == gpt2Words;
  Json stages = Json::array();
  for (std::string_view expression : expressions)
    if (!endsInGpt2 || expression != gpt2Words)
      stages.push_back({{"type", "Split"},
                        {"pattern", {{"Regex", expression}}},
                        {"behavior", "Isolated"}});
  stages.push_back({{"type", "ByteLevel"},
                    {"add_prefix_space", false},
                    {"use_regex", endsInGpt2}});
  return {{"type", "Sequence"}, {"pretokenizers", stages}};
}

GgufPreTokenizer createGgufPreTokenizer(std::string_view name) {
  std::string supported;
  for (const Splitting &splitting : splittings()) {
    if (std::find(splitting.names.begin(), splitting.names.end(), name) !=
        splitting.names.end())
      return {splitting.composes ? Json{{"type", "NFC"}} : Json(),
              createStages(splitting.expressions), splitting.ignoresMerges,
              splitting.addsStart};
    for (std::string_view other : splitting.names)
      if (!other.empty())
        supported += (supported.empty() ? "" : ", ") + quote(other);
  }
  throw FieldError("key 'tokenizer.ggml.pre' is " + quote(name) +
                   ", supported: " + supported);
}

} // namespace marimba::rt::text
