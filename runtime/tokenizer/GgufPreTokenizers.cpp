//===- GgufPreTokenizers.cpp - What tokenizer.ggml.pre names --------------===//
//
// A GGUF file does not hold the expressions that split a text, only a name that
// llama.cpp knows them by.
//
//===----------------------------------------------------------------------===//

#include "GgufPreTokenizers.h"

#include "GgufExpressions.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace marimba::rt::text {

namespace {

/// Expressions that split a text one after the other. `expressions::gpt2` at
/// the end is the stage ByteLevel's own, which is faster.
using Expressions = std::vector<std::string_view>;

/// What there is besides expressions.
enum Extra : unsigned {
  None = 0,
  IgnoresMerges = 1,
  AddsStart = 2,
  /// Composes characters (NFC) first.
  Composes = 4,
  /// Tokens are texts, not bytes as GPT-2 writes them.
  Raw = 8,
  /// Spaces are U+2581, as in SentencePiece.
  MarksSpaces = 16,
  /// Line ends that are a token together are that token.
  WholeLineEnds = 32,
  /// A start token is added even where the file says no.
  AlwaysStarts = 64,
};

struct Splitting {
  std::vector<std::string_view> names;
  Expressions expressions;
  unsigned extras = None;
};

} // namespace

/// llama.cpp's names, by what they split. docs/tokenizers.md has the table,
/// too.
static const std::vector<Splitting> &splittings() {
  namespace ex = expressions;
  static const std::vector<Splitting> instance = {
      // Files from before there was the key.
      {{"default", ""},
       {ex::signsOfDefault, ex::gpt2, ex::digits, ex::threeDigits}},
      {{"gpt-2", "phi-2", "jais", "trillion", "granite-docling", "gigachat",
        "exaone4", "mellum", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es",
        "jina-v2-de", "jina-v2-code", "roberta-bpe", "a.x-4.0", "modern-bert"},
       {ex::gpt2}},
      // The tokenizer of GPT-NeoX, which is that of mamba, too.
      {{"olmo", "mpt"}, {ex::gpt2}, Composes},
      {{"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone",
        "minerva-7b", "mellum2"},
       {ex::oneDigit, ex::gpt2}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral",
        "lfm2", "midm-2.0", "jina-v5-nano"},
       {ex::llama3},
       IgnoresMerges | AddsStart},
      {{"dbrx", "smaug-bpe", "chatglm-bpe", "glm4"}, {ex::llama3}},
      {{"minicpm5"}, {ex::upTo3Digits, ex::minicpm5}, IgnoresMerges},
      {{"jais-2"}, {ex::jais2}},
      {{"qwen2"}, {ex::qwen2}, Composes},
      {{"deepseek-r1-qwen", "stablelm2", "megrez", "hunyuan", "solar-open",
        "grok-2", "kormo", "f2llmv2"},
       {ex::qwen2}},
      {{"laguna"}, {ex::linesApart, ex::qwen2}},
      {{"qwen35"}, {ex::qwen35}, Composes},
      {{"ufakzeka"}, {ex::ufakzeka}},
      {{"seed-coder"}, {ex::seedCoder}},
      {{"bailingmoe", "bailingmoe2", "llada-moe"}, {ex::bailing}},
      {{"exaone-moe"}, {ex::exaoneMoe}},
      {{"tekken"}, {ex::tekken}, IgnoresMerges | AddsStart},
      {{"gpt-4o", "llama4", "minimax-m2", "kanana2", "talkie"}, {ex::gpt4o}},
      {{"granite-embed-multi-97m"}, {ex::gpt4o}, IgnoresMerges},
      {{"tiny_aya", "cohere2moe"}, {ex::thousands, ex::gpt4o}},
      {{"youtu"}, {ex::scriptsOfYoutu, ex::youtu}, IgnoresMerges},
      // Of kimi_linear.
      {{"kimi-k2"}, {ex::kimi}},
      // Of falcon_mamba.
      {{"falcon"}, {ex::signsOfFalcon, ex::gpt2, ex::threeDigits}},
      {{"deepseek-llm"},
       {ex::lineEnd, ex::spacedCasedLetters, ex::spacedSigns, ex::spacesAtEnd,
        ex::asian, ex::digits}},
      {{"deepseek-coder"},
       {ex::lineEnd, ex::spacedLetters, ex::spacedPunctuation, ex::asian,
        ex::oneDigit}},
      {{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"},
       {ex::upTo3Digits, ex::hanAndKana, ex::deepseek3}},
      {{"spark2_5"},
       {ex::upTo3Digits, ex::hanAndKana, ex::spark, ex::oneDigit}},
      {{"afmoe"}, {ex::thousandsOfNumbers, ex::scriptsOfAfmoe, ex::deepseek3}},
      {{"poro-chat", "bloom", "gpt3-finnish"}, {ex::bloom}},
      {{"viking"}, {ex::bloom, ex::oneDigit}},
      {{"chameleon"},
       {ex::sentinels, ex::images, ex::blanks, ex::oneDigit, ex::onePunctuation,
        ex::gpt2},
       AddsStart},
      {{"superbpe"}, {ex::digits, ex::thousandsOfWords}},
      {{"gemma4", "granite-embed-multi-311m"},
       {ex::linesApart},
       Raw | MarksSpaces | WholeLineEnds | AlwaysStarts},
      {{"sarvam-moe"}, {ex::linesApart}, Raw | MarksSpaces},
  };
  return instance;
}

/// The pre-tokenizer of a tokenizer.json that splits at all of `expressions`.
static Json createStages(const Expressions &expressions, bool isRaw) {
  bool endsInGpt2 = !isRaw && expressions.back() == expressions::gpt2;
  Json stages = Json::array();
  for (size_t i = 0; i < expressions.size() - (endsInGpt2 ? 1 : 0); ++i)
    stages.push_back({{"type", "Split"},
                      {"pattern", {{"Regex", expressions[i]}}},
                      {"behavior", "Isolated"}});
  if (!isRaw)
    stages.push_back({{"type", "ByteLevel"},
                      {"add_prefix_space", false},
                      {"use_regex", endsInGpt2}});
  return {{"type", "Sequence"}, {"pretokenizers", stages}};
}

/// How many characters to add, leave out or change to make `right` of `left`.
static size_t editDistance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 0; i < left.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < right.size(); ++j) {
      size_t changed = diagonal + (left[i] != right[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

static GgufPreTokenizer createFrom(const Splitting &splitting) {
  auto has = [&](Extra extra) { return (splitting.extras & extra) != 0; };
  GgufPreTokenizer result;
  if (has(Composes))
    result.normalizer = {{"type", "NFC"}};
  result.preTokenizer = createStages(splitting.expressions, has(Raw));
  result.ignoresMerges = has(IgnoresMerges);
  result.addsStart = has(AddsStart);
  result.alwaysStarts = has(AlwaysStarts);
  result.isRaw = has(Raw);
  result.marksSpaces = has(MarksSpaces);
  result.keepsLineEnds = has(WholeLineEnds);
  return result;
}

std::vector<std::string_view> ggufPreTokenizerNames() {
  std::vector<std::string_view> names;
  for (const Splitting &splitting : splittings())
    for (std::string_view name : splitting.names)
      if (!name.empty())
        names.push_back(name);
  return names;
}

GgufPreTokenizer createGgufPreTokenizer(std::string_view name) {
  for (const Splitting &splitting : splittings())
    if (std::find(splitting.names.begin(), splitting.names.end(), name) !=
        splitting.names.end())
      return createFrom(splitting);
  // A longer name is none that anybody misspelled; nor does it take time.
  std::string_view compared = name.substr(0, 64);
  std::vector<std::string_view> names = ggufPreTokenizerNames();
  auto nearest =
      std::min_element(names.begin(), names.end(), [&](auto left, auto right) {
        return editDistance(compared, left) < editDistance(compared, right);
      });
  throw FieldError("key 'tokenizer.ggml.pre' is " + quote(name) +
                   ", which is not known; the nearest that is, is " +
                   quote(*nearest));
}

/// The expressions by which a stage, or a sequence of them, splits a text;
/// throws FieldError for what is none.
static void collectExpressions(const Json &stage,
                               std::vector<std::string> &found) {
  std::string type = stage.value("type", "");
  bool isolates = stage.value("behavior", "Isolated") == "Isolated" &&
                  !stage.value("invert", false);
  if (type == "Sequence") {
    for (const Json &one : stage.at("pretokenizers"))
      collectExpressions(one, found);
  } else if (type == "Split" && isolates && stage.at("pattern").is_object() &&
             stage["pattern"].contains("Regex")) {
    found.push_back(stage["pattern"]["Regex"].get<std::string>());
  } else if (type == "Digits" && stage.value("individual_digits", false)) {
    found.emplace_back(expressions::oneDigit);
  } else if (type == "ByteLevel" && !stage.value("add_prefix_space", true)) {
    if (stage.value("use_regex", true))
      found.emplace_back(expressions::gpt2);
  } else {
    throw FieldError("pre_tokenizer " + quote(stage.dump()) +
                     " has no name in GGUF");
  }
}

std::string findGgufPreTokenizer(const Json &normalizer,
                                 const Json &preTokenizer, bool ignoresMerges) {
  bool composes =
      normalizer.is_object() && normalizer.value("type", "") == "NFC";
  if (!normalizer.is_null() && !composes)
    throw FieldError("normalizer " + quote(normalizer.dump()) +
                     " has no name in GGUF");
  std::vector<std::string> found;
  if (preTokenizer.is_object())
    collectExpressions(preTokenizer, found);
  unsigned extras =
      (composes ? Composes : None) | (ignoresMerges ? IgnoresMerges : None);
  for (const Splitting &splitting : splittings())
    if ((splitting.extras & ~unsigned(AddsStart)) == extras &&
        std::equal(found.begin(), found.end(), splitting.expressions.begin(),
                   splitting.expressions.end()))
      return std::string(splitting.names.front());
  throw FieldError("pre_tokenizer " + quote(preTokenizer.dump()) +
                   " has no name in GGUF");
}

} // namespace marimba::rt::text
