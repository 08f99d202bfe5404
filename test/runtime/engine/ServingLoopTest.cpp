//===- ServingLoopTest.cpp - Answers from a thread ------------------------===//

#include "SchedulerFixture.h"

#include "marimba/ServingLoop.h"

#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <random>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace marimba::rt;
using namespace marimba::rt::fake;
namespace fs = std::filesystem;

namespace {

/// Waits for one answer.
class Waiter : public AnswerListener {
public:
  void token(const NewToken &token) override {
    answer.ids.push_back(token.id);
    answer.text += token.text;
    if (onToken)
      onToken();
  }
  void finished(AnswerEnd end, std::string_view text,
                const RequestUsage &used) override {
    answer.end = end;
    answer.text += text;
    usage = used;
    done.set_value("");
  }
  void failed(const std::string &error) override { done.set_value(error); }

  /// The error, or nothing.
  std::string wait() {
    auto future = done.get_future();
    if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready)
      return "nothing came";
    return future.get();
  }

  Answer answer;
  RequestUsage usage;
  std::function<void()> onToken;

private:
  std::promise<std::string> done;
};

class ServingLoopTest : public SchedulerTest {
protected:
  void SetUp() override {
    SchedulerTest::SetUp();
    folder = fs::temp_directory_path() /
             ("marimba-loop-" + std::to_string(getpid()));
    fs::remove_all(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  std::unique_ptr<ServingLoop> serve(Scheduler::Options options = {}) {
    auto loop = ServingLoop::create(*ready, tokenizer.get(), options, error);
    EXPECT_TRUE(loop) << error;
    return loop;
  }
  Scheduler::Options onDisk() {
    Scheduler::Options options;
    options.slots = 4;
    options.cache.bytes = int64_t(1) << 30;
    options.cache.every = 64;
    options.cache.folder = folder;
    return options;
  }
  std::optional<uint64_t> submit(ServingLoop &loop, const Request &request,
                                 std::shared_ptr<Waiter> waiter) {
    std::string problem;
    auto number = loop.submit(request, std::move(waiter), why, problem);
    if (!number)
      error = problem;
    return number;
  }
  RequestUsage ask(ServingLoop &loop, const Request &request) {
    auto waiter = std::make_shared<Waiter>();
    EXPECT_TRUE(submit(loop, request, waiter)) << error;
    EXPECT_EQ(waiter->wait(), "");
    return waiter->usage;
  }
  static std::vector<int32_t> message(size_t count, int32_t seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    std::vector<int32_t> ids;
    for (size_t i = 0; i < count; ++i)
      ids.push_back(int32_t(random() % 10));
    return ids;
  }
  /// A text and a question; states are kept behind each.
  static Request conversation(int32_t seed, size_t length = 100) {
    Request request{.ids = message(length + 12, seed), .maxTokens = 3};
    request.boundaries = {int64_t(length), int64_t(length + 10)};
    return request;
  }

  fs::path folder;
  SubmitError why = SubmitError::Bad;
};

TEST_F(ServingLoopTest, AnswersFromManyThreads) {
  std::vector<Request> requests = variety();
  std::vector<Answer> expected;
  for (const Request &request : requests)
    expected.push_back(alone(request));
  auto loop = serve({.slots = 3});
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<Waiter>> waiters(requests.size());
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = t; i < requests.size(); i += 4) {
        waiters[i] = std::make_shared<Waiter>();
        std::string problem;
        SubmitError reason{};
        EXPECT_TRUE(loop->submit(requests[i], waiters[i], reason, problem))
            << problem;
        EXPECT_EQ(waiters[i]->wait(), "");
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (size_t i = 0; i < requests.size(); ++i)
    EXPECT_EQ(waiters[i]->answer, expected[i]) << i;
  ServingCounters counters = loop->counters();
  EXPECT_EQ(counters.requests, requests.size());
  EXPECT_EQ(counters.finished, requests.size());
  EXPECT_GT(counters.steps, 0u);
  EXPECT_GT(counters.longestStep, 0);
  uint64_t tokens = 0;
  for (const Answer &answer : expected)
    tokens += answer.ids.size();
  EXPECT_EQ(counters.newTokens, tokens);
}

TEST_F(ServingLoopTest, WhoGoesFreesTheSlot) {
  auto loop = serve({.slots = 1, .waiting = 1});
  Request endless{.ids = {1, 2}, .maxTokens = 1 << 30};
  endless.sampler.temperature = 5;
  auto first = std::make_shared<Waiter>(), second = std::make_shared<Waiter>();
  std::promise<void> begun;
  std::atomic<bool> told = false;
  first->onToken = [&] {
    if (!told.exchange(true))
      begun.set_value();
  };
  auto number = submit(*loop, endless, first);
  ASSERT_TRUE(number);
  begun.get_future().wait();
  Request request{.ids = {3}, .maxTokens = 2};
  ASSERT_TRUE(submit(*loop, request, second));
  EXPECT_FALSE(submit(*loop, request, std::make_shared<Waiter>()));
  EXPECT_EQ(why, SubmitError::Full);
  EXPECT_EQ(loop->counters().refused, 1u);
  loop->cancel(*number);
  EXPECT_EQ(second->wait(), "");
  EXPECT_EQ(second->answer, alone(request));
  EXPECT_EQ(loop->counters().cancelled, 1u);
  // The loop has let go of it.
  first->onToken = {};
  EXPECT_EQ(first.use_count(), 1);
}

TEST_F(ServingLoopTest, StopsAtOnceOrWhenAllIsAnswered) {
  Request request{.ids = {3, 4}, .maxTokens = 50};
  for (bool drain : {true, false}) {
    auto loop = serve({.slots = 2});
    std::vector<std::shared_ptr<Waiter>> waiters;
    for (int i = 0; i < 6; ++i) {
      waiters.push_back(std::make_shared<Waiter>());
      if (!drain)
        request.maxTokens = 1 << 30;
      ASSERT_TRUE(submit(*loop, request, waiters.back()));
    }
    loop->stop(drain);
    for (auto &waiter : waiters)
      EXPECT_EQ(waiter->wait(), drain ? "" : "the server stops");
    EXPECT_FALSE(submit(*loop, request, std::make_shared<Waiter>()));
    EXPECT_EQ(why, SubmitError::Stopped);
    EXPECT_FALSE(loop->saveSession("a", {1}, {}, "", error));
  }
}

TEST_F(ServingLoopTest, AFailureIsToldAndTheLoopGoesOn) {
  auto loop = serve();
  failNext = true;
  auto waiter = std::make_shared<Waiter>();
  Request request{.ids = {3, 4}, .maxTokens = 5};
  ASSERT_TRUE(submit(*loop, request, waiter));
  EXPECT_NE(waiter->wait().find("broken on purpose"), std::string::npos);
  failNext = false;
  ask(*loop, request);
  poison = 4;
  waiter = std::make_shared<Waiter>();
  ASSERT_TRUE(submit(*loop, request, waiter));
  EXPECT_NE(waiter->wait().find("NaN"), std::string::npos);
  EXPECT_EQ(loop->counters().failed, 2u);
}

TEST_F(ServingLoopTest, SessionsHaveNames) {
  Request request = conversation(1);
  {
    auto loop = serve();
    EXPECT_FALSE(loop->hasSessions());
    EXPECT_FALSE(loop->saveSession("a", request.ids, {}, "", error));
    EXPECT_EQ(error, "there is no folder for sessions");
    EXPECT_TRUE(loop->sessions().empty());
  }
  {
    auto loop = serve(onDisk());
    ask(*loop, request);
    for (std::string name : {"", ".a", "../a", "a/b", "a b", "\xc3\xa4"}) {
      EXPECT_FALSE(
          loop->saveSession(name, request.ids, request.boundaries, "", error));
      EXPECT_NE(error.find("a session's name must be"), std::string::npos);
    }
    ASSERT_TRUE(loop->saveSession("one.A-_", request.ids, request.boundaries,
                                  "{\"x\":\xc3\xa4}", error))
        << error;
    ASSERT_TRUE(loop->forkSession("one.A-_", "two", error)) << error;
    EXPECT_FALSE(loop->forkSession("one.A-_", "two", error));
    EXPECT_EQ(error, "there is a session 'two' already");
    EXPECT_FALSE(loop->forkSession("three", "four", error));
    EXPECT_EQ(error, "there is no session 'three'");
    ASSERT_TRUE(loop->deleteSession("one.A-_", error)) << error;
    EXPECT_FALSE(loop->deleteSession("one.A-_", error));
  }
  auto loop = serve(onDisk());
  std::vector<SessionInfo> all = loop->sessions();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].name, "two");
  EXPECT_EQ(all[0].tokens, 112u);
  EXPECT_EQ(all[0].attachment, "{\"x\":\xc3\xa4}");
  auto session = loop->session("two", error);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->ids, request.ids);
  EXPECT_EQ(session->boundaries, request.boundaries);
  EXPECT_EQ(ask(*loop, request).reusedTokens, 110u);
  // An edited question reads only itself.
  request.ids[105] = 9 - request.ids[105];
  EXPECT_EQ(ask(*loop, request).reusedTokens, 100u);
  loop.reset();
  // Another model does not touch it.
  auto mine = std::move(ready);
  ready = std::make_unique<ReadyModel>(
      ModelFacts{.name = "other", .meaning = "other"}, model, 4);
  loop = serve(onDisk());
  EXPECT_TRUE(loop->sessions().empty());
  EXPECT_FALSE(loop->session("two", error));
  EXPECT_EQ(error, "session 'two' belongs to another model");
  EXPECT_FALSE(loop->saveSession("two", {1}, {}, "", error));
  loop.reset();
  ready = std::move(mine);
  // A damaged one is refused by its name.
  std::ofstream(folder / "two.session", std::ios::app) << "x";
  loop = serve(onDisk());
  EXPECT_TRUE(loop->sessions().empty());
  EXPECT_FALSE(loop->session("two", error));
  EXPECT_NE(error.find("two.session is incomplete or damaged"),
            std::string::npos)
      << error;
  EXPECT_TRUE(loop->saveSession("two", {1}, {}, "", error)) << error;
}

TEST_F(ServingLoopTest, AFolderHasOneServerOfAModel) {
  auto loop = serve(onDisk());
  EXPECT_FALSE(ServingLoop::create(*ready, tokenizer.get(), onDisk(), error));
  EXPECT_EQ(error, folder.string() +
                       ": another server of this model uses it; expected a "
                       "folder of its own for each");
  ReadyModel other(ModelFacts{.name = "other", .meaning = "other"}, model, 4);
  error.clear();
  EXPECT_TRUE(ServingLoop::create(other, tokenizer.get(), onDisk(), error))
      << error;
  loop.reset();
  EXPECT_TRUE(serve(onDisk()));
}

TEST_F(ServingLoopTest, ReadsAheadWhileNobodyAsks) {
  Request request = conversation(7);
  auto loop = serve(onDisk());
  loop->readWhenIdle({request.ids.begin(), request.ids.begin() + 110},
                     request.boundaries);
  // Places at 64, 100 and 110.
  for (int i = 0; i < 6000 && loop->counters().cacheNodes < 3; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(loop->counters().requests, 0u);
  EXPECT_EQ(ask(*loop, request).reusedTokens, 110u);
  // Not allowed, and where nothing is kept: nothing to do.
  loop->readWhenIdle({1000000}, {});
  EXPECT_EQ(ask(*loop, request).reusedTokens, 110u);
  auto forgetful = serve();
  forgetful->readWhenIdle(request.ids, {});
  EXPECT_EQ(ask(*forgetful, request).reusedTokens, 0u);
}

TEST_F(ServingLoopTest, WhatASessionHasStaysInTheFolder) {
  Scheduler::Options options = onDisk();
  options.cache.bytes = 20000;
  options.cache.folderBytes = 100000;
  Request named = conversation(1);
  {
    auto loop = serve(options);
    ask(*loop, named);
    ASSERT_TRUE(loop->saveSession("a", named.ids, named.boundaries, "", error));
    for (int32_t i = 2; i < 40; ++i)
      ask(*loop, conversation(i));
    EXPECT_EQ(ask(*loop, named).reusedTokens, 110u);
    // So sessions fill the folder at last.
    int32_t i = 100;
    bool saved = true;
    for (; saved && i < 140; ++i) {
      Request request = conversation(i);
      ask(*loop, request);
      saved = loop->saveSession("s" + std::to_string(i), request.ids,
                                request.boundaries, "", error);
    }
    EXPECT_FALSE(saved);
    EXPECT_NE(error.find("their folder may hold 100000"), std::string::npos)
        << error;
    EXPECT_GT(i, 103);
    ASSERT_TRUE(loop->deleteSession("a", error));
  }
  options.cache.folderBytes = 1;
  auto loop = serve(options);
  EXPECT_EQ(ask(*loop, named).reusedTokens, 0u);
  EXPECT_EQ(ask(*loop, conversation(100)).reusedTokens, 110u);
}

TEST_F(ServingLoopTest, NothingThatWasSavedIsLostByKilling) {
  // A process that saves and spills as fast as it can is killed, again and
  // again; what it said was saved is there.
  std::mt19937 random(1);
  Scheduler::Options options = onDisk();
  options.cache.bytes = 30000;
  int32_t next = 0;
  size_t all = 0;
  for (int round = 0; round < 6; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      auto loop = serve(options);
      for (int32_t i = next;; ++i) {
        Request request = conversation(i);
        ask(*loop, request);
        if (!loop->saveSession("s" + std::to_string(i), request.ids,
                               request.boundaries, "", error) ||
            write(ends[1], &i, sizeof(i)) != sizeof(i))
          _exit(1);
      }
    }
    close(ends[1]);
    // After some were saved, at any moment.
    int32_t last = -1, got = 0;
    for (int count = 0; count < 4 && read(ends[0], &got, sizeof(got)) > 0;
         ++count)
      last = got;
    usleep(unsigned(random() % 20000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    while (read(ends[0], &got, sizeof(got)) == sizeof(got))
      last = got;
    close(ends[0]);
    ASSERT_GE(last, next + 3);
    next = last + 1;
    auto loop = serve(options);
    all = loop->sessions().size();
    EXPECT_GE(all, size_t(next));
    for (int32_t i = std::max(0, next - 8); i < next; ++i) {
      ASSERT_TRUE(loop->session("s" + std::to_string(i), error)) << error;
      Request request = conversation(i);
      auto waiter = std::make_shared<Waiter>();
      ASSERT_TRUE(submit(*loop, request, waiter));
      EXPECT_EQ(waiter->wait(), "");
      EXPECT_EQ(waiter->usage.reusedTokens, 110u) << i;
      EXPECT_EQ(waiter->answer, alone(request));
    }
    // It may have been saved and not said so.
    while (loop->session("s" + std::to_string(next), error))
      ++next;
  }
}

} // namespace
