//===- SamplerTest.cpp ----------------------------------------------------===//

#include "marimba/Sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

using namespace marimba::rt;

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float notANumber = std::numeric_limits<float>::quiet_NaN();

static int32_t greedy(std::vector<float> logits) {
  return Sampler(SamplerOptions()).sample(logits);
}

/// The tokens that come up in many draws.
static std::set<int32_t> drawn(SamplerOptions options,
                               std::vector<float> logits) {
  Sampler sampler(options);
  std::set<int32_t> tokens;
  for (int i = 0; i < 2000; ++i)
    tokens.insert(sampler.sample(logits));
  return tokens;
}

TEST(SamplerTest, GreedyTakesTheHighest) {
  EXPECT_EQ(greedy({1, 3, 2}), 1);
  EXPECT_EQ(greedy({1, 3, 3}), 1);
  EXPECT_EQ(greedy({-5, -3}), 1);
  EXPECT_EQ(greedy({notANumber, 1, notANumber, 2}), 3);
  EXPECT_EQ(greedy({-inf, -1, inf}), 2);
  EXPECT_EQ(greedy({notANumber, notANumber}), 0);
  EXPECT_EQ(greedy({-inf, -inf}), 0);
  EXPECT_EQ(greedy({}), -1);
}

TEST(SamplerTest, RandomSurvivesOddLogits) {
  SamplerOptions options{.temperature = 1};
  EXPECT_EQ(drawn(options, {}), std::set<int32_t>({-1}));
  EXPECT_EQ(drawn(options, {notANumber, -inf}), std::set<int32_t>({0}));
  EXPECT_EQ(drawn(options, {notANumber, 1, -inf, 1}),
            std::set<int32_t>({1, 3}));
  EXPECT_EQ(drawn(options, {inf, 1, inf}), std::set<int32_t>({0, 2}));
  EXPECT_EQ(drawn(options, {3e38f, -3e38f}), std::set<int32_t>({0}));
  options.temperature = 1e-38f;
  EXPECT_EQ(drawn(options, {1, 2, 3}), std::set<int32_t>({2}));
  options.temperature = 3e38f;
  EXPECT_EQ(drawn(options, {1, 2, 3}), std::set<int32_t>({0, 1, 2}));
}

TEST(SamplerTest, DrawsByProbability) {
  Sampler sampler({.temperature = 2, .seed = 7});
  std::vector<float> logits{2 * std::log(0.5f), 2 * std::log(0.3f),
                            2 * std::log(0.2f)};
  int counts[3] = {};
  constexpr int draws = 100000;
  for (int i = 0; i < draws; ++i)
    ++counts[sampler.sample(logits)];
  EXPECT_NEAR(counts[0], 0.5 * draws, 0.01 * draws);
  EXPECT_NEAR(counts[1], 0.3 * draws, 0.01 * draws);
  EXPECT_NEAR(counts[2], 0.2 * draws, 0.01 * draws);
}

TEST(SamplerTest, TopKKeepsTies) {
  SamplerOptions options{.temperature = 1, .topK = 2};
  EXPECT_EQ(drawn(options, {1, 4, 3, 2}), std::set<int32_t>({1, 2}));
  EXPECT_EQ(drawn(options, {1, 4, 3, 3}), std::set<int32_t>({1, 2, 3}));
  options.topK = 1;
  EXPECT_EQ(drawn(options, {1, 4, 3, 3}), std::set<int32_t>({1}));
  options.topK = 100;
  EXPECT_EQ(drawn(options, {1, 1, 1}), std::set<int32_t>({0, 1, 2}));
}

TEST(SamplerTest, TopPKeepsTheFewestThatReachIt) {
  std::vector<float> logits{std::log(0.1f), std::log(0.5f), std::log(0.25f),
                            std::log(0.15f)};
  SamplerOptions options{.temperature = 1, .topP = 0.4f};
  EXPECT_EQ(drawn(options, logits), std::set<int32_t>({1}));
  options.topP = 0.6f;
  EXPECT_EQ(drawn(options, logits), std::set<int32_t>({1, 2}));
  options.topP = 0.8f;
  EXPECT_EQ(drawn(options, logits), std::set<int32_t>({1, 2, 3}));
  options.topP = 0.99f;
  EXPECT_EQ(drawn(options, logits), std::set<int32_t>({0, 1, 2, 3}));
  // After top-k the probabilities are 2/3 and 1/3.
  options.topK = 2;
  options.topP = 0.6f;
  EXPECT_EQ(drawn(options, logits), std::set<int32_t>({1}));
}

TEST(SamplerTest, SeedFixesTheChoices) {
  std::vector<float> logits;
  for (int i = 0; i < 1000; ++i)
    logits.push_back(static_cast<float>(i % 17) * 0.25f);
  auto draw = [&](uint64_t seed) {
    Sampler sampler(
        {.temperature = 0.9f, .topK = 500, .topP = 0.9f, .seed = seed});
    std::vector<int32_t> tokens;
    for (int i = 0; i < 8; ++i)
      tokens.push_back(sampler.sample(logits));
    return tokens;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  // The same on every machine.
  EXPECT_EQ(draw(42),
            std::vector<int32_t>({489, 543, 951, 236, 135, 624, 747, 948}));
}

TEST(SamplerTest, ChecksOptions) {
  EXPECT_EQ(checkSamplerOptions({}), "");
  EXPECT_EQ(checkSamplerOptions({.temperature = 0.7f, .topK = 40, .topP = 1}),
            "");
  EXPECT_EQ(checkSamplerOptions({.temperature = -1}),
            "temperature is -1, allowed: finite and >= 0 (0 is greedy)");
  EXPECT_NE(checkSamplerOptions({.temperature = notANumber}), "");
  EXPECT_NE(checkSamplerOptions({.temperature = inf}), "");
  EXPECT_EQ(checkSamplerOptions({.topK = -1}),
            "top-k is -1, allowed: >= 0 (0 keeps all)");
  EXPECT_EQ(checkSamplerOptions({.topP = 0}),
            "top-p is 0, allowed: above 0, at most 1 (1 keeps all)");
  EXPECT_NE(checkSamplerOptions({.topP = 1.5f}), "");
  EXPECT_NE(checkSamplerOptions({.topP = notANumber}), "");
}

TEST(SamplerTest, BadOptionsCountAsDefaults) {
  EXPECT_EQ(
      Sampler({.temperature = notANumber}).sample(std::vector<float>{1, 2}), 1);
  SamplerOptions options{.temperature = 1, .topK = -3, .topP = notANumber};
  EXPECT_EQ(drawn(options, {1, 1}), std::set<int32_t>({0, 1}));
}

TEST(SamplerTest, MinPKeepsWhatIsNearTheLikeliest) {
  std::vector<float> logits{std::log(0.1f), std::log(0.5f), std::log(0.26f),
                            std::log(0.14f)};
  SamplerOptions options{.temperature = 1, .minP = 0.5f};
  EXPECT_EQ(drawn(options, logits), std::set<int32_t>({1, 2}));
  options.minP = 0.25f;
  EXPECT_EQ(drawn(options, logits), std::set<int32_t>({1, 2, 3}));
  options.minP = 1;
  EXPECT_EQ(drawn(options, logits), std::set<int32_t>({1}));
  // What top-p dropped does not come back.
  options = {.temperature = 1, .topP = 0.6f, .minP = 0.01f};
  EXPECT_EQ(drawn(options, logits), std::set<int32_t>({1, 2}));
  EXPECT_EQ(drawn({.temperature = 1, .minP = 0.5f}, {-inf, notANumber}),
            std::set<int32_t>({0}));
}

TEST(SamplerTest, PenaltyLowersWhatWasSeen) {
  Sampler sampler({.repetitionPenalty = 2});
  std::vector<float> logits{3, 2, -1, -2};
  EXPECT_EQ(sampler.sample(logits), 0);
  // 1.5, 2, -1, -2; then 1.5, 1, -1, -2: what was chosen counts once.
  EXPECT_EQ(sampler.sample(logits), 1);
  EXPECT_EQ(sampler.sample(logits), 0);
  EXPECT_EQ(sampler.sample(logits), 0);
  std::vector<int32_t> prompt{2, 2, 99, -5};
  Sampler negative({.repetitionPenalty = 3});
  negative.see(prompt);
  EXPECT_EQ(negative.sample(std::vector<float>{-4, -5, -1}), 2);
  EXPECT_EQ(negative.sample(std::vector<float>{-2, -5, -1}), 0);
  Sampler none({.repetitionPenalty = 1});
  none.see(prompt);
  EXPECT_EQ(none.sample(std::vector<float>{-2, -5, -1}), 2);
}

TEST(SamplerTest, NamesTheNewOptions) {
  EXPECT_EQ(checkSamplerOptions({.minP = 0.1f}), "");
  EXPECT_EQ(checkSamplerOptions({.minP = 1.5f}),
            "min-p is 1.5, allowed: 0 to 1 (0 keeps all)");
  EXPECT_EQ(checkSamplerOptions({.repetitionPenalty = 0}),
            "repetition-penalty is 0, allowed: finite and above 0 (1 "
            "changes nothing)");
}

TEST(SamplerTest, AnswerPenaltiesCountWhatWasChosen) {
  std::vector<float> logits{3, 2.5f, 1};
  Sampler frequency({.frequencyPenalty = 1});
  // The prompt does not count.
  std::vector<int32_t> prompt{0, 0, 0};
  frequency.see(prompt);
  // 3, 2.5, 1; 2, 2.5, 1; 2, 1.5, 1; 1, 1.5, 1; 1, 0.5, 1; 0, 0.5, 1
  for (int32_t expected : {0, 1, 0, 1, 0, 2})
    EXPECT_EQ(frequency.sample(logits), expected);
  Sampler presence({.presencePenalty = 1});
  // 3, 2.5, 1; 2, 2.5, 1; 2, 1.5, 1, once and for all.
  for (int32_t expected : {0, 1, 0, 0, 0})
    EXPECT_EQ(presence.sample(logits), expected);
  presence.beginAnswer();
  for (int32_t expected : {0, 1, 0})
    EXPECT_EQ(presence.sample(logits), expected);
  // Below 0 what was chosen becomes likelier.
  Sampler likes({.presencePenalty = -2});
  EXPECT_EQ(likes.sample(logits), 0);
  EXPECT_EQ(likes.sample(std::vector<float>{3, 4, 1}), 0);
  // Both, behind the repetition penalty: (4 / 2 - 0.5 - 0.25) = 1.25
  Sampler all({.repetitionPenalty = 2,
               .frequencyPenalty = 0.5f,
               .presencePenalty = 0.25f});
  EXPECT_EQ(all.sample(std::vector<float>{4, 0, 0}), 0);
  EXPECT_EQ(all.sample(std::vector<float>{4, 1.2f, 0}), 0);
  EXPECT_EQ(all.sample(std::vector<float>{4, 0.8f, 0}), 1);
  // What must not come does not come back.
  Sampler never({.presencePenalty = -2, .logitBias = {{1, 100.0f}}});
  EXPECT_EQ(never.sample(std::vector<float>{0, -inf}), 0);
}

TEST(SamplerTest, BiasIsAdded) {
  std::vector<float> logits{1, 2, 3};
  EXPECT_EQ(Sampler({.logitBias = {{0, 3.0f}}}).sample(logits), 0);
  EXPECT_EQ(Sampler({.logitBias = {{2, -100.0f}}}).sample(logits), 1);
  EXPECT_EQ(Sampler({.logitBias = {{99, 50.0f}}}).sample(logits), 2);
  // The last one counts, whatever stands between.
  Sampler twice({.logitBias = {{0, 50.0f}, {1, 0.5f}, {0, 0.0f}}});
  EXPECT_EQ(twice.sample(logits), 2);
  EXPECT_EQ(drawn({.temperature = 1, .logitBias = {{2, -100.0f}}}, logits),
            std::set<int32_t>({0, 1}));
}

TEST(SamplerTest, ChecksPenaltiesAndBiases) {
  EXPECT_EQ(checkSamplerOptions({.frequencyPenalty = 2, .presencePenalty = -2}),
            "");
  EXPECT_EQ(checkSamplerOptions({.frequencyPenalty = 2.5f}),
            "frequency-penalty is 2.5, allowed: -2 to 2 (0 changes nothing)");
  EXPECT_EQ(checkSamplerOptions({.presencePenalty = -3}),
            "presence-penalty is -3, allowed: -2 to 2 (0 changes nothing)");
  EXPECT_NE(checkSamplerOptions({.presencePenalty = notANumber}), "");
  EXPECT_EQ(checkSamplerOptions({.logitBias = {{5, 100.0f}, {6, -100.0f}}}),
            "");
  EXPECT_EQ(checkSamplerOptions({.logitBias = {{5, 1.0f}, {7, 101.0f}}}),
            "logit-bias of token 7 is 101, allowed: -100 to 100");
  EXPECT_EQ(checkSamplerOptions({.logitBias = {{-1, 1.0f}}}),
            "logit-bias of token -1: allowed: tokens from 0 on");
  // Refused values change nothing.
  Sampler bad({.frequencyPenalty = 9,
               .presencePenalty = notANumber,
               .logitBias = {{0, 1000.0f}, {-4, 1.0f}, {1, notANumber}}});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(bad.sample(std::vector<float>{1, 2}), 1);
}
