//===- SchedulerTest.cpp - Requests that come and go ----------------------===//

#include "SchedulerFixture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <thread>

using namespace marimba::rt;
using namespace marimba::rt::fake;

namespace {

TEST_F(SchedulerTest, EachGetsWhatItGetsAlone) {
  std::vector<Request> requests = variety();
  std::vector<Answer> expected;
  std::set<AnswerEnd> ends;
  for (const Request &request : requests) {
    expected.push_back(alone(request));
    ends.insert(expected.back().end.value());
  }
  // The requests try out what they are for.
  EXPECT_EQ(ends,
            (std::set{AnswerEnd::Model, AnswerEnd::Stop, AnswerEnd::Length}));
  for (int32_t slots : {1, 2, 3, 5, 12}) {
    auto scheduler = schedule(slots);
    Recorder recorder;
    for (size_t i = 0; i < requests.size(); ++i)
      submit(*scheduler, requests[i], i);
    EXPECT_EQ(scheduler->waiting(), requests.size());
    drain(*scheduler, recorder);
    for (size_t i = 0; i < requests.size(); ++i)
      EXPECT_EQ(recorder.answers[i], expected[i]) << slots << " slots, " << i;
  }
}

TEST_F(SchedulerTest, RequestsArriveWhileOthersRun) {
  std::vector<Request> requests = variety();
  auto scheduler = schedule(3);
  Recorder recorder;
  size_t sent = 0;
  // Two at once, one from inside of a step, the others one by one.
  recorder.onToken = [&](uint64_t) {
    if (sent == 2)
      submit(*scheduler, requests[sent], sent), ++sent;
  };
  for (; sent < 2; ++sent)
    submit(*scheduler, requests[sent], sent);
  for (int steps = 0; sent < requests.size() || !scheduler->idle(); ++steps) {
    ASSERT_LT(steps, 1000);
    ASSERT_TRUE(scheduler->step(recorder, error)) << error;
    EXPECT_LE(scheduler->running(), 3u);
    if (steps % 3 == 2 && sent > 2 && sent < requests.size())
      submit(*scheduler, requests[sent], sent), ++sent;
  }
  recorder.onToken = {};
  for (size_t i = 0; i < requests.size(); ++i)
    EXPECT_EQ(recorder.answers[i], alone(requests[i])) << i;
  // Nothing to do is no error.
  EXPECT_TRUE(scheduler->step(recorder, error));
}

TEST_F(SchedulerTest, RequestsLeave) {
  std::vector<Request> requests = variety();
  for (Request &request : requests) {
    request.endIds.clear();
    request.stops.clear();
    request.maxTokens = 12;
  }
  auto scheduler = schedule(4);
  Recorder recorder;
  for (size_t i = 0; i < 8; ++i)
    submit(*scheduler, requests[i], i);
  // Of one that waits, of one that runs, between steps and inside of one.
  recorder.onToken = [&](uint64_t request) {
    if (request == 2 && recorder.answers[2].ids.size() == 5)
      scheduler->cancel(0);
  };
  scheduler->cancel(6);
  scheduler->cancel(99);
  ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  scheduler->cancel(1);
  drain(*scheduler, recorder);
  recorder.onToken = {};
  for (size_t i = 0; i < 8; ++i) {
    Answer expected = alone(requests[i]);
    Answer &found = recorder.answers[i];
    if (i == 0 || i == 1 || i == 6) {
      EXPECT_FALSE(found.end) << i;
      ASSERT_LT(found.ids.size(), expected.ids.size()) << i;
      EXPECT_TRUE(
          std::equal(found.ids.begin(), found.ids.end(), expected.ids.begin()))
          << i;
    } else {
      EXPECT_EQ(found, expected) << i;
    }
  }
  EXPECT_TRUE(recorder.answers[6].ids.empty());
}

TEST_F(SchedulerTest, NewPromptsDoNotHoldBackOthers) {
  auto scheduler = schedule(3);
  Recorder recorder;
  uint64_t sent = 0;
  submit(*scheduler, {.ids = {1, 2}, .maxTokens = 8}, sent++);
  ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  // Prompts that end at once leave a slot free, and another one waits always.
  size_t steps = 0;
  for (; !recorder.answers[0].end && steps < 100; ++steps) {
    submit(*scheduler, {.ids = {3}, .maxTokens = 1}, sent++);
    ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  }
  // 7 tokens more, and a prompt between any two of them.
  EXPECT_EQ(steps, 13u);
  drain(*scheduler, recorder);
  EXPECT_EQ(recorder.answers[0].ids.size(), 8u);
}

TEST_F(SchedulerTest, ExceptionsEndAll) {
  auto scheduler = schedule(2);
  Recorder recorder;
  for (uint64_t i = 0; i < 3; ++i)
    submit(*scheduler, {.ids = {1, 2}, .maxTokens = 3}, i);
  recorder.onToken = [](uint64_t) { throw std::bad_alloc(); };
  EXPECT_THROW((void)scheduler->step(recorder, error), std::bad_alloc);
  EXPECT_TRUE(scheduler->idle());
  EXPECT_EQ(scheduler->running(), 0u);
  // It is as new.
  recorder.onToken = {};
  Request request{.ids = {1, 2}, .maxTokens = 3};
  submit(*scheduler, request, 3);
  drain(*scheduler, recorder);
  EXPECT_EQ(recorder.answers[3], alone(request));
}

TEST_F(SchedulerTest, SubmittedFromOtherThreads) {
  std::vector<Request> requests = variety();
  auto scheduler = schedule(3);
  Recorder recorder;
  std::mutex mutex;
  std::map<uint64_t, size_t> numbers; // the request of each number
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = t; i < requests.size(); i += 3) {
        std::string problem;
        std::scoped_lock lock(mutex);
        auto number = scheduler->submit(requests[i], problem);
        EXPECT_TRUE(number) << problem;
        numbers[number.value_or(99)] = i;
      }
    });
  size_t finished = 0;
  while (finished < requests.size()) {
    ASSERT_TRUE(scheduler->step(recorder, error)) << error;
    finished = 0;
    for (const auto &[number, answer] : recorder.answers)
      finished += answer.end.has_value();
  }
  for (std::thread &thread : threads)
    thread.join();
  for (const auto &[number, i] : numbers)
    EXPECT_EQ(recorder.answers[number], alone(requests[i])) << i;
}

TEST_F(SchedulerTest, WhatIsNotAllowed) {
  auto scheduler = schedule(2);
  auto refused = [&](Request request) {
    EXPECT_FALSE(scheduler->submit(request, error));
    return error;
  };
  EXPECT_EQ(refused({}), "expected at least one token");
  EXPECT_EQ(refused({.ids = {1}, .maxTokens = 0}),
            "max_tokens is 0, expected 1 or more");
  EXPECT_NE(refused({.ids = {1, 50}}).find("token id 50 (number 2 of 2)"),
            std::string::npos);
  EXPECT_NE(refused({.ids = {1}, .sampler = {.temperature = -1}})
                .find("temperature is -1"),
            std::string::npos);
  scheduler = Scheduler::create(*ready, nullptr, {}, error);
  EXPECT_EQ(refused({.ids = {1}, .stops = {"a"}}),
            "fake has no tokenizer, expected no stop texts");
  // Without a tokenizer there are tokens, and no text.
  Recorder recorder;
  submit(*scheduler, {.ids = {1}, .maxTokens = 2}, 0);
  drain(*scheduler, recorder);
  EXPECT_EQ(recorder.answers[0], (Answer{{49, 49}, "", AnswerEnd::Length}));
}

TEST_F(SchedulerTest, FailuresEndAll) {
  auto scheduler = schedule(2);
  Recorder recorder;
  for (uint64_t i = 0; i < 3; ++i)
    submit(*scheduler, {.ids = {1, 2}, .maxTokens = 3}, i);
  failNext = true;
  EXPECT_FALSE(scheduler->step(recorder, error));
  EXPECT_NE(error.find("broken on purpose"), std::string::npos);
  EXPECT_FALSE(scheduler->failed());
  EXPECT_TRUE(scheduler->idle());
  failNext = false;
  // It is as new.
  submit(*scheduler, {.ids = {1, 2}, .maxTokens = 3}, 3);
  drain(*scheduler, recorder);
  EXPECT_EQ(recorder.answers[3].ids.size(), 3u);
  // A listener may end it, too.
  recorder.refuse = true;
  submit(*scheduler, {.ids = {1, 2}, .maxTokens = 1}, 4);
  EXPECT_FALSE(scheduler->step(recorder, error));
  EXPECT_EQ(error, "refused");
}

/// Lets ids through that are divisible by three.
class Thirds : public TokenConstraint {
public:
  void mask(std::span<float> logits) override {
    for (size_t id = 0; id < logits.size(); ++id)
      if (id % 3)
        logits[id] = -std::numeric_limits<float>::infinity();
  }
  void accept(int32_t id) override { accepted.push_back(id); }
  std::vector<int32_t> accepted;
};

TEST_F(SchedulerTest, AnswersKeepToTheirConstraints) {
  auto thirds = std::make_shared<Thirds>();
  auto scheduler = schedule(2);
  Recorder recorder;
  Request request{.ids = {3, 5}, .maxTokens = 9};
  request.sampler = {.temperature = 5, .seed = 4};
  Answer free = alone(request);
  submit(*scheduler, request, 0);
  request.constraint = thirds;
  submit(*scheduler, request, 1);
  drain(*scheduler, recorder);
  EXPECT_EQ(recorder.answers[0], free);
  EXPECT_TRUE(std::ranges::any_of(free.ids, [](int id) { return id % 3; }));
  EXPECT_EQ(recorder.answers[1].ids, thirds->accepted);
  EXPECT_EQ(thirds->accepted.size(), 9u);
  for (int32_t id : thirds->accepted)
    EXPECT_EQ(id % 3, 0);
}

TEST_F(SchedulerTest, TellsProbabilities) {
  auto scheduler = schedule(2);
  Recorder recorder;
  Request request{.ids = {3, 5}, .maxTokens = 4};
  request.likeliest = int32_t(vocabulary) + 5; // all
  submit(*scheduler, request, 0);
  request.likeliest = 2;
  submit(*scheduler, request, 1);
  drain(*scheduler, recorder);
  for (size_t i = 0; i < 4; ++i) {
    const auto &[chosen, all] = recorder.chances[0][i];
    ASSERT_EQ(all.size(), vocabulary);
    double sum = 0;
    for (const TokenChance &chance : all)
      sum += std::exp(double(chance.logProbability));
    EXPECT_NEAR(sum, 1, 1e-5);
    // The greedy choice.
    EXPECT_EQ(all[0].id, recorder.answers[0].ids[i]);
    EXPECT_EQ(all[0].logProbability, chosen);
    const auto &[same, two] = recorder.chances[1][i];
    ASSERT_EQ(two.size(), 2u);
    EXPECT_EQ(two[1].id, all[1].id);
    EXPECT_EQ(two[1].logProbability, all[1].logProbability);
    EXPECT_GE(two[0].logProbability, two[1].logProbability);
    EXPECT_EQ(same, chosen);
  }
  request.likeliest = -1;
  EXPECT_FALSE(scheduler->submit(request, error));
  EXPECT_EQ(error, "likeliest is -1, expected 0 or more");
}

} // namespace
