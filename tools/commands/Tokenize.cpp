//===- Tokenize.cpp - marimba tokenize ------------------------------------===//
//
// Part of Marimba. Text to token ids and back.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Commands.h"
#include "tools/commands/Json.h"
#include "tools/commands/Models.h"
#include "tools/commands/Output.h"

using namespace marimba;
using namespace marimba::commands;

namespace {
struct Options {
  Command command{.name = "tokenize",
                  .description = "Token ids of a text, and back"};
  TextOption text{command, "text", "The text to encode", "text"};
  TextOption file{command, "file", "Encodes the text of this file ('-': stdin)",
                  "file"};
  TextOption decode{command, "decode", "Decodes ids: 1,2,3", "ids"};
  Flag noSpecial{command, "no-special",
                 "Adds no special tokens; --decode leaves none out"};
  Flag json{command, "json", "Answers in JSON"};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

/// Text of the ids of --decode.
static int decode(const rt::Tokenizer &tokenizer) {
  std::optional<std::vector<int32_t>> ids =
      parseIds(options().decode, "--decode");
  if (!ids)
    return 1;
  for (int32_t id : *ids)
    if (id >= tokenizer.vocabSize())
      return fail("--decode: id " + std::to_string(id) +
                  " is not in the vocabulary, which has " +
                  std::to_string(tokenizer.vocabSize()) + " ids");
  std::string text =
      tokenizer.decode(*ids, /*skipSpecialTokens=*/!options().noSpecial);
  if (options().json)
    printJson(Json::object({{"text", text}}));
  else
    print(text + "\n");
  return 0;
}

static int run(Models &models) {
  const Options &o = options();
  if (o.command.lacksModel())
    return 1;
  if (o.text.given() + o.file.given() + o.decode.given() != 1)
    return fail("tokenize: expected one of --text, --file, --decode");
  if (!checkText("--text", o.text))
    return 1;
  std::string error;
  std::unique_ptr<rt::Tokenizer> tokenizer =
      models.loadTokenizer(o.command.model, error);
  if (!tokenizer)
    return fail(error);
  if (o.decode.given())
    return decode(*tokenizer);

  std::string text = o.text.value;
  if (o.file.given()) {
    std::optional<std::string> contents = readFile(o.file);
    if (!contents)
      return 1;
    text = std::move(*contents);
  }
  std::vector<int32_t> ids =
      tokenizer->encode(text, /*addSpecialTokens=*/!o.noSpecial, &error);
  if (!error.empty())
    return fail(error);
  if (o.json)
    printJson(Json::object({{"ids", std::span<const int32_t>(ids)}}));
  else
    print(joinIds(ids, ",") + "\n");
  return 0;
}

Command &commands::tokenizeCommand() {
  options().command.run = run;
  return options().command;
}
