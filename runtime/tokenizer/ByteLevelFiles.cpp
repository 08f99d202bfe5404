//===- ByteLevelFiles.cpp - vocab.json and merges.txt ---------------------===//
//
// What checkpoints had before there was tokenizer.json: the two files of a
// byte-level tokenizer. How it splits a text stands in no file, but is a matter
// of its class.
//
//===----------------------------------------------------------------------===//

#include "TokenizerFiles.h"

namespace marimba::rt::text {

constexpr std::string_view qwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The lines of merges.txt that are merges.
static Json readMergeLines(std::string_view text) {
  Json merges = Json::array();
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (!line.empty() && !line.starts_with("#version"))
      merges.push_back(std::string(line));
  }
  return merges;
}

/// Changes the stages of GPT-2 to those of another class.
static void setStages(const TokenizerConfig &config, Json &document) {
  const std::string &name = config.className;
  bool addPrefixSpace = config.addPrefixSpace.value_or(false);
  if (name == "Qwen2Tokenizer") {
    document["normalizer"] = {{"type", "NFC"}};
    document["pre_tokenizer"] = {{"type", "Sequence"},
                                 {"pretokenizers",
                                  {{{"type", "Split"},
                                    {"pattern", {{"Regex", qwen2Words}}},
                                    {"behavior", "Isolated"}},
                                   {{"type", "ByteLevel"},
                                    {"add_prefix_space", addPrefixSpace},
                                    {"use_regex", false}}}}};
    return;
  }
  for (std::string_view known : {"", "PreTrainedTokenizer", "GPT2Tokenizer",
                                 "CodeGenTokenizer", "GPTNeoXTokenizer"}) {
    if (name != known)
      continue;
    document["pre_tokenizer"] = {{"type", "ByteLevel"},
                                 {"add_prefix_space", addPrefixSpace}};
    return;
  }
  throw FieldError("belongs to the class " + quote(name) +
                   " (tokenizer_config.json), supported without a "
                   "tokenizer.json: \"GPT2Tokenizer\", \"CodeGenTokenizer\", "
                   "\"GPTNeoXTokenizer\", \"Qwen2Tokenizer\"");
}

Json createByteLevelDocument(std::string_view vocab, std::string_view merges,
                             const TokenizerConfig &config) {
  Json document = {{"decoder", {{"type", "ByteLevel"}}},
                   {"model",
                    {{"type", "BPE"},
                     {"vocab", parseJson(vocab)},
                     {"merges", readMergeLines(merges)}}}};
  setStages(config, document);
  return document;
}

} // namespace marimba::rt::text
