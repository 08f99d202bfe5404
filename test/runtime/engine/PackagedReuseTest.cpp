//===- PackagedReuseTest.cpp - Reuse on a compiled model ------------------===//
//
// test/e2e/prefix-reuse.test says which: a package's folder is in
// MARIMBA_TEST_PACKAGE.
//
//===----------------------------------------------------------------------===//

#include "marimba/Package.h"
#include "marimba/Scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <unistd.h>

using namespace marimba::rt;
namespace fs = std::filesystem;

namespace {

/// All numbers of an answer: of each token the id, and the probability of every
/// token in its place.
struct Numbers : RequestListener {
  std::map<uint64_t, std::vector<std::pair<int32_t, float>>> of;
  std::map<uint64_t, RequestUsage> usage;

  void token(uint64_t request, const NewToken &token) override {
    of[request].emplace_back(token.id, token.logProbability);
    for (const TokenChance &chance : token.likeliest)
      of[request].emplace_back(chance.id, chance.logProbability);
  }
  bool finished(uint64_t request, AnswerEnd, std::string_view,
                const RequestUsage &used, std::string &) override {
    usage[request] = used;
    return true;
  }
};

class PackagedReuseTest : public testing::Test {
protected:
  void SetUp() override {
    const char *package = std::getenv("MARIMBA_TEST_PACKAGE");
    if (!package)
      GTEST_SKIP() << "MARIMBA_TEST_PACKAGE is not set";
    auto manifest = PackageManifest::read(package, error);
    ASSERT_TRUE(manifest) << error;
    // Short pieces, so that short texts have many.
    model = loadPackage(package, *manifest, {.chunk = 16}, error);
    ASSERT_TRUE(model) << error;
    folder = fs::path(package) / ("kept-" + std::to_string(getpid()));
  }
  void TearDown() override { fs::remove_all(folder); }

  Numbers run(Scheduler::Options options, std::span<const Request> requests) {
    Numbers numbers;
    auto scheduler = Scheduler::create(*model, nullptr, options, error);
    EXPECT_TRUE(scheduler) << error;
    for (const Request &request : requests)
      EXPECT_TRUE(scheduler && scheduler->submit(request, error)) << error;
    while (scheduler && !scheduler->idle())
      if (!scheduler->step(numbers, error)) {
        ADD_FAILURE() << error;
        break;
      }
    return numbers;
  }

  std::unique_ptr<ReadyModel> model;
  fs::path folder;
  std::string error;
};

TEST_F(PackagedReuseTest, EveryBitIsTheSame) {
  std::mt19937 random(7);
  auto message = [&](size_t count, unsigned seed) {
    std::mt19937 own(seed);
    std::vector<int32_t> ids;
    for (size_t i = 0; i < count; ++i)
      ids.push_back(int32_t(own() % unsigned(model->vocabulary())));
    return ids;
  };
  std::vector<Request> requests;
  for (unsigned i = 0; i < 64; ++i) {
    Request request;
    auto say = [&](std::vector<int32_t> ids) {
      request.ids.insert(request.ids.end(), ids.begin(), ids.end());
      request.boundaries.push_back(int64_t(request.ids.size()));
    };
    say(message(53, i % 2));
    if (i % 4 != 3)
      say(message(1 + i % 6 * 9, 100 + i % 6));
    if (i % 3)
      say(message(1 + random() % 30, 200 + i % 8));
    request.ids.insert(request.ids.end(), {1, 2});
    request.sampler = {.temperature = i % 5 ? 1.f : 0.f, .seed = i};
    request.maxTokens = 1 + int64_t(random() % 6);
    request.likeliest = int32_t(model->vocabulary());
    if (i % 7 == 0)
      request.boundaries.clear();
    requests.push_back(request);
  }
  std::vector<std::vector<std::pair<int32_t, float>>> expected;
  for (const Request &request : requests)
    expected.push_back(run({.slots = 1}, std::span(&request, 1)).of[0]);

  auto check = [&](Scheduler::Options options, size_t atLeast) {
    Numbers numbers = run(options, requests);
    size_t reused = 0;
    for (size_t i = 0; i < requests.size(); ++i) {
      reused += numbers.usage[i].reusedTokens;
      EXPECT_TRUE(numbers.of[i] == expected[i])
          << "request " << i << " of " << options.slots << " slots, "
          << numbers.usage[i].reusedTokens << " tokens reused";
    }
    EXPECT_GE(reused, atLeast) << options.slots;
  };
  constexpr size_t most = 64 * 53 / 2;
  check({.slots = 8}, 0);
  check({.slots = 1, .cache = {.bytes = 1 << 30, .every = 32}}, most);
  check({.slots = 24, .cache = {.bytes = 1 << 30, .every = 32}}, most);
  // Not all fits; then from the disk, after a restart.
  PrefixTree::Options cache{
      .bytes = 200000, .every = 32, .folder = folder, .note = {}};
  check({.slots = 5, .cache = cache}, most / 4);
  check({.slots = 3, .cache = cache}, most);
}

} // namespace
