//===- GrammarBench.cpp - Time of masks over a large vocabulary -----------===//
//
// bench-grammar SCHEMAS [TOKENIZER]: models of random logits answer the schemas
// of a file like test/runtime/Inputs/json-schemas.json, any JSON object and a
// grammar. Prints microseconds of a mask and of accepting its token, with all
// that must be computed first (cold) and once more (warm), beside a step of
// decoding. Without TOKENIZER the vocabulary is made up, of 150,000 tokens.
//
//===----------------------------------------------------------------------===//

#include "marimba/Grammar.h"
#include "marimba/Tokenizer.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <random>
#include <set>

using namespace marimba::rt;
using Json = nlohmann::ordered_json;

namespace {

/// A decode step of a model of 3 billion weights in 4 bits, 1.7 GB, at the
/// 35 GB/s that two cores read.
constexpr double kStepMicroseconds = 50000;

std::string utf8(int point) {
  if (point < 0x80)
    return std::string(1, static_cast<char>(point));
  if (point < 0x800)
    return {static_cast<char>(0xC0 | point >> 6),
            static_cast<char>(0x80 | (point & 0x3F))};
  return {static_cast<char>(0xE0 | point >> 12),
          static_cast<char>(0x80 | (point >> 6 & 0x3F)),
          static_cast<char>(0x80 | (point & 0x3F))};
}

/// Words as large vocabularies have them: two thirds of Latin letters, with and
/// without a space, others of Cyrillic and Chinese, white space, numbers, code.
std::set<std::string> makeWords(size_t count) {
  std::mt19937 random(1);
  auto below = [&](int limit) { return static_cast<int>(random() % limit); };
  std::set<std::string> words;
  for (int length = 2; length <= 80; ++length) {
    words.insert(std::string(static_cast<size_t>(length), ' '));
    words.insert("\n" + std::string(static_cast<size_t>(length), ' '));
    words.insert(std::string(static_cast<size_t>(length), '-'));
  }
  const std::string marks = "{}[]\":,.;()<>=+-*/\\'!?#_ \n";
  while (words.size() < count) {
    std::string word;
    int kind = below(100);
    int length = 1 + below(4) + below(5) + below(4);
    if (kind < 4) {
      for (int i = 0; i < 2 + below(4); ++i)
        word += marks[static_cast<size_t>(below(int(marks.size())))];
    } else if (kind < 5) {
      for (int i = 0; i < 2 + below(2); ++i)
        word += static_cast<char>('0' + below(10));
    } else if (kind < 15) {
      word = below(2) ? " " : "";
      for (int i = 0; i < length; ++i)
        word += utf8(0x430 + below(32));
    } else if (kind < 32) {
      for (int i = 0; i < 1 + below(4); ++i)
        word += utf8(0x4E00 + below(3000));
    } else {
      word = below(2) ? " " : "";
      for (int i = 0; i < length; ++i)
        word += "etaoinshrdlucmfwypvbgkjqxzETAOINS_"[below(below(2) ? 12 : 34)];
    }
    words.insert(word);
  }
  return words;
}

std::unique_ptr<Tokenizer> makeTokenizer(std::string &error) {
  std::vector<std::string> spellings;
  Json vocabulary;
  int others = 256, next = 0;
  for (int byte = 0; byte < 256; ++byte) {
    bool isShown = (byte >= 0x21 && byte <= 0x7E) ||
                   (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    spellings.push_back(utf8(isShown ? byte : others++));
  }
  std::string text = "{";
  auto add = [&](const std::string &spelling) {
    text +=
        (next ? "," : "") + Json(spelling).dump() + ":" + std::to_string(next);
    ++next;
  };
  for (const std::string &spelling : spellings)
    add(spelling);
  for (const std::string &word : makeWords(150000 - 257)) {
    if (word.size() < 2)
      continue;
    std::string spelling;
    for (char byte : word)
      spelling += spellings[static_cast<unsigned char>(byte)];
    add(spelling);
  }
  text += "}";
  return Tokenizer::parse(
      R"({"added_tokens": [{"id": )" + std::to_string(next) +
          R"(, "content": "<end>", "special": true}], "normalizer": null,
      "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
      "post_processor": null, "decoder": {"type": "ByteLevel"},
      "model": {"type": "BPE", "merges": [], "vocab": )" +
          text + "}}",
      "made up", error);
}

/// Of this thread's work: others may have the processor in between.
double microseconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) * 1e6 + double(time.tv_nsec) / 1e3;
}

struct Times {
  std::vector<double> masks;

  void print(const char *what) {
    if (masks.empty())
      return;
    std::sort(masks.begin(), masks.end());
    double sum = 0;
    for (double time : masks)
      sum += time;
    auto at = [&](double part) {
      return masks[static_cast<size_t>(part * double(masks.size() - 1))];
    };
    double worst = masks.back();
    std::printf("%-28s %8zu %8.0f %8.0f %8.0f %8.0f %9.2f %%\n", what,
                masks.size(), at(0.5), sum / double(masks.size()), at(0.99),
                worst, 100 * worst / kStepMicroseconds);
  }
};

class Bench {
public:
  Bench(const Tokenizer &tokenizer, int32_t end)
      : tokenizer(tokenizer), end(end),
        noise(static_cast<size_t>(tokenizer.vocabSize()) * 2) {
    std::mt19937_64 random(1);
    std::normal_distribution<float> normal(0, 4);
    for (float &value : noise)
      value = normal(random);
    double start = microseconds();
    tokens = GrammarTokens::create(tokenizer, {&end, 1}, error);
    std::printf("%lld tokens, looked at in %.0f ms\n",
                static_cast<long long>(tokenizer.vocabSize()),
                (microseconds() - start) / 1000);
  }

  /// One answer of at most `most` tokens.
  void answer(const std::shared_ptr<const Grammar> &grammar, int64_t most,
              Times &times) {
    auto constraint = tokens->constrain(grammar, most, error);
    if (!constraint)
      return;
    auto size = static_cast<size_t>(tokenizer.vocabSize());
    std::vector<float> logits(size);
    for (int64_t i = 0; i < most; ++i) {
      // Other noise for each token.
      size_t from = static_cast<size_t>(i) * 7919 % size;
      std::copy_n(noise.begin() + static_cast<ptrdiff_t>(from), size,
                  logits.begin());
      double start = microseconds();
      constraint->mask(logits);
      double time = (microseconds() - start);
      auto id = static_cast<int32_t>(
          std::max_element(logits.begin(), logits.end()) - logits.begin());
      start = microseconds();
      constraint->accept(id);
      times.masks.push_back(time + (microseconds() - start));
      if (id == end)
        return;
    }
  }

  void run(const std::string &name,
           const std::shared_ptr<const Grammar> &grammar, bool shows) {
    Times cold, warm;
    for (int64_t most : {300, 40})
      answer(grammar, most, cold);
    for (int64_t most : {300, 40})
      answer(grammar, most, warm);
    allCold.masks.insert(allCold.masks.end(), cold.masks.begin(),
                         cold.masks.end());
    allWarm.masks.insert(allWarm.masks.end(), warm.masks.begin(),
                         warm.masks.end());
    if (shows || (!cold.masks.empty() &&
                  *std::max_element(cold.masks.begin(), cold.masks.end()) >
                      kStepMicroseconds / 50))
      cold.print(name.c_str());
  }

  const Tokenizer &tokenizer;
  int32_t end;
  std::vector<float> noise;
  std::string error;
  std::shared_ptr<GrammarTokens> tokens;
  Times allCold, allWarm;
};

} // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench-grammar SCHEMAS [TOKENIZER]\n");
    return 1;
  }
  std::string error;
  std::unique_ptr<Tokenizer> tokenizer =
      argc > 2 ? Tokenizer::load(argv[2], error) : makeTokenizer(error);
  std::ifstream file(argv[1]);
  Json schemas = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!tokenizer || !schemas.is_array()) {
    std::fprintf(stderr, "%s\n",
                 tokenizer ? "SCHEMAS is no list" : error.c_str());
    return 1;
  }
  int32_t end = static_cast<int32_t>(tokenizer->vocabSize()) - 1;
  for (int32_t id = 0; id < tokenizer->vocabSize(); ++id)
    if (tokenizer->isSpecial(id))
      end = id;
  Bench bench(*tokenizer, end);
  std::printf("%-28s %8s %8s %8s %8s %8s  of a step\n", "microseconds", "masks",
              "median", "mean", "99 %", "worst");
  bench.run("any object", Grammar::anyObject({}, error), true);
  bench.run("words",
            Grammar::parse("root ::= ([a-z]+ [ ,.]){5,400}", "words", error),
            true);
  for (const Json &item : schemas)
    bench.run(
        item["name"],
        Grammar::fromJsonSchema(item["schema"].dump(), {}, "schema", error),
        false);
  bench.allCold.print("all, cold");
  bench.allWarm.print("all, warm");
  return 0;
}
