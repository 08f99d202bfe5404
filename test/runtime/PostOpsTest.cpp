//===- PostOpsTest.cpp - Post-ops, bf16 and reorders of oneDNN ------------===//

#include "marimba/Context.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/ThreadTeam.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <list>
#include <random>
#include <vector>

using namespace marimba::rt;

namespace {

uint16_t toBF16(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
float fromBF16(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}

/// A [batch, rows, columns] tensor with room between its rows.
struct Tensor {
  Tensor(int64_t batch, int64_t rows, int64_t columns, int64_t pad,
         MarimbaDType type, unsigned seed)
      : columns(columns), rowStride(columns + pad),
        batchStride(rows * rowStride), type(type) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> distribution(-1, 1);
    for (int64_t i = 0; i < batch * batchStride; ++i) {
      float value = distribution(random);
      halves.push_back(toBF16(value));
      values.push_back(type == MARIMBA_BF16 ? fromBF16(halves.back()) : value);
    }
  }
  void *data() {
    return type == MARIMBA_BF16 ? static_cast<void *>(halves.data())
                                : values.data();
  }
  float at(int64_t b, int64_t t, int64_t i) const {
    auto index = static_cast<size_t>(b * batchStride + t * rowStride + i);
    return type == MARIMBA_BF16 ? fromBF16(halves[index]) : values[index];
  }

  int64_t columns, rowStride, batchStride;
  MarimbaDType type;
  std::vector<uint16_t> halves;
  std::vector<float> values;
};

struct Case {
  std::vector<MarimbaPostOpKind> posts;
  int64_t batch = 1, rows = 5, k = 48, n = 40;
  int64_t xPad = 0, yPad = 0, operandPad = 0;
  int64_t laterPad = -1; // of operands behind the first; -1: operandPad
  MarimbaDType operandType = MARIMBA_F32;
  MarimbaDType xType = MARIMBA_F32, yType = MARIMBA_F32;
  bool bias = false;
  bool computed = false; // the weight is [k, n], of x's type
};

class PostOpsTest : public testing::Test {
protected:
  void SetUp() override {
    std::string error;
    library = std::make_shared<PrimitiveCache>();
    context = Context::create(2, library, error);
    ASSERT_TRUE(context) << error;
    bindThreads(std::min(2, allowedCpus()));
  }

  void check(const Case &c) {
    Tensor x(c.batch, c.rows, c.k, c.xPad, c.xType, 1);
    Tensor y(c.batch, c.rows, c.n, c.yPad, c.yType, 2);
    Tensor before = y;
    MarimbaDType wType = c.computed ? c.xType : MARIMBA_BF16;
    keep.emplace_back(1, c.computed ? c.k : c.n, c.computed ? c.n : c.k, 0,
                      wType, 3);
    Tensor &w = keep.back();
    keep.emplace_back(1, 1, c.n, 0, MARIMBA_F32, 4);
    Tensor &bias = keep.back();
    std::vector<Tensor> operands;
    for (size_t i = 0; i < c.posts.size(); ++i)
      operands.emplace_back(c.batch, c.rows, c.n,
                            i && c.laterPad >= 0 ? c.laterPad : c.operandPad,
                            c.operandType, unsigned(10 + i));
    MarimbaMatmul args = {};
    args.x = x.data();
    args.w = w.data();
    args.bias = c.bias ? bias.data() : nullptr;
    args.y = y.data();
    args.batch = c.batch;
    args.rows = c.rows;
    args.k = c.k;
    args.n = c.n;
    args.xBatchStride = x.batchStride;
    args.xRowStride = x.rowStride;
    args.yBatchStride = y.batchStride;
    args.yRowStride = y.rowStride;
    args.xType = c.xType;
    args.weightType = wType;
    args.computed = c.computed;
    args.yType = c.yType;
    args.postOpCount = static_cast<int64_t>(c.posts.size());
    for (size_t i = 0; i < c.posts.size(); ++i) {
      MarimbaPostOp &post = args.postOps[i];
      post.kind = c.posts[i];
      if (post.kind != MARIMBA_POST_MUL && post.kind != MARIMBA_POST_ADD)
        continue;
      post.data = operands[i].data();
      post.batchStride = operands[i].batchStride;
      post.rowStride = operands[i].rowStride;
      post.type = c.operandType;
    }
    marimba_onednn_matmul(context->get(), &args);
    ASSERT_TRUE(context->ok()) << context->message();
    EXPECT_EQ(context->get()->arenaTop, 0);
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t t = 0; t < c.rows; ++t)
        for (int64_t o = 0; o < c.n; ++o) {
          double r = c.bias ? bias.at(0, 0, o) : 0;
          for (int64_t j = 0; j < c.k; ++j)
            r += double(x.at(b, t, j)) *
                 double(c.computed ? w.at(0, j, o) : w.at(0, o, j));
          for (size_t i = 0; i < c.posts.size(); ++i)
            switch (c.posts[i]) {
            case MARIMBA_POST_SUM:
              r += before.at(b, t, o);
              break;
            case MARIMBA_POST_SILU:
              r /= 1 + std::exp(-r);
              break;
            case MARIMBA_POST_MUL:
              r *= operands[i].at(b, t, o);
              break;
            case MARIMBA_POST_ADD:
              r += operands[i].at(b, t, o);
              break;
            case MARIMBA_POST_RELU2:
              r = r > 0 ? r * r : 0;
              break;
            }
          double rounding = c.yType == MARIMBA_BF16 ? std::abs(r) / 256 : 0;
          ASSERT_NEAR(y.at(b, t, o), r, 2e-5 + rounding)
              << "row " << b << ", " << t << ", column " << o;
        }
    for (const std::string &name : library->stats().implementations)
      EXPECT_FALSE(name.starts_with("ref")) << name;
  }

  std::shared_ptr<PrimitiveCache> library;
  std::unique_ptr<Context> context;
  /// Weights must stay where the library has seen them.
  std::list<Tensor> keep;
};

TEST_F(PostOpsTest, EachAndTogether) {
  for (int64_t rows : {1, 5, 64})
    for (std::vector<MarimbaPostOpKind> posts :
         {std::vector{MARIMBA_POST_SUM},
          {MARIMBA_POST_SILU},
          {MARIMBA_POST_MUL},
          {MARIMBA_POST_ADD},
          {MARIMBA_POST_RELU2},
          {MARIMBA_POST_RELU2, MARIMBA_POST_MUL, MARIMBA_POST_ADD},
          {MARIMBA_POST_SILU, MARIMBA_POST_MUL},
          {MARIMBA_POST_MUL, MARIMBA_POST_SILU},
          {MARIMBA_POST_SILU, MARIMBA_POST_SUM},
          {MARIMBA_POST_MUL, MARIMBA_POST_SUM, MARIMBA_POST_ADD},
          {MARIMBA_POST_SUM, MARIMBA_POST_SILU, MARIMBA_POST_MUL,
           MARIMBA_POST_ADD}})
      check({.posts = posts, .rows = rows, .bias = rows == 5});
}

TEST_F(PostOpsTest, StridedAndBatched) {
  check({.posts = {MARIMBA_POST_SUM}, .batch = 3, .yPad = 8});
  check({.posts = {MARIMBA_POST_SUM}, .batch = 3, .xPad = 16, .yPad = 8});
  check({.posts = {MARIMBA_POST_SILU, MARIMBA_POST_MUL, MARIMBA_POST_SUM},
         .batch = 3,
         .yPad = 8,
         .operandPad = 5});
  check({.posts = {MARIMBA_POST_MUL}, .batch = 3, .operandPad = 8});
  check({.posts = {MARIMBA_POST_SILU, MARIMBA_POST_MUL},
         .batch = 3,
         .rows = 1,
         .xPad = 3,
         .operandPad = 5});
}

// What the library has only its reference implementation for, it is not asked
// for: operands whose rows lie otherwise than the destination's.
TEST_F(PostOpsTest, OperandsLieOtherwise) {
  const std::vector<std::vector<MarimbaPostOpKind>> lists = {
      {MARIMBA_POST_MUL},
      {MARIMBA_POST_ADD},
      {MARIMBA_POST_SILU, MARIMBA_POST_MUL},
      {MARIMBA_POST_MUL, MARIMBA_POST_ADD},
      {MARIMBA_POST_SUM, MARIMBA_POST_SILU, MARIMBA_POST_MUL,
       MARIMBA_POST_ADD}};
  for (const auto &posts : lists)
    for (auto [yPad, operandPad, laterPad] : {std::array{24, 0, -1},
                                              {0, 24, -1},
                                              {24, 24, -1},
                                              {24, 8, -1},
                                              {24, 24, 8},
                                              {0, 0, 8}})
      for (bool computed : {false, true})
        for (int64_t n : {40, 7, 64, 1})
          for (int64_t rows : {1, 6})
            for (MarimbaDType operandType : {MARIMBA_F32, MARIMBA_BF16})
              check({.posts = posts,
                     .batch = n == 7 ? 2 : 1,
                     .rows = rows,
                     .k = n == 64 ? 64 : 33,
                     .n = n,
                     .xPad = n == 40 ? 16 : 0,
                     .yPad = yPad,
                     .operandPad = operandPad,
                     .laterPad = laterPad,
                     .operandType = operandType,
                     .bias = n == 40,
                     .computed = computed});
}

TEST_F(PostOpsTest, ComputedTiles) {
  // As the tiles of a widened weight: columns of wider rows.
  for (MarimbaDType type : {MARIMBA_F32, MARIMBA_BF16})
    for (int64_t rows : {9, 130})
      for (std::vector<MarimbaPostOpKind> posts :
           {std::vector<MarimbaPostOpKind>(),
            {MARIMBA_POST_SILU},
            {MARIMBA_POST_SUM},
            {MARIMBA_POST_MUL}})
        for (MarimbaDType yType : {MARIMBA_F32, type})
          check({.posts = posts,
                 .rows = rows,
                 .k = 72,
                 .n = 128,
                 .yPad = 72,
                 .operandPad = 72,
                 .operandType = yType,
                 .xType = type,
                 .yType = yType,
                 .bias = rows == 9,
                 .computed = true});
}

// A sum of nothing is 0: bias and post-ops are what is left.
TEST_F(PostOpsTest, NoInputs) {
  for (std::vector<MarimbaPostOpKind> posts :
       {std::vector<MarimbaPostOpKind>(),
        {MARIMBA_POST_SUM},
        {MARIMBA_POST_SILU},
        {MARIMBA_POST_MUL},
        {MARIMBA_POST_ADD},
        {MARIMBA_POST_SUM, MARIMBA_POST_SILU, MARIMBA_POST_MUL,
         MARIMBA_POST_ADD}})
    for (bool bias : {false, true})
      for (bool computed : {false, true})
        for (MarimbaDType type : {MARIMBA_F32, MARIMBA_BF16})
          for (auto [batch, rows] : {std::pair{1, 1}, {1, 5}, {3, 1}, {3, 4}})
            for (int64_t pad : {0, 9})
              check({.posts = posts,
                     .batch = batch,
                     .rows = rows,
                     .k = 0,
                     .n = 21,
                     .xPad = pad,
                     .yPad = pad,
                     .operandPad = pad,
                     .xType = type,
                     .bias = bias,
                     .computed = computed});
}

TEST_F(PostOpsTest, NothingToWrite) {
  float value = 7, y = 7;
  MarimbaMatmul args = {};
  args.x = args.w = args.bias = &value;
  args.y = &y;
  args.postOpCount = 1;
  args.postOps[0].kind = MARIMBA_POST_SUM;
  MarimbaIntegerMatmul bytes = {};
  bytes.x = bytes.w = &value;
  bytes.y = &y;
  MarimbaReorder reorder = {};
  reorder.x = &value;
  reorder.y = &y;
  value = 3;
  for (int64_t k : {0, 64})
    for (int zero = 0; zero < 3; ++zero) {
      args.batch = bytes.batch = reorder.batch = zero != 0;
      args.rows = bytes.rows = reorder.rows = zero != 1;
      args.n = bytes.n = reorder.columns = zero != 2;
      args.k = bytes.k = k;
      marimba_onednn_matmul(context->get(), &args);
      marimba_onednn_integer_matmul(context->get(), &bytes);
      marimba_onednn_reorder(context->get(), &reorder);
      EXPECT_TRUE(context->ok()) << context->message();
      EXPECT_EQ(y, 7);
    }
}

TEST_F(PostOpsTest, BF16) {
  for (MarimbaDType yType : {MARIMBA_F32, MARIMBA_BF16})
    for (int64_t rows : {1, 2, 7, 64, 512}) {
      check({.rows = rows, .xType = MARIMBA_BF16, .yType = yType});
      check({.posts = {MARIMBA_POST_SILU},
             .rows = rows,
             .xType = MARIMBA_BF16,
             .yType = yType});
      check({.posts = {MARIMBA_POST_MUL},
             .rows = rows,
             .operandType = MARIMBA_BF16,
             .xType = MARIMBA_BF16,
             .yType = yType});
    }
  check({.posts = {MARIMBA_POST_SUM}, .xType = MARIMBA_BF16});
  check({.xPad = 16, .xType = MARIMBA_BF16});
}

TEST_F(PostOpsTest, Reorder) {
  for (auto [from, to] : {std::pair{MARIMBA_F32, MARIMBA_BF16},
                          {MARIMBA_BF16, MARIMBA_F32},
                          {MARIMBA_F32, MARIMBA_F32}}) {
    Tensor x(2, 3, 20, 4, from, 1), y(2, 3, 20, 9, to, 2), before = y;
    MarimbaReorder args = {};
    args.x = x.data();
    args.y = y.data();
    args.batch = 2;
    args.rows = 3;
    args.columns = 20;
    args.xBatchStride = x.batchStride;
    args.xRowStride = x.rowStride;
    args.yBatchStride = y.batchStride;
    args.yRowStride = y.rowStride;
    args.xType = from;
    args.yType = to;
    marimba_onednn_reorder(context->get(), &args);
    ASSERT_TRUE(context->ok()) << context->message();
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t t = 0; t < 3; ++t)
        for (int64_t i = 0; i < y.rowStride; ++i) {
          float expected = i >= 20 ? before.at(b, t, i) : x.at(b, t, i);
          if (i < 20 && to == MARIMBA_BF16)
            expected = fromBF16(toBF16(expected));
          EXPECT_EQ(y.at(b, t, i), expected) << b << ", " << t << ", " << i;
        }
  }
}

// A post-op without an operand has no type: what the field holds makes no
// primitive of its own.
TEST_F(PostOpsTest, TypeWithoutOperand) {
  keep.emplace_back(1, 16, 16, 0, MARIMBA_F32, 1);
  Tensor x(1, 4, 16, 0, MARIMBA_F32, 2), y(1, 4, 16, 0, MARIMBA_F32, 3);
  MarimbaMatmul args = {};
  args.x = x.data();
  args.w = keep.back().data();
  args.y = y.data();
  args.batch = 1;
  args.rows = 4;
  args.k = args.n = args.xRowStride = args.yRowStride = 16;
  args.postOpCount = 1;
  args.postOps[0].kind = MARIMBA_POST_SILU;
  for (int32_t type : {0, 2, 12345}) {
    args.postOps[0].type = type;
    marimba_onednn_matmul(context->get(), &args);
    ASSERT_TRUE(context->ok()) << context->message();
  }
  PrimitiveCache::Stats stats = library->stats();
  EXPECT_EQ(stats.primitives, 1);
  ASSERT_EQ(stats.calls.size(), 1u);
  EXPECT_EQ(stats.calls.begin()->second, 3);
}

TEST_F(PostOpsTest, TooMany) {
  float value = 1;
  MarimbaMatmul args = {};
  args.x = args.w = &value;
  args.y = &value;
  args.batch = args.rows = args.k = args.n = 1;
  args.postOpCount = 5;
  marimba_onednn_matmul(context->get(), &args);
  EXPECT_NE(context->message().find("5 post-ops, expected 0 to 4"),
            std::string::npos)
      << context->message();
}

} // namespace
