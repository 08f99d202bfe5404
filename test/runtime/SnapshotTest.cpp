//===- SnapshotTest.cpp - Going back in a sequence ------------------------===//

#include "FakeModel.h"
#include "marimba/PrefixCache.h"

#include <algorithm>
#include <numeric>

using namespace marimba::rt;
using namespace marimba::rt::fake;

namespace {

class SnapshotTest : public FakeModelTest {};

TEST_F(SnapshotTest, RewindsToASnapshot) {
  auto session = make({.slots = 2, .chunk = 3, .capacity = 1});
  auto append = [&](std::vector<int32_t> ids, int32_t slot) {
    EXPECT_TRUE(session->append(ids, LogitsWanted::Last, logits, error, slot))
        << error;
  };
  append({40, 41}, 0);
  append({1, 2, 3, 4}, 1);
  std::optional<Snapshot> mark = session->snapshot(1, error);
  ASSERT_TRUE(mark) << error;
  EXPECT_EQ(mark->tokens(), 4);
  EXPECT_EQ(mark->bytes(), 4);
  // The states grow in between.
  append(std::vector<int32_t>(200, 7), 1);
  for (int32_t id : {5, 6}) {
    ASSERT_TRUE(session->rewind(1, *mark, error)) << error;
    EXPECT_EQ(session->length(1), 4);
    auto key = session->state("key");
    EXPECT_EQ(at<float>(*key, {1, 1, 3, 2}), 4);
    EXPECT_EQ(at<float>(*key, {1, 1, 4, 2}), 0);
    EXPECT_EQ(at<float>(*key, {1, 1, 203, 2}), 0);
    append({id}, 1);
    EXPECT_EQ(logits[0], expected(10.f + float(id), 5, 0));
  }
  append({1}, 0);
  EXPECT_EQ(logits[0], expected(82, 3, 0));

  // Only what goes on from it can go back to it.
  EXPECT_FALSE(session->rewind(0, *mark, error));
  EXPECT_EQ(error, "the sequence in slot 0 of 3 tokens does not go on from the "
                   "checkpoint after 4");
  append({9, 9}, 0);
  EXPECT_FALSE(session->rewind(0, *mark, error));
  EXPECT_EQ(session->length(0), 5);
  EXPECT_FALSE(session->snapshot(2, error));
  EXPECT_EQ(error, "slot 2 was asked for, the session has 0 to 1");
}

TEST_F(SnapshotTest, CopiesASlot) {
  auto session = make({.slots = 3, .capacity = 1});
  std::vector<int32_t> ids = {1, 2, 3}, more(80, 9), one = {4};
  ASSERT_TRUE(session->append(ids, LogitsWanted::None, logits, error, 0));
  ASSERT_TRUE(session->append(more, LogitsWanted::None, logits, error, 2));
  ASSERT_TRUE(session->copySlot(0, 2, error)) << error;
  EXPECT_EQ(session->length(2), 3);
  EXPECT_EQ(at<float>(*session->state("key"), {2, 1, 79, 2}), 0);
  ASSERT_TRUE(session->append(one, LogitsWanted::Last, logits, error, 2));
  EXPECT_EQ(logits[0], expected(10, 4, 0));
  EXPECT_EQ(session->length(0), 3);
  ASSERT_TRUE(session->copySlot(0, 0, error));
  EXPECT_EQ(session->length(0), 3);
  EXPECT_FALSE(session->copySlot(0, 3, error));
  EXPECT_FALSE(session->copySlot(-1, 0, error));
}

TEST_F(SnapshotTest, CopiesFromAnotherSession) {
  auto session = make({.slots = 2, .capacity = 1});
  auto other = make({.slots = 1, .capacity = 1});
  std::vector<int32_t> ids(100, 2), one = {4};
  ASSERT_TRUE(session->append(ids, LogitsWanted::None, logits, error, 1));
  std::optional<Snapshot> mark = session->snapshot(1, error);
  ASSERT_TRUE(mark) << error;
  ASSERT_TRUE(other->append(one, LogitsWanted::None, logits, error));
  ASSERT_TRUE(other->copyFrom(*session, 1, 0, error)) << error;
  EXPECT_EQ(other->length(0), 100);
  EXPECT_EQ(at<float>(*other->state("key"), {0, 1, 99, 2}), 2);
  ASSERT_TRUE(other->append(one, LogitsWanted::Last, logits, error));
  EXPECT_EQ(logits[0], expected(204, 101, 0));
  // What was remembered of the one holds for the other.
  ASSERT_TRUE(other->rewind(0, *mark, error)) << error;
  EXPECT_EQ(other->length(0), 100);
  EXPECT_EQ(session->length(1), 100);
  EXPECT_FALSE(other->copyFrom(*session, 2, 0, error));
  EXPECT_EQ(error, "slot 2 was asked for, the session has 0 to 1");
  EXPECT_FALSE(other->copyFrom(*session, 1, 1, error));
  SetUp();
  auto stranger = make({});
  EXPECT_FALSE(stranger->copyFrom(*session, 1, 0, error));
  EXPECT_EQ(error, "a sequence was to be copied from a session of another "
                   "model");
}

/// A sequence that is moved about, and what is right after each move.
class PrefixCacheTest : public FakeModelTest {
protected:
  void SetUp() override {
    FakeModelTest::SetUp();
    session = make({.chunk = 4, .capacity = 1});
  }
  void moveTo(PrefixCache &cache, const std::vector<int32_t> &ids,
              size_t reused) {
    ASSERT_TRUE(cache.moveTo(
        ids, logits, [] { return true; }, moved, error))
        << error;
    EXPECT_TRUE(moved.complete);
    EXPECT_EQ(moved.reused, reused);
    EXPECT_EQ(moved.read, ids.size() - reused);
    EXPECT_TRUE(std::ranges::equal(session->tokens(0), ids));
    float sum = std::accumulate(ids.begin(), ids.end(), 0.f);
    EXPECT_EQ(logits[3], expected(sum, int64_t(ids.size()), 3));
  }

  std::unique_ptr<Session> session;
  PrefixCache::Moved moved;
};

TEST_F(PrefixCacheTest, ReadsWhatIsNewAlone) {
  PrefixCache cache(*session, 4, {.every = 8});
  std::vector<int32_t> ids(30);
  std::iota(ids.begin(), ids.end(), 1);
  moveTo(cache, ids, 0);
  EXPECT_EQ(cache.snapshots(), 3u);
  // It goes on, in the pieces in which it would be read at once.
  ids.insert(ids.end(), {3, 3});
  moveTo(cache, ids, 24);
  ids.insert(ids.end(), {3, 3, 4});
  moveTo(cache, ids, 32);
  ids.resize(32);
  // The end changes: back to the last snapshot before that.
  ids[29] = 40;
  moveTo(cache, ids, 24);
  ids.resize(28);
  moveTo(cache, ids, 24);
  // The same again: the last token is read for its logits.
  moveTo(cache, ids, 24);
  ids[8] = 0;
  moveTo(cache, ids, 8);
  ids[7] = 0;
  moveTo(cache, ids, 0);
  EXPECT_EQ(cache.snapshots(), 3u);
}

TEST_F(PrefixCacheTest, GoesBackToMarks) {
  PrefixCache cache(*session, 4, {.every = 1000});
  moveTo(cache, {1, 2, 3}, 0);
  ASSERT_TRUE(cache.mark(error)) << error;
  ASSERT_TRUE(cache.mark(error)) << error;
  EXPECT_EQ(cache.snapshots(), 1u);
  std::vector<int32_t> more = {4, 5};
  ASSERT_TRUE(session->append(more, LogitsWanted::None, logits, error));
  moveTo(cache, {1, 2, 3, 4, 5, 6}, 5);
  moveTo(cache, {1, 2, 3, 9}, 3);
  // The mark is where it ends: the token in front of it is not kept.
  moveTo(cache, {1, 2, 3}, 0);
}

TEST_F(PrefixCacheTest, MakesSnapshotsBetweenPieces) {
  PrefixCache cache(*session, 4, {.every = 5});
  std::vector<int32_t> ids(30, 1);
  calls.clear();
  moveTo(cache, ids, 0);
  EXPECT_EQ(cache.snapshots(), 3u);
  std::vector<int64_t> whole = {4, 4, 4, 4, 4, 4, 4, 2};
  EXPECT_EQ(calls, whole);
  // An answer does not end a piece: what is read behind it ends with the piece.
  calls.clear();
  std::vector<int32_t> one = {1};
  ASSERT_TRUE(session->append(one, LogitsWanted::None, logits, error));
  ids.resize(40, 1);
  moveTo(cache, ids, 31);
  EXPECT_EQ(calls, (std::vector<int64_t>{1, 1, 4, 4}));
}

TEST_F(PrefixCacheTest, KeepsAsManyAsFit) {
  int64_t one = session->snapshot(0, error)->bytes();
  ASSERT_GT(one, 0);
  PrefixCache cache(*session, 4, {.every = 4, .bytes = 6 * one - 1});
  std::vector<int32_t> ids(200, 1);
  moveTo(cache, ids, 0);
  EXPECT_EQ(cache.snapshots(), 5u);
  EXPECT_EQ(cache.bytes(), 5 * one);
  // The newest is there, and something in the older part.
  ids.push_back(2);
  moveTo(cache, ids, 200);
  ids[199] = 3;
  ASSERT_TRUE(cache.moveTo(ids, logits, [] { return true; }, moved, error));
  EXPECT_GE(moved.reused, 100u);
}

TEST_F(PrefixCacheTest, KeepsTwoHoweverLittleMayBeKept) {
  PrefixCache cache(*session, 4, {.every = 4, .bytes = 0});
  std::vector<int32_t> ids(40, 1);
  moveTo(cache, ids, 0);
  EXPECT_EQ(cache.snapshots(), 2u);
}

TEST_F(PrefixCacheTest, StopsWhereItIsTold) {
  PrefixCache cache(*session, 4, {.every = 8});
  std::vector<int32_t> ids(20, 2);
  int asked = 0;
  ASSERT_TRUE(
      cache.moveTo(ids, logits, [&] { return ++asked <= 3; }, moved, error));
  EXPECT_FALSE(moved.complete);
  EXPECT_EQ(moved.read, 12u);
  EXPECT_EQ(session->length(0), 12);
  moveTo(cache, ids, 12);
  EXPECT_FALSE(cache.moveTo({}, logits, [] { return true; }, moved, error));
  EXPECT_EQ(error, "expected at least one token");
}

} // namespace
