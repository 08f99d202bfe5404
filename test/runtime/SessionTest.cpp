//===- SessionTest.cpp - Sessions over entries written in C++ -------------===//

#include "FakeModel.h"
#include "marimba/Tiles.h"

#include <numeric>

using namespace marimba::rt;
using namespace marimba::rt::fake;

namespace {

class SessionTest : public FakeModelTest {};

TEST_F(SessionTest, OneSequence) {
  auto session = make({});
  std::vector<int32_t> ids = {3, 4, 5};
  ASSERT_TRUE(session->append(ids, LogitsWanted::Last, logits, error)) << error;
  ASSERT_EQ(logits.size(), size_t(vocabulary));
  EXPECT_EQ(logits[7], expected(12, 3, 7));
  ids = {9};
  ASSERT_TRUE(session->append(ids, LogitsWanted::Last, logits, error)) << error;
  EXPECT_EQ(logits[49], expected(21, 4, 49));
  ASSERT_TRUE(session->append(ids, LogitsWanted::None, logits, error)) << error;
  EXPECT_TRUE(logits.empty());
  EXPECT_EQ(session->length(0), 5);
  EXPECT_EQ(prefillCalls, 1);
  EXPECT_EQ(decodeCalls, 2);
  auto sum = session->state("sum");
  ASSERT_TRUE(sum);
  EXPECT_EQ(at<float>(*sum, {0, 0}), 30);
  EXPECT_FALSE(session->state("nothing"));
  session->reset(0);
  EXPECT_EQ(session->length(0), 0);
  EXPECT_EQ(at<float>(*sum, {0, 0}), 0);
}

TEST_F(SessionTest, ChunksOfAnySizeGiveTheSame) {
  std::vector<int32_t> ids(37);
  std::iota(ids.begin(), ids.end(), 1);
  for (int32_t chunk : {1, 2, 5, 12, 36, 37, 512}) {
    prefillCalls = decodeCalls = 0;
    auto session = make({.chunk = chunk, .capacity = 1});
    std::vector<float> hidden;
    ASSERT_TRUE(session->forward(0, Rows{ids}, LogitsWanted::All, logits, error,
                                 &hidden))
        << error;
    ASSERT_EQ(logits.size(), size_t(37 * vocabulary));
    ASSERT_EQ(hidden.size(), size_t(2 * 37 * 3));
    float sum = 0;
    for (int64_t t = 0; t < 37; ++t) {
      sum += float(t + 1);
      EXPECT_EQ(logits[size_t(t * vocabulary + 2)], expected(sum, t + 1, 2));
      EXPECT_EQ(hidden[size_t(t * 3 + 2)], float(t + 1));
      EXPECT_EQ(hidden[size_t((37 + t) * 3 + 2)], float(100 + t + 1));
    }
    EXPECT_EQ(decodeCalls, chunk == 1 ? 37 : 37 % chunk == 1 ? 1 : 0);
    EXPECT_EQ(prefillCalls + decodeCalls, (37 + chunk - 1) / chunk);
  }
}

TEST_F(SessionTest, RaggedRows) {
  for (int32_t chunk : {2, 3, 512}) {
    auto session = make({.slots = 4, .chunk = chunk, .capacity = 1});
    Rows rows = {{1, 2, 3, 4, 5, 6, 7}, {10}, {20, 21, 22}};
    ASSERT_TRUE(session->forward(1, rows, LogitsWanted::Last, logits, error))
        << error;
    ASSERT_EQ(logits.size(), size_t(3 * vocabulary));
    EXPECT_EQ(logits[1], expected(28, 7, 1));
    EXPECT_EQ(logits[vocabulary + 1], expected(10, 1, 1));
    EXPECT_EQ(logits[2 * vocabulary + 1], expected(63, 3, 1));
    EXPECT_EQ(session->length(0), 0);
    EXPECT_EQ(session->length(1), 7);
    EXPECT_EQ(session->length(3), 3);

    rows = {{1}, {2, 3}};
    ASSERT_TRUE(session->forward(2, rows, LogitsWanted::All, logits, error))
        << error;
    ASSERT_EQ(logits.size(), size_t(3 * vocabulary));
    EXPECT_EQ(logits[0], expected(11, 2, 0));
    EXPECT_EQ(logits[vocabulary], expected(65, 4, 0));
    EXPECT_EQ(logits[2 * vocabulary], expected(68, 5, 0));

    int before = decodeCalls;
    rows = {{1}, {1}, {1}, {1}};
    ASSERT_TRUE(session->forward(0, rows, LogitsWanted::Last, logits, error));
    EXPECT_EQ(decodeCalls, before + 1);
    EXPECT_EQ(logits[3 * vocabulary], expected(69, 6, 0));
  }
}

TEST_F(SessionTest, PiecesAreCountedFromTheBeginningOfASequence) {
  auto session = make({.slots = 3, .chunk = 4, .capacity = 1});
  EXPECT_EQ(session->untilPieceEnds(0), 4);
  auto feed = [&](int32_t slot, Rows rows) {
    calls.clear();
    EXPECT_TRUE(session->forward(slot, rows, LogitsWanted::Last, logits, error))
        << error;
    return calls;
  };
  using Calls = std::vector<int64_t>;
  EXPECT_EQ(feed(0, {{1, 2, 3}}), (Calls{3}));
  EXPECT_EQ(session->untilPieceEnds(0), 1);
  EXPECT_EQ(feed(0, {{1, 2, 3, 4, 5, 6, 7}}), (Calls{1, 4, 2}));
  EXPECT_EQ(session->untilPieceEnds(0), 2);
  // A row of one token is decoded whatever its neighbours do, and rows that
  // end elsewhere are cut where they are cut alone.
  EXPECT_EQ(feed(1, {{1, 2, 3, 4, 5}, {1}}), (Calls{4, 1, 1}));
  EXPECT_EQ(feed(0, {{1, 2, 3}, {1, 2, 3, 4}, {5}}), (Calls{3, 1, 1}));
  EXPECT_EQ(decodeCalls, 5);
  EXPECT_EQ(session->length(0), 13);
  EXPECT_EQ(session->length(1), 9);
  EXPECT_EQ(logits[0], expected(40, 13, 0));
  EXPECT_EQ(logits[vocabulary], expected(25, 9, 0));
  EXPECT_EQ(logits[2 * vocabulary], expected(6, 2, 0));
}

TEST_F(SessionTest, CapacityGrowsAndKeepsWhatSlotsHold) {
  auto session = make({.slots = 3, .chunk = 7, .capacity = 1});
  EXPECT_EQ(session->capacity(), 1);
  // step() checks that the attention state remembers every token.
  for (int32_t round = 0; round < 40; ++round)
    for (int32_t slot = 0; slot < 3; ++slot) {
      std::vector<int32_t> ids(size_t(1 + round % 11), round + slot);
      ASSERT_TRUE(session->append(ids, LogitsWanted::None, logits, error, slot))
          << error;
    }
  EXPECT_GE(session->capacity(), session->length(2));
  auto key = session->state("key");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->sizes[0], 3);
  EXPECT_EQ(key->sizes[2], session->capacity());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(key->data) % MARIMBA_ALIGNMENT, 0u);
}

TEST_F(SessionTest, BadArgumentsChangeNothing) {
  auto session = make({.slots = 2});
  std::vector<int32_t> ids = {1, 2};
  ASSERT_TRUE(session->append(ids, LogitsWanted::None, logits, error));
  auto refuse = [&](int32_t first, Rows rows, const char *text) {
    EXPECT_FALSE(
        session->forward(first, rows, LogitsWanted::Last, logits, error));
    EXPECT_NE(error.find(text), std::string::npos) << error;
    EXPECT_EQ(session->length(0), 2);
  };
  refuse(0, {{1, 70000}},
         "token id 70000 is out of range, the vocabulary has 50");
  refuse(0, {{-1}}, "token id -1 is out of range");
  refuse(0, {{1}, {}}, "row 1 has no tokens");
  refuse(1, {{1}, {1}}, "slots 1 to 2 were asked for, the session has 0 to 1");
  refuse(-1, {{1}}, "slots -1 to -1");
  refuse(0, {}, "were asked for");
  EXPECT_FALSE(Session::create(model, {.slots = 0}, error));
  EXPECT_FALSE(Session::create(model, {.chunk = 0}, error));
  EXPECT_NE(error.find("'chunk' is 0, expected at least 1"), std::string::npos);
}

TEST_F(SessionTest, FailedCallsLeaveEmptySlots) {
  auto session = make({.slots = 2});
  std::vector<int32_t> ids = {1, 2};
  ASSERT_TRUE(session->append(ids, LogitsWanted::None, logits, error));
  ASSERT_TRUE(session->append(ids, LogitsWanted::None, logits, error, 1));
  failNext = true;
  EXPECT_FALSE(session->append(ids, LogitsWanted::Last, logits, error));
  EXPECT_EQ(error, "module 'fake', entry prefill: broken on purpose");
  EXPECT_EQ(session->length(0), 0);
  EXPECT_EQ(session->length(1), 2);
  failNext = false;
  ASSERT_TRUE(session->append(ids, LogitsWanted::Last, logits, error)) << error;
  EXPECT_EQ(logits[0], expected(3, 2, 0));
}

TEST_F(SessionTest, MissingSymbol) {
  auto none = [](const char *symbol) -> void * {
    return std::strcmp(symbol, MARIMBA_ENTRY_DECODE) ? lookup(symbol) : nullptr;
  };
  EXPECT_FALSE(CompiledModule::bind(none, error));
  EXPECT_EQ(error, "compiled module: the symbol 'marimba_decode' is missing");
}

TEST_F(SessionTest, TilesAreAskedFor) {
  static const char tiles[] = "";
  auto uses = [](const char *symbol) -> void * {
    return std::strcmp(symbol, MARIMBA_SYMBOL_TILES)
               ? lookup(symbol)
               : const_cast<char *>(tiles);
  };
  std::string refused;
  bool may = mayUseTiles(refused);
  EXPECT_EQ(CompiledModule::bind(uses, error) != nullptr, may);
  EXPECT_EQ(error, may ? ""
                       : "compiled module: " + refused +
                             "; compile with --isa=avx512-bf16");
}

} // namespace
