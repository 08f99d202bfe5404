//===- SchemaAnswersTest.cpp ----------------------------------------------===//
//
// Models of random logits, which would never write JSON by themselves, answer
// the schemas of Inputs/json-schemas.json: every answer ends within its bound.
// Where MARIMBA_ANSWERS names a file, the answers are written there, for a
// validator that is not ours (test/tools/check_json_schemas.py).
//
//===----------------------------------------------------------------------===//

#include "GrammarTestUtils.h"

#include <cstdlib>
#include <fstream>

using namespace marimba::rt;
using Json = nlohmann::ordered_json;

namespace {

struct NamedTokenizer {
  std::string name;
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<int32_t> ends;
};

/// Those of Inputs: byte level, SentencePiece with bytes, Hugging Face's and
/// the library's.
std::vector<NamedTokenizer> readTokenizers() {
  std::vector<NamedTokenizer> result;
  for (const char *name : {"stories", "bytelevel", "sp-prepend"})
    result.push_back({name, parse(readGolden(name)["tokenizer"]), {}});
  std::string error;
  result.push_back(
      {"sentencepiece-bpe",
       Tokenizer::load(MARIMBA_TEST_INPUTS "/sentencepiece-bpe.model", error),
       {}});
  for (NamedTokenizer &one : result) {
    for (int32_t id = 0; id < one.tokenizer->vocabSize(); ++id)
      if (one.tokenizer->isSpecial(id))
        one.ends = {id};
    EXPECT_FALSE(one.ends.empty()) << one.name;
  }
  return result;
}

} // namespace

TEST(SchemaAnswersTest, EndWithinTheirBounds) {
  std::ifstream file(MARIMBA_TEST_INPUTS "/json-schemas.json");
  Json schemas = Json::parse(file);
  EXPECT_GE(schemas.size(), 50U);
  const char *path = std::getenv("MARIMBA_ANSWERS");
  std::ofstream answers;
  if (path)
    answers.open(path);
  SchemaOptions options;
  options.maxDepth = 4;
  options.maxStringLength = 200;
  options.maxItems = 20;
  for (const NamedTokenizer &model : readTokenizers()) {
    std::string error;
    auto tokens = GrammarTokens::create(*model.tokenizer, model.ends, error);
    ASSERT_NE(tokens, nullptr) << error;
    for (const Json &item : schemas) {
      auto name = item["name"].get<std::string>();
      auto grammar = tokens->schema(item["schema"].dump(), options, error);
      ASSERT_NE(grammar, nullptr) << name << ": " << error;
      // Many tokens, few, and the fewest that are sure to be enough.
      for (int64_t most : {600, 60, 0}) {
        if (most == 0 || !tokens->constrain(grammar, most, error)) {
          EXPECT_EQ(tokens->constrain(grammar, 1, error), nullptr);
          size_t number = error.rfind(' ');
          most = std::stoll(error.substr(number + 1));
        }
        auto constraint = tokens->constrain(grammar, most, error);
        ASSERT_NE(constraint, nullptr) << name << ": " << error;
        Answer result = answer(*model.tokenizer, *constraint, model.ends, most,
                               static_cast<uint64_t>(most) + name.size());
        EXPECT_TRUE(result.ends)
            << name << ", " << most << " tokens: " << result.text;
        EXPECT_FALSE(Json::parse(result.text, nullptr, false).is_discarded())
            << name << ": " << result.text;
        if (path)
          answers << Json{{"name", name},
                          {"tokenizer", model.name},
                          {"most", most},
                          {"tokens", result.tokens},
                          {"answer", result.text}}
                         .dump()
                  << "\n";
      }
    }
  }
}
