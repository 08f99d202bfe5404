//===- PrefixTreeTest.cpp - Beginnings that are not read again ------------===//

#include "SchedulerFixture.h"

#include "marimba/PrefixTree.h"

#include <algorithm>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace marimba::rt;
using namespace marimba::rt::fake;
namespace fs = std::filesystem;

namespace {

/// A conversation that is asked again and again, as a client of a server does.
struct Talk {
  std::vector<int32_t> ids;
  std::vector<int64_t> boundaries;

  void say(const std::vector<int32_t> &message) {
    ids.insert(ids.end(), message.begin(), message.end());
    boundaries.push_back(int64_t(ids.size()));
  }
  /// What a template puts in front of an answer.
  Request ask(int64_t maxTokens = 5) const {
    Request request{
        .ids = ids, .boundaries = boundaries, .maxTokens = maxTokens};
    request.ids.insert(request.ids.end(), {7, 0});
    request.sampler = {.temperature = 5, .seed = ids.size()};
    return request;
  }
};

std::vector<int32_t> message(size_t count, int32_t seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::vector<int32_t> ids;
  for (size_t i = 0; i < count; ++i)
    ids.push_back(int32_t(random() % 10));
  return ids;
}

class PrefixTreeTest : public SchedulerTest {
protected:
  void SetUp() override {
    SchedulerTest::SetUp();
    folder = fs::temp_directory_path() /
             ("marimba-prefix-" + std::to_string(getpid()));
    fs::remove_all(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  /// One after the other.
  Answer run(Scheduler &scheduler, const Request &request,
             RequestUsage *usage = nullptr) {
    Recorder recorder;
    auto number = scheduler.submit(request, error);
    EXPECT_TRUE(number) << error;
    while (!scheduler.idle())
      EXPECT_TRUE(scheduler.step(recorder, error)) << error;
    if (usage)
      *usage = recorder.usage[*number];
    return recorder.answers[*number];
  }
  size_t reused(Scheduler &scheduler, const Request &request) {
    RequestUsage usage;
    EXPECT_EQ(run(scheduler, request, &usage), alone(request));
    return usage.reusedTokens;
  }
  PrefixTree::Options onDisk(int64_t bytes = int64_t(1) << 30) {
    return {.bytes = bytes,
            .every = 64,
            .folder = folder,
            .note = [this](const std::string &text) {
              std::scoped_lock lock(notesMutex);
              notes.push_back(text);
            }};
  }
  std::vector<fs::path> files(const std::string &extension) {
    std::vector<fs::path> result;
    for (const auto &entry : fs::directory_iterator(folder))
      if (entry.path().extension() == extension)
        result.push_back(entry.path());
    std::ranges::sort(result);
    return result;
  }

  fs::path folder;
  std::mutex notesMutex;
  std::vector<std::string> notes;
};

/// A conversation of 20 turns over a long text: each turn reads what is new.
struct TwentyTurns {
  Talk talk;
  std::vector<Talk> turns; // before each answer

  TwentyTurns(size_t text, int turnCount) {
    talk.say(message(text, 1));
    for (int turn = 0; turn < turnCount; ++turn) {
      talk.say(message(size_t(5 + turn % 7), 100 + turn)); // a question
      turns.push_back(talk);
      talk.say(message(size_t(4 + turn % 5), 200 + turn)); // an answer
    }
  }
  /// Tokens of a turn that those before do not have.
  size_t own(size_t turn) const {
    return turns[turn].ids.size() + 2 -
           size_t(turn ? turns[turn - 1].boundaries.back() : 0);
  }
};

TEST_F(PrefixTreeTest, ATurnReadsItsOwnTokens) {
  TwentyTurns conversation(1000, 20);
  for (int32_t slots : {1, 3}) {
    auto scheduler =
        schedule({.slots = slots, .cache = {.bytes = 1 << 30, .every = 64}});
    for (size_t turn = 0; turn < 20; ++turn) {
      Request request = conversation.turns[turn].ask();
      calls.clear();
      RequestUsage usage;
      Answer answer = run(*scheduler, request, &usage);
      std::vector<int64_t> withReuse = calls;
      EXPECT_EQ(usage.promptTokens - usage.reusedTokens,
                conversation.own(turn));
      calls.clear();
      EXPECT_EQ(answer, alone(request));
      // The same pieces as without reuse, from there on.
      ASSERT_LE(withReuse.size(), calls.size());
      EXPECT_TRUE(
          std::equal(withReuse.rbegin(), withReuse.rend(), calls.rbegin()));
    }
  }
}

TEST_F(PrefixTreeTest, AlsoAfterARestartAndAnEdit) {
  TwentyTurns conversation(32 * 1024, 20);
  ready = std::make_unique<ReadyModel>(ModelFacts{.name = "fake"}, model, 512);
  PrefixTree::Options cache = onDisk();
  cache.every = 2048;
  for (size_t turn = 0; turn < 20; ++turn) {
    // A process for each turn.
    auto scheduler = schedule({.slots = 2, .cache = cache});
    RequestUsage usage;
    run(*scheduler, conversation.turns[turn].ask(), &usage);
    EXPECT_EQ(usage.promptTokens - usage.reusedTokens, conversation.own(turn))
        << turn;
  }
  // Turn 10 is asked otherwise.
  auto scheduler = schedule({.slots = 2, .cache = cache});
  Talk edited;
  const Talk &before = conversation.turns[9];
  edited.ids.assign(before.ids.begin(),
                    before.ids.begin() +
                        before.boundaries[before.boundaries.size() - 2]);
  edited.boundaries.assign(before.boundaries.begin(),
                           before.boundaries.end() - 1);
  size_t kept = edited.ids.size();
  edited.say(message(11, 999));
  EXPECT_EQ(reused(*scheduler, edited.ask()), kept);
  edited.ids.back() = 9 - edited.ids.back();
  EXPECT_EQ(reused(*scheduler, edited.ask()), kept);
  EXPECT_TRUE(notes.empty());
}

TEST_F(PrefixTreeTest, ManyAtOnceEqualEachAlone) {
  // Texts in common, of systems, documents and conversations; some greedy.
  std::vector<Request> requests;
  std::mt19937 random(5);
  for (int i = 0; i < 64; ++i) {
    Talk talk;
    talk.say(message(90, 1000 + i % 2));
    if (i % 4 != 3)
      talk.say(message(40, 2000 + i % 6));
    if (i % 3)
      talk.say(message(1 + random() % 30, 3000 + i % 8));
    Request request = talk.ask(1 + int64_t(random() % 12));
    if (i % 5 == 0)
      request.sampler.temperature = 0;
    if (i % 7 == 0)
      request.boundaries.clear();
    requests.push_back(request);
  }
  std::vector<Answer> expected;
  for (const Request &request : requests)
    expected.push_back(alone(request));
  for (int64_t bytes : {int64_t(1) << 30, int64_t(8000), int64_t(0)})
    for (int32_t slots : {1, 4, 16, 64}) {
      auto scheduler =
          schedule({.slots = slots, .cache = {.bytes = bytes, .every = 16}});
      Recorder recorder;
      for (size_t i = 0; i < 64; ++i)
        submit(*scheduler, requests[i], i);
      while (!scheduler->idle()) {
        ASSERT_TRUE(scheduler->step(recorder, error)) << error;
        ASSERT_LE(scheduler->tree().counts().bytes, bytes);
      }
      size_t reusedTokens = 0;
      for (size_t i = 0; i < 64; ++i) {
        EXPECT_EQ(recorder.answers[i], expected[i])
            << i << ", " << slots << " slots, " << bytes;
        reusedTokens += recorder.usage[i].reusedTokens;
      }
      if (bytes == 0)
        EXPECT_EQ(reusedTokens, 0u);
      else
        EXPECT_GT(reusedTokens, bytes > 8000 ? 64 * 80u : 200u);
    }
}

TEST_F(PrefixTreeTest, ATextInCommonIsReadOnce) {
  Talk common;
  common.say(message(101, 1));
  auto scheduler =
      schedule({.slots = 64, .cache = {.bytes = 1 << 30, .every = 64}});
  Recorder recorder;
  for (uint64_t i = 0; i < 64; ++i) {
    Talk talk = common;
    talk.say({int32_t(i) % 8, int32_t(i) / 8, 3});
    submit(*scheduler, talk.ask(), i);
  }
  drain(*scheduler, recorder);
  for (uint64_t i = 0; i < 64; ++i)
    EXPECT_EQ(recorder.usage[i].reusedTokens, i ? 101u : 0u) << i;
}

TEST_F(PrefixTreeTest, IdenticalRequestsHaveOneAnswer) {
  Talk talk;
  talk.say(message(77, 1));
  Request request = talk.ask(20);
  request.sampler.temperature = 0;
  Answer expected = alone(request);
  for (int64_t bytes : {0, 1 << 20}) {
    auto scheduler = schedule({.slots = 16, .cache = {.bytes = bytes}});
    Recorder recorder;
    for (uint64_t i = 0; i < 40; ++i)
      submit(*scheduler, request, i);
    drain(*scheduler, recorder);
    for (uint64_t i = 0; i < 40; ++i)
      EXPECT_EQ(recorder.answers[i], expected);
  }
}

TEST_F(PrefixTreeTest, OtherPiecesAreOtherPlaces) {
  auto scheduler = schedule({.cache = {.bytes = 1 << 20, .every = 64}});
  Request request{.ids = message(50, 1), .maxTokens = 2};
  request.boundaries = {13, 30};
  EXPECT_EQ(reused(*scheduler, request), 0u);
  EXPECT_EQ(reused(*scheduler, request), 30u);
  // The bits after 30 are others where no piece ends at 13.
  request.boundaries = {30};
  EXPECT_EQ(reused(*scheduler, request), 0u);
  request.boundaries = {13, 29, 30};
  EXPECT_EQ(reused(*scheduler, request), 13u);
  // A chunk ends there anyway.
  request.boundaries = {12, 13, 16, 30};
  EXPECT_EQ(reused(*scheduler, request), 30u);
}

TEST_F(PrefixTreeTest, PlacesEverySoManyTokens) {
  auto scheduler = schedule({.cache = {.bytes = 1 << 20, .every = 30}});
  Request request{.ids = message(150, 1), .maxTokens = 2};
  EXPECT_EQ(reused(*scheduler, request), 0u);
  EXPECT_EQ(scheduler->tree().counts().places, 4u);
  // Rounded up to 32.
  EXPECT_EQ(reused(*scheduler, request), 128u);
  request.ids[100] = 9 - request.ids[100];
  EXPECT_EQ(reused(*scheduler, request), 96u);
  // The last token is read in any case.
  request.ids.resize(64);
  EXPECT_EQ(reused(*scheduler, request), 32u);
}

TEST_F(PrefixTreeTest, WhatIsUsedStays) {
  // Room for a few conversations; the beginning of all is used by all.
  auto scheduler = schedule({.cache = {.bytes = 60000, .every = 64}});
  for (int32_t i = 0; i < 60; ++i) {
    Talk talk;
    talk.say(message(200, 1));
    talk.say(message(40, 10 + i));
    RequestUsage usage;
    run(*scheduler, talk.ask(), &usage);
    EXPECT_EQ(usage.reusedTokens, i ? 200u : 0u) << i;
    EXPECT_LE(scheduler->tree().counts().bytes, 60000);
  }
  EXPECT_GT(scheduler->tree().counts().evictions, 10u);
  // So does the newest.
  Talk talk;
  talk.say(message(200, 1));
  talk.say(message(40, 10 + 59));
  EXPECT_EQ(reused(*scheduler, talk.ask()), 240u);
}

TEST_F(PrefixTreeTest, WhatLeavesMemoryIsFoundOnTheDisk) {
  auto scheduler = schedule({.cache = onDisk(20000)});
  std::vector<Talk> talks(30);
  for (int round = 0; round < 2; ++round)
    for (int32_t i = 0; i < 30; ++i) {
      if (round == 0)
        talks[size_t(i)].say(message(150, i));
      RequestUsage usage;
      Request request = talks[size_t(i)].ask();
      EXPECT_EQ(run(*scheduler, request, &usage), alone(request));
      scheduler->tree().store()->flush();
      scheduler->tree().tidy();
      EXPECT_LE(scheduler->tree().counts().bytes, 20000);
      EXPECT_EQ(usage.reusedTokens, round ? 150u : 0u) << i;
    }
  EXPECT_GT(scheduler->tree().counts().spilled, 0u);
  EXPECT_TRUE(notes.empty()) << notes.front();
}

TEST_F(PrefixTreeTest, TheFolderHasABound) {
  PrefixTree::Options cache = onDisk(20000);
  cache.folderBytes = 100000;
  {
    auto scheduler = schedule({.cache = cache});
    for (int32_t i = 0; i < 40; ++i) {
      Talk talk;
      talk.say(message(150, i));
      run(*scheduler, talk.ask());
      scheduler->tree().store()->flush();
      scheduler->tree().tidy();
      EXPECT_LE(scheduler->tree().counts().stored, 100000);
    }
  }
  uintmax_t sum = 0;
  for (const fs::path &path : files(".part"))
    sum += fs::file_size(path);
  EXPECT_GT(sum, 50000u);
  EXPECT_LE(sum, 100000u);
  // A start with a smaller bound removes what is too much.
  cache.folderBytes = 40000;
  auto scheduler = schedule({.cache = cache});
  EXPECT_LE(scheduler->tree().counts().stored, 40000);
  EXPECT_EQ(files(".part").size() > 0, true);
}

TEST_F(PrefixTreeTest, FilesOfOthersAndDamagedFiles) {
  Talk talk;
  for (int32_t i = 0; i < 3; ++i)
    talk.say(message(100, i));
  run(*schedule({.cache = onDisk()}), talk.ask());
  std::vector<fs::path> parts = files(".part");
  ASSERT_EQ(parts.size(), 7u); // every 64, and 3 messages
  EXPECT_EQ(reused(*schedule({.cache = onDisk()}), talk.ask()), 300u);
  // Another model leaves them alone and does not take them.
  auto mine = std::move(ready);
  ready = std::make_unique<ReadyModel>(
      ModelFacts{.name = "fake", .meaning = "other"}, model, 4);
  EXPECT_EQ(reused(*schedule({.cache = onDisk()}), talk.ask()), 0u);
  EXPECT_EQ(files(".part").size(), 14u);
  ready = std::move(mine);
  EXPECT_EQ(reused(*schedule({.cache = onDisk()}), talk.ask()), 300u);
  EXPECT_TRUE(notes.empty()) << notes.front();
  // Whatever byte is changed, wherever it is cut: the answer is right.
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    fs::path path = parts[random() % parts.size()];
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    in.close();
    std::string changed = bytes;
    if (round % 3 == 0)
      changed.resize(random() % bytes.size());
    else
      changed[round % 3 == 1 ? random() % 400 : random() % bytes.size()] ^=
          char(1 << random() % 8);
    std::ofstream(path, std::ios::binary) << changed;
    notes.clear();
    {
      auto scheduler = schedule({.cache = onDisk()});
      reused(*scheduler, talk.ask());
      // Nothing is written in this round.
      std::ofstream(path, std::ios::binary) << bytes;
    }
    std::ofstream(path, std::ios::binary) << bytes;
    for (const std::string &note : notes)
      EXPECT_NE(note.find(path.string()), std::string::npos) << note;
  }
  EXPECT_EQ(reused(*schedule({.cache = onDisk()}), talk.ask()), 300u);
}

TEST_F(PrefixTreeTest, ACancelledReaderLeavesWhatItRead) {
  Talk talk;
  talk.say(message(300, 1));
  auto scheduler =
      schedule({.slots = 4, .cache = {.bytes = 1 << 20, .every = 64}});
  Recorder recorder;
  submit(*scheduler, talk.ask(), 0);
  submit(*scheduler, talk.ask(), 1);
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(scheduler->step(recorder, error)) << error;
  EXPECT_EQ(recorder.read[0], 160u);
  EXPECT_EQ(recorder.read[1], 0u);
  scheduler->cancel(0);
  drain(*scheduler, recorder);
  EXPECT_EQ(recorder.usage[1].reusedTokens, 128u);
  EXPECT_EQ(recorder.answers[1], alone(talk.ask()));
}

TEST_F(PrefixTreeTest, AnswersAreReadWhileNothingElseIsToDo) {
  for (int32_t slots : {1, 2}) {
    auto scheduler =
        schedule({.slots = slots, .cache = {.bytes = 1 << 20, .every = 64}});
    Talk talk;
    talk.say(message(50, 1));
    Request request = talk.ask(20);
    request.afterAnswer = {8, 8, 1};
    Answer answer = run(*scheduler, request);
    ASSERT_TRUE(scheduler->hasSpareWork());
    // Somebody comes in between, and it begins again.
    Recorder recorder;
    ASSERT_TRUE(scheduler->step(recorder, error));
    Request other{.ids = message(30, 9), .maxTokens = 3};
    EXPECT_EQ(run(*scheduler, other), alone(other));
    for (int steps = 0; scheduler->hasSpareWork(); ++steps) {
      ASSERT_LT(steps, 100);
      ASSERT_TRUE(scheduler->step(recorder, error)) << error;
    }
    EXPECT_TRUE(scheduler->idle());
    EXPECT_TRUE(recorder.read.empty());
    // What the template makes of it in the next turn.
    talk.ids = request.ids;
    std::vector<int32_t> said = answer.ids;
    said.insert(said.end(), {8, 8, 1});
    talk.say(said);
    talk.say(message(10, 2));
    EXPECT_EQ(reused(*scheduler, talk.ask()), 52u + 20u + 3u);
    request.afterAnswer = {50};
    EXPECT_FALSE(scheduler->submit(request, error));
    EXPECT_EQ(error.rfind("afterAnswer: token id 50", 0), 0u) << error;
  }
}

TEST_F(PrefixTreeTest, AFailureForgetsNothingThatIsRight) {
  Talk talk;
  talk.say(message(100, 1));
  auto scheduler = schedule({.cache = {.bytes = 1 << 20, .every = 64}});
  run(*scheduler, talk.ask());
  talk.say(message(20, 2));
  Recorder recorder;
  EXPECT_TRUE(scheduler->submit(talk.ask(), error));
  failNext = true;
  EXPECT_FALSE(scheduler->step(recorder, error));
  failNext = false;
  EXPECT_EQ(reused(*scheduler, talk.ask()), 100u);
}

} // namespace
