//===- IntegerMatmulTest.cpp - marimba_onednn_integer_matmul, exactly -----===//

#include "marimba/Context.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/ThreadTeam.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace marimba::rt;

namespace {

struct Case {
  int64_t batch = 1, rows = 1, k = 64, n = 64;
  int64_t xPad = 0, yPad = 0;
  bool largest = false; // bytes of the largest size, which overflow 16 bits
};

class IntegerMatmulTest : public testing::Test {
protected:
  void SetUp() override {
    std::string error;
    library = std::make_shared<PrimitiveCache>();
    context = Context::create(2, library, error);
    ASSERT_TRUE(context) << error;
    bindThreads(std::min(2, allowedCpus()));
  }

  /// Element [k, n] of codes, as docs/quantization.md has them.
  static size_t placeOf(const Case &c, int64_t k, int64_t n) {
    return static_cast<size_t>(n / 64 * 64 * c.k + k / 4 * 256 + n % 64 * 4 +
                               k % 4);
  }

  void check(const Case &c) {
    std::mt19937 random(static_cast<unsigned>(c.k + 3 * c.n + 7 * c.rows));
    int64_t xRow = c.k + c.xPad, yRow = c.n + c.yPad;
    std::vector<uint8_t> x(static_cast<size_t>(c.batch * c.rows * xRow));
    for (uint8_t &byte : x)
      byte = c.largest ? 255 : static_cast<uint8_t>(random());
    std::vector<int8_t> w(static_cast<size_t>((c.n + 63) / 64 * 64 * c.k));
    for (int8_t &code : w)
      code = static_cast<int8_t>(c.largest ? (random() % 8 ? 127 : -127)
                                           : int(random() % 255) - 127);
    constexpr int32_t untouched = 12345;
    std::vector<int32_t> y(static_cast<size_t>(c.batch * c.rows * yRow),
                           untouched);
    MarimbaIntegerMatmul args = {};
    args.x = x.data();
    args.w = w.data();
    args.y = y.data();
    args.batch = c.batch;
    args.rows = c.rows;
    args.k = c.k;
    args.n = c.n;
    args.xBatchStride = c.rows * xRow;
    args.xRowStride = xRow;
    args.yBatchStride = c.rows * yRow;
    args.yRowStride = yRow;
    marimba_onednn_integer_matmul(context->get(), &args);
    ASSERT_TRUE(context->ok()) << context->message();
    EXPECT_EQ(context->get()->arenaTop, 0);
    for (int64_t r = 0; r < c.batch * c.rows; ++r)
      for (int64_t o = 0; o < yRow; ++o) {
        int32_t sum = o < c.n ? 0 : untouched;
        for (int64_t j = 0; o < c.n && j < c.k; ++j)
          sum += int32_t(x[static_cast<size_t>(r * xRow + j)]) *
                 int32_t(w[placeOf(c, j, o)]);
        ASSERT_EQ(y[static_cast<size_t>(r * yRow + o)], sum)
            << "row " << r << ", column " << o << " of " << c.rows << " x "
            << c.k << " x " << c.n;
      }
    for (const std::string &name : library->stats().implementations)
      EXPECT_FALSE(name.starts_with("ref")) << name;
  }

  std::shared_ptr<PrimitiveCache> library;
  std::unique_ptr<Context> context;
};

TEST_F(IntegerMatmulTest, Shapes) {
  for (int64_t rows : {1, 2, 9, 40})
    for (int64_t k : {64, 128, 576})
      for (int64_t n : {1, 7, 64, 65, 130})
        check({.rows = rows, .k = k, .n = n});
}

TEST_F(IntegerMatmulTest, SeveralTilesAndStrides) {
  check({.rows = 5, .k = 1088, .n = 1100});
  check({.rows = 5, .k = 1024, .n = 512, .yPad = 40});
  check({.rows = 5, .k = 576, .n = 520, .xPad = 64, .yPad = 3});
  check({.batch = 3, .rows = 4, .k = 576, .n = 72, .xPad = 5});
  check({.batch = 3, .rows = 1, .k = 64, .n = 72, .yPad = 5});
}

// Pairs of such products do not fit in 16 bits, sums of 512 not in half of f32.
TEST_F(IntegerMatmulTest, LargestBytes) {
  for (int64_t k : {64, 512, 1088})
    for (int64_t rows : {1, 9})
      check({.rows = rows, .k = k, .n = 130, .largest = true});
}

// One primitive of bytes, or of f32 where the library has no kernel of bytes.
TEST_F(IntegerMatmulTest, CallsAreCounted) {
  auto calls = [&] {
    int64_t sum = 0;
    for (const auto &[name, count] : library->stats().calls)
      sum += count;
    return sum;
  };
  EXPECT_EQ(calls(), 0);
  check({.rows = 9, .k = 64, .n = 64});
  int64_t once = calls();
  EXPECT_GE(once, 1);
  EXPECT_EQ(library->stats().primitives, 1);
  check({.rows = 9, .k = 64, .n = 64});
  EXPECT_EQ(calls(), 2 * once);
  EXPECT_EQ(library->stats().primitives, 1);
}

TEST_F(IntegerMatmulTest, NoInputs) {
  for (int64_t rows : {1, 3})
    check({.batch = 2, .rows = rows, .k = 0, .n = 70, .yPad = 5});
}

TEST_F(IntegerMatmulTest, InputsInBlocks) {
  MarimbaIntegerMatmul args = {};
  args.batch = args.rows = args.n = 1;
  args.k = 63;
  marimba_onednn_integer_matmul(context->get(), &args);
  EXPECT_NE(context->message().find("k is 63, expected a multiple of 64"),
            std::string::npos)
      << context->message();
}

} // namespace
