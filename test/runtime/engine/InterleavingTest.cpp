//===- InterleavingTest.cpp - Prompts between tokens ----------------------===//

#include "SchedulerFixture.h"

#include <algorithm>

using namespace marimba::rt;
using namespace marimba::rt::fake;

namespace {

/// So many tokens that follow from `seed`.
std::vector<int32_t> text(size_t count, int32_t seed) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < count; ++i)
    ids.push_back((seed * 7 + int32_t(i) * 3) % int32_t(vocabulary));
  return ids;
}

using InterleavingTest = SchedulerTest;

TEST_F(InterleavingTest, ALongPromptDoesNotStopOthers) {
  auto scheduler = schedule(2);
  Recorder recorder;
  submit(*scheduler, {.ids = {1, 2}, .maxTokens = 40}, 0);
  ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  submit(*scheduler, {.ids = text(120, 1), .maxTokens = 1}, 1);
  calls.clear();
  while (!recorder.answers[1].end)
    ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  // 30 pieces of a chunk, and a token of the other between any two.
  ASSERT_EQ(calls.size(), 60u);
  for (size_t i = 0; i < calls.size(); ++i)
    EXPECT_EQ(calls[i], i % 2 ? 4 : 1) << i;
  EXPECT_EQ(recorder.answers[0].ids.size(), 31u);
  EXPECT_EQ(recorder.read[1], 120u);
  drain(*scheduler, recorder);
  EXPECT_EQ(recorder.answers[0], alone({.ids = {1, 2}, .maxTokens = 40}));
}

TEST_F(InterleavingTest, ShortPromptsPassLongOnes) {
  auto scheduler = schedule(4);
  Recorder recorder;
  submit(*scheduler, {.ids = text(120, 1), .maxTokens = 1}, 0);
  submit(*scheduler, {.ids = text(110, 2), .maxTokens = 1}, 1);
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  submit(*scheduler, {.ids = {5, 6, 7}, .maxTokens = 2}, 2);
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  EXPECT_TRUE(recorder.answers[2].end);
  // Many short ones do not keep a long one from being read.
  uint64_t sent = 3;
  size_t before = recorder.read[0];
  for (int i = 0; i < 40; ++i) {
    submit(*scheduler, {.ids = {5, 6, 7}, .maxTokens = 1}, sent++);
    ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  }
  EXPECT_GE(recorder.read[0], before + 40);
  drain(*scheduler, recorder);
}

TEST_F(InterleavingTest, ShortPromptsAreReadTogether) {
  auto scheduler = schedule(8);
  Recorder recorder;
  for (uint64_t i = 0; i < 8; ++i)
    submit(*scheduler, {.ids = {1, int32_t(i)}, .maxTokens = 1}, i);
  calls.clear();
  drain(*scheduler, recorder);
  // Four chunks of 4 tokens hold them all.
  EXPECT_EQ(calls, std::vector<int64_t>{2});
}

TEST_F(InterleavingTest, CancelledWhileItIsRead) {
  auto scheduler = schedule(2);
  Recorder recorder;
  submit(*scheduler, {.ids = text(100, 1), .maxTokens = 2}, 0);
  submit(*scheduler, {.ids = text(100, 2), .maxTokens = 2}, 1);
  submit(*scheduler, {.ids = {3}, .maxTokens = 2}, 2);
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  EXPECT_EQ(scheduler->waiting(), 1u);
  scheduler->cancel(0);
  ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  // Its slot is the next one's.
  EXPECT_EQ(scheduler->waiting(), 0u);
  EXPECT_EQ(scheduler->running(), 2u);
  drain(*scheduler, recorder);
  EXPECT_FALSE(recorder.answers[0].end);
  EXPECT_EQ(recorder.answers[1], alone({.ids = text(100, 2), .maxTokens = 2}));
  EXPECT_EQ(recorder.answers[2], alone({.ids = {3}, .maxTokens = 2}));
}

TEST_F(InterleavingTest, TheQueueHasABound) {
  auto scheduler = schedule({.slots = 2, .waiting = 3});
  Recorder recorder;
  Request request{.ids = {1, 2}, .maxTokens = 4};
  // Two have slots.
  for (uint64_t i = 0; i < 5; ++i)
    submit(*scheduler, request, i);
  SubmitError why = SubmitError::Bad;
  EXPECT_FALSE(scheduler->submit(request, error, &why));
  EXPECT_EQ(why, SubmitError::Full);
  EXPECT_EQ(error, "5 requests wait already, and no more may");
  ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  EXPECT_FALSE(scheduler->submit(request, error, &why));
  EXPECT_FALSE(scheduler->submit({}, error, &why));
  EXPECT_EQ(why, SubmitError::Bad);
  scheduler->cancel(4);
  submit(*scheduler, request, 5);
  drain(*scheduler, recorder);
  EXPECT_TRUE(recorder.answers[5].end);
}

TEST_F(InterleavingTest, BoundariesEndPieces) {
  Request request{.ids = text(14, 3), .maxTokens = 2};
  request.boundaries = {0, 2, 3, 8, 14};
  calls.clear();
  Answer cut = alone(request);
  // Up to 2, 3, 4, 8, 12, 14, and one token more.
  EXPECT_EQ(calls, (std::vector<int64_t>{2, 1, 1, 4, 4, 2, 1}));
  request.boundaries.clear();
  EXPECT_EQ(alone(request), cut);
}

TEST_F(InterleavingTest, OneThatIsNotFiniteLeavesTheOthers) {
  std::vector<Request> requests;
  for (int32_t i = 0; i < 6; ++i)
    requests.push_back({.ids = text(size_t(3 + 5 * i), i), .maxTokens = 9});
  requests[2].ids.back() = requests[3].ids.back() = 48;
  std::vector<Answer> expected;
  for (const Request &request : requests)
    expected.push_back(alone(request));
  poison = 48;
  for (int32_t slots : {1, 2, 6}) {
    auto scheduler = schedule(slots);
    Recorder recorder;
    recorder.keepGoing = true;
    for (size_t i = 0; i < requests.size(); ++i)
      submit(*scheduler, requests[i], i);
    drain(*scheduler, recorder);
    EXPECT_EQ(recorder.problems.size(), 2u);
    for (size_t i = 0; i < requests.size(); ++i)
      if (i == 2 || i == 3)
        EXPECT_NE(recorder.problems[i].find("NaN"), std::string::npos)
            << recorder.problems[i];
      else
        EXPECT_EQ(recorder.answers[i], expected[i]) << i;
  }
  // A listener that does not want that ends all.
  auto scheduler = schedule(6);
  Recorder recorder;
  for (size_t i = 0; i < requests.size(); ++i)
    submit(*scheduler, requests[i], i);
  bool good = true;
  while (good && !scheduler->idle())
    good = scheduler->step(recorder, error);
  EXPECT_FALSE(good);
  EXPECT_TRUE(scheduler->failed() == 2 || scheduler->failed() == 3);
  EXPECT_TRUE(scheduler->idle());
}

TEST_F(InterleavingTest, RowsChangePlaces) {
  // Prompts of all lengths, answers of all lengths, all orders of joining and
  // leaving; the model checks that each row has its own tokens.
  for (int32_t slots : {2, 3, 5}) {
    auto scheduler = schedule(slots);
    Recorder recorder;
    std::vector<Request> requests;
    for (int32_t i = 0; i < 40; ++i) {
      Request request{.ids = text(size_t(1 + i * 11 % 37), i),
                      .maxTokens = 1 + i * 5 % 13};
      request.sampler = {.temperature = 5, .seed = uint64_t(i)};
      requests.push_back(request);
      submit(*scheduler, request, uint64_t(i));
    }
    for (int i = 0; !scheduler->idle(); ++i) {
      ASSERT_TRUE(scheduler->step(recorder, error)) << error;
      if (i % 9 == 5)
        scheduler->cancel(uint64_t(i));
    }
    for (uint64_t i = 0; i < 40; ++i)
      if (recorder.answers[i].end)
        EXPECT_EQ(recorder.answers[i], alone(requests[i])) << i;
  }
}

TEST_F(InterleavingTest, ReadsWithoutAnswering) {
  auto scheduler = schedule(2);
  Recorder recorder;
  submit(*scheduler, {.ids = text(30, 1), .onlyRead = true}, 0);
  drain(*scheduler, recorder);
  EXPECT_EQ(recorder.answers[0], (Answer{{}, "", AnswerEnd::Length}));
  EXPECT_EQ(recorder.read[0], 30u);
}

} // namespace
