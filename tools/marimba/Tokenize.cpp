//===- Tokenize.cpp - marimba tokenize ------------------------------------===//
//
// Part of Marimba. Text to token ids and back.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/ModelFiles.h"
#include "tools/marimba/Driver.h"

#include "marimba/Tokenizer.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

namespace {
struct Options {
  cl::SubCommand sub{"tokenize", "Token ids of a text, and back"};
  driver::ModelArgument model{sub};
  driver::Value<std::string> text{sub, "text", "The text to encode", "text"};
  driver::Value<std::string> file{
      sub, "file", "Encodes the text of this file ('-': stdin)", "file"};
  driver::Value<std::string> decode{sub, "decode", "Decodes ids: 1,2,3", "ids"};
  driver::Flag noSpecial{sub, "no-special",
                         "Adds no special tokens; --decode leaves none out"};
  driver::Flag json{sub, "json", "Answers in JSON"};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

/// Text of the ids of --decode.
static int decode(const rt::Tokenizer &tokenizer) {
  std::optional<std::vector<int32_t>> ids =
      driver::parseIds(options().decode, "--decode");
  if (!ids)
    return 1;
  for (int32_t id : *ids)
    if (id >= tokenizer.vocabSize())
      return driver::fail("--decode: id " + Twine(id) +
                          " is not in the vocabulary, which has " +
                          Twine(tokenizer.vocabSize()) + " ids");
  std::string text =
      tokenizer.decode(*ids, /*skipSpecialTokens=*/!options().noSpecial);
  if (options().json)
    driver::printJson(json::Object{{"text", text}});
  else
    outs() << text << '\n';
  return 0;
}

static int run() {
  const Options &o = options();
  if (o.model.missing())
    return 1;
  if (o.text.given() + o.file.given() + o.decode.given() != 1)
    return driver::fail("tokenize: expected one of --text, --file, --decode");
  if (!driver::checkText("--text", o.text))
    return 1;
  std::string error;
  std::unique_ptr<rt::Tokenizer> tokenizer =
      loadTokenizer(o.model, error, driver::printNote);
  if (!tokenizer)
    return driver::fail(error);
  if (o.decode.given())
    return decode(*tokenizer);

  std::string text = o.text;
  if (o.file.given()) {
    std::optional<std::string> contents = driver::readFile(o.file);
    if (!contents)
      return 1;
    text = std::move(*contents);
  }
  std::vector<int32_t> ids =
      tokenizer->encode(text, /*addSpecialTokens=*/!o.noSpecial, &error);
  if (!error.empty())
    return driver::fail(error);
  if (o.json)
    driver::printJson(json::Object{{"ids", driver::jsonIds(ids)}});
  else
    outs() << driver::joinIds(ids, ",") << '\n';
  return 0;
}

driver::Command driver::makeTokenizeCommand() { return {&options().sub, run}; }
