//===- SchedulerFixture.h - Requests of the fake model ----------*- C++ -*-===//

#ifndef MARIMBA_TEST_RUNTIME_ENGINE_SCHEDULERFIXTURE_H
#define MARIMBA_TEST_RUNTIME_ENGINE_SCHEDULERFIXTURE_H

#include "../FakeModel.h"
#include "../TokenizerTestUtils.h"

#include "marimba/ReadyModel.h"
#include "marimba/Scheduler.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace marimba::rt::fake {

/// Every id is a letter: A to Z, a to x.
inline nlohmann::json letterTokenizer() {
  nlohmann::json document = smallTokenizer(), vocab = nlohmann::json::object();
  for (int32_t id = 0; id < vocabulary; ++id)
    vocab[std::string(1, char(id < 26 ? 'A' + id : 'a' + id - 26))] = id;
  document["model"]["vocab"] = vocab;
  document["model"]["merges"] = nlohmann::json::array();
  return document;
}

/// What came of a request.
struct Answer {
  std::vector<int32_t> ids;
  std::string text;
  std::optional<AnswerEnd> end;

  bool operator==(const Answer &) const = default;
};

class Recorder : public RequestListener {
public:
  void token(uint64_t request, const NewToken &token) override {
    answers[request].ids.push_back(token.id);
    answers[request].text += token.text;
    chances[request].emplace_back(
        token.logProbability,
        std::vector(token.likeliest.begin(), token.likeliest.end()));
    if (onToken)
      onToken(request);
  }
  bool finished(uint64_t request, AnswerEnd end, std::string_view text,
                const RequestUsage &used, std::string &error) override {
    EXPECT_FALSE(answers[request].end) << "finished twice";
    EXPECT_EQ(used.newTokens, answers[request].ids.size());
    usage[request] = used;
    answers[request].end = end;
    answers[request].text += text;
    error = refuse ? "refused" : "";
    return !refuse;
  }

  std::map<uint64_t, Answer> answers;
  std::map<uint64_t, RequestUsage> usage;
  /// Of each token, and of the likeliest in its place.
  std::map<uint64_t, std::vector<std::pair<float, std::vector<TokenChance>>>>
      chances;
  std::function<void(uint64_t)> onToken;
  bool refuse = false;

  bool failed(uint64_t request, const std::string &problem) override {
    problems[request] = problem;
    return keepGoing;
  }
  std::map<uint64_t, std::string> problems;
  bool keepGoing = false;
  void reading(uint64_t request, size_t done, size_t total) override {
    EXPECT_LE(done, total);
    EXPECT_GE(done, read[request]);
    read[request] = done;
  }
  std::map<uint64_t, size_t> read;
};

class SchedulerTest : public FakeModelTest {
protected:
  void SetUp() override {
    FakeModelTest::SetUp();
    ready = std::make_unique<ReadyModel>(ModelFacts{.name = "fake"}, model,
                                         /*chunk=*/4);
    tokenizer = parse(letterTokenizer());
  }
  std::unique_ptr<Scheduler> schedule(int32_t slots) {
    return schedule(Scheduler::Options{.slots = slots});
  }
  std::unique_ptr<Scheduler> schedule(const Scheduler::Options &options) {
    auto made = Scheduler::create(*ready, tokenizer.get(), options, error);
    EXPECT_TRUE(made) << error;
    return made;
  }
  void submit(Scheduler &scheduler, const Request &request, uint64_t number) {
    EXPECT_EQ(scheduler.submit(request, error), number) << error;
  }
  void drain(Scheduler &scheduler, Recorder &recorder) {
    for (int steps = 0; !scheduler.idle(); ++steps) {
      ASSERT_LT(steps, 5000);
      ASSERT_TRUE(scheduler.step(recorder, error)) << error;
    }
    EXPECT_EQ(scheduler.running(), 0u);
  }
  /// The answer of a request that has a scheduler for itself.
  Answer alone(const Request &request) {
    auto scheduler = schedule(1);
    Recorder recorder;
    submit(*scheduler, request, 0);
    drain(*scheduler, recorder);
    return recorder.answers[0];
  }
  /// Requests that differ in everything: prompts of 1 to 13 tokens, greedy and
  /// random choice, limits, ends, stop texts.
  static std::vector<Request> variety() {
    std::vector<Request> requests;
    for (int32_t i = 0; i < 12; ++i) {
      Request request;
      for (int32_t k = 0; k < 1 + i * 5 % 13; ++k)
        request.ids.push_back((i * 7 + k * 3) % int32_t(vocabulary));
      request.sampler.temperature = i % 4 ? 3.f * float(i % 4) : 0;
      request.sampler.topK = i % 3 == 1 ? 20 : 0;
      request.sampler.repetitionPenalty = i % 5 == 2 ? 1.5f : 1;
      request.sampler.seed = uint64_t(100 + i);
      request.maxTokens = 3 + i * 4 % 17;
      if (i % 2)
        request.endIds = {3 * i, 40};
      if (i % 3 == 2)
        request.stops = {"k", "vw"};
      requests.push_back(request);
    }
    return requests;
  }

  std::unique_ptr<ReadyModel> ready;
  std::unique_ptr<Tokenizer> tokenizer;
};

} // namespace marimba::rt::fake

#endif // MARIMBA_TEST_RUNTIME_ENGINE_SCHEDULERFIXTURE_H
