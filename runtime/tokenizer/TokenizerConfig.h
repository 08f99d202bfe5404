//===- TokenizerConfig.h - What stands beside a tokenizer -------*- C++ -*-===//
//
// tokenizer_config.json, special_tokens_map.json and added_tokens.json say
// which tokens a tokenizer has besides those of its own file, and which of them
// stand around a text. They are read as transformers reads them.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_TOKENIZERCONFIG_H
#define MARIMBA_RUNTIME_TOKENIZER_TOKENIZERCONFIG_H

#include "AddedTokens.h"

namespace marimba::rt::text {

/// What the files say; as it is made, what no file means.
struct TokenizerConfig {
  /// `add_bos_token` and `add_eos_token`. Where there is either, the tokens
  /// around a text are these two (what is not there is a matter of the class),
  /// whatever the tokenizer's own file says.
  std::optional<bool> addsStart, addsEnd;
  /// The texts of `bos_token` and `eos_token`, or what the class has for them.
  std::optional<std::string> startToken, endToken;

  /// One list, to be added first (AddedTokens::add).
  std::vector<AddedToken> tokens;
  /// `bos_token` and so on, to be added then (AddedTokens::addSpecial).
  std::vector<AddedToken> specials;
  /// Whether the text of a special token in a text is that token.
  bool findsSpecial = true;
  /// Of the stage ByteLevel; without one the tokenizer's file counts.
  std::optional<bool> addPrefixSpace;

  /// `tokenizer_class` without "Fast" at its end; empty where there is none.
  std::string className;
  /// Whether the class is one of those that put the start in front of a text
  /// unless they are told otherwise: Llama's and its relatives'.
  bool isLlamaLike = false;
};

/// The files of one folder, as text; nothing for one that is not there.
struct TokenizerConfigTexts {
  std::optional<std::string> config, specialTokensMap, addedTokens;
};

/// Reads the three files; errors and notes name the file, in `folder`. Throws
/// FieldError or what the JSON parser throws, with the file in front.
TokenizerConfig readTokenizerConfig(const std::string &folder,
                                    const TokenizerConfigTexts &texts,
                                    Notes &notes);

/// Changes the stages of `document`, a tokenizer.json, as `config` says.
void applyPrefixSpace(const TokenizerConfig &config, Json &document);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_TOKENIZERCONFIG_H
