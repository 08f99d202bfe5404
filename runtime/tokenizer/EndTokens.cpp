//===- EndTokens.cpp - Tokens that end an answer --------------------------===//

#include "marimba/EndTokens.h"
#include "marimba/Tokenizer.h"

#include <algorithm>

namespace marimba::rt {

// Of src/llama-vocab.cpp.
static constexpr std::string_view kEndTexts[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "[e~[",
};

/// Padding, the name of a repository and what stands between files. Of each
/// kind the first that there is counts.
static constexpr std::string_view kInfillTexts[][5] = {
    {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"},
    {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"},
    {"<|file_sep|>"},
};

bool isEndText(std::string_view text) {
  return std::find(std::begin(kEndTexts), std::end(kEndTexts), text) !=
         std::end(kEndTexts);
}

namespace {
class Collector {
public:
  Collector(const Tokenizer &tokenizer, std::vector<EndToken> &ends)
      : tokenizer(tokenizer), ends(ends) {}

  /// The special token with that text.
  std::optional<int32_t> find(std::string_view text) const {
    std::optional<int32_t> id =
        text.empty() ? std::nullopt : tokenizer.tokenToId(text);
    return id && tokenizer.isSpecial(*id) ? id : std::nullopt;
  }
  void add(int32_t id) {
    if (std::none_of(ends.begin(), ends.end(),
                     [&](const EndToken &end) { return end.id == id; }))
      ends.push_back({id, "vocabulary"});
  }

private:
  const Tokenizer &tokenizer;
  std::vector<EndToken> &ends;
};
} // namespace

void appendVocabularyEnds(const Tokenizer &tokenizer, bool infill,
                          std::vector<EndToken> &ends) {
  Collector collector(tokenizer, ends);
  auto has = [&](std::string_view text) {
    return collector.find(text).has_value();
  };
  // GPT-OSS and Solar: <|end|> stands behind every message of a turn.
  bool calls = has("<|call|>") || has("<|calls|>");
  bool endsMessages = calls && (has("<|return|>") || has("<|flush|>"));
  // Gemma 4 has </s> among its words.
  bool hasOwnTurns = has("<|tool_response>");
  for (std::string_view text : kEndTexts) {
    bool excluded =
        (text == "<|end|>" && endsMessages) || (text == "</s>" && hasOwnTurns);
    if (std::optional<int32_t> id = collector.find(text); id && !excluded)
      collector.add(*id);
  }
  if (!infill)
    return;
  for (const auto &kind : kInfillTexts)
    for (std::string_view text : kind)
      if (std::optional<int32_t> id = collector.find(text)) {
        collector.add(*id);
        break;
      }
}

} // namespace marimba::rt
