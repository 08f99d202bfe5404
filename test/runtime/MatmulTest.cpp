//===- MatmulTest.cpp - marimba_onednn_matmul against plain loops ---------===//

#include "marimba/Context.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/ThreadTeam.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <list>
#include <random>
#include <thread>
#include <vector>

using namespace marimba::rt;

namespace {

/// Stored weights and their exact values.
struct Stored {
  std::vector<uint16_t> halves;
  std::vector<float> values;
  const void *data(MarimbaDType type) const {
    return type == MARIMBA_F32 ? static_cast<const void *>(values.data())
                               : halves.data();
  }
};

Stored makeStored(size_t count, MarimbaDType type, std::mt19937 &random) {
  std::uniform_real_distribution<float> distribution(-1, 1);
  Stored stored;
  for (size_t i = 0; i < count; ++i) {
    float value = distribution(random);
    if (type == MARIMBA_BF16) {
      auto bits = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
      stored.halves.push_back(bits);
      value = std::bit_cast<float>(uint32_t(bits) << 16);
    } else if (type == MARIMBA_F16) {
      // A subnormal now and then: 2^-16 is 0x0100 in f16.
      auto half = i % 7 == 3 ? static_cast<_Float16>(0x1p-16f)
                             : static_cast<_Float16>(value);
      stored.halves.push_back(std::bit_cast<uint16_t>(half));
      value = static_cast<float>(half);
    }
    stored.values.push_back(value);
  }
  return stored;
}

struct Case {
  int64_t batch = 1, rows = 1, k = 1, n = 1;
  MarimbaDType type = MARIMBA_F32;
  bool bias = false;
  int64_t xPad = 0, yPad = 0;           // elements between rows
  int64_t xBatchPad = 0, yBatchPad = 0; // elements between batches
};

class MatmulTest : public testing::Test {
protected:
  void SetUp() override {
    std::string error;
    library = std::make_shared<PrimitiveCache>();
    context = Context::create(2, library, error);
    ASSERT_TRUE(context) << error;
    bindThreads(std::min(2, allowedCpus()));
  }

  void check(const Case &c) {
    std::mt19937 random(static_cast<unsigned>(c.rows * 31 + c.k * 7 + c.n));
    keep.push_back(makeStored(static_cast<size_t>(c.n * c.k), c.type, random));
    const Stored &w = keep.back();
    keep.push_back(makeStored(static_cast<size_t>(c.n), c.type, random));
    const Stored &bias = keep.back();
    int64_t xRow = c.k + c.xPad, yRow = c.n + c.yPad;
    int64_t xBatch = c.rows * xRow + c.xBatchPad;
    int64_t yBatch = c.rows * yRow + c.yBatchPad;
    Stored x =
        makeStored(static_cast<size_t>(c.batch * xBatch), MARIMBA_F32, random);
    constexpr float untouched = 12345;
    std::vector<float> y(static_cast<size_t>(c.batch * yBatch), untouched);
    MarimbaMatmul args = {};
    args.x = x.values.data();
    args.w = w.data(c.type);
    args.bias = c.bias ? bias.data(c.type) : nullptr;
    args.y = y.data();
    args.batch = c.batch;
    args.rows = c.rows;
    args.k = c.k;
    args.n = c.n;
    args.xBatchStride = xBatch;
    args.xRowStride = xRow;
    args.yBatchStride = yBatch;
    args.yRowStride = yRow;
    args.weightType = args.biasType = c.type;
    marimba_onednn_matmul(context->get(), &args);
    ASSERT_TRUE(context->ok()) << context->message();
    EXPECT_EQ(context->get()->arenaTop, 0);
    double worst = 0;
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t i = 0; i < yBatch; ++i) {
        int64_t t = i / yRow, o = i % yRow;
        float found = y[static_cast<size_t>(b * yBatch + i)];
        if (t >= c.rows || o >= c.n) {
          ASSERT_EQ(found, untouched) << "wrote between rows, at " << i;
          continue;
        }
        double sum = c.bias ? bias.values[static_cast<size_t>(o)] : 0;
        for (int64_t j = 0; j < c.k; ++j)
          sum +=
              double(x.values[static_cast<size_t>(b * xBatch + t * xRow + j)]) *
              double(w.values[static_cast<size_t>(o * c.k + j)]);
        worst = std::max(worst, std::abs(found - sum));
      }
    EXPECT_LT(worst, 4e-7 * double(c.k) + 1e-6)
        << c.batch << "x" << c.rows << " k " << c.k << " n " << c.n;
  }

  std::shared_ptr<PrimitiveCache> library;
  std::unique_ptr<Context> context;
  /// Weights must stay where the library has seen them.
  std::list<Stored> keep;
};

TEST_F(MatmulTest, ShapesAndTypes) {
  for (MarimbaDType type : {MARIMBA_F32, MARIMBA_BF16, MARIMBA_F16})
    for (int64_t rows : {1, 2, 7, 64, 512})
      for (auto [k, n] :
           {std::pair{96, 128}, {97, 129}, {33, 7}, {12, 384}, {1, 1}, {64, 1}})
        check({.rows = rows,
               .k = k,
               .n = n,
               .type = type,
               .bias = rows % 2 == 0});
  for (const std::string &name : library->stats().implementations)
    EXPECT_FALSE(name.starts_with("ref")) << name;
}

TEST_F(MatmulTest, Strides) {
  for (int64_t rows : {1, 2, 7, 64, 512})
    for (auto [k, n] : {std::pair{96, 128}, {97, 129}, {12, 384}})
      for (auto [xPad, yPad] : {std::pair{32, 0}, {0, 5}, {44, 16}})
        check({.rows = rows,
               .k = k,
               .n = n,
               .type = MARIMBA_BF16,
               .bias = true,
               .xPad = xPad,
               .yPad = yPad});
  for (const std::string &name : library->stats().implementations)
    EXPECT_FALSE(name.starts_with("ref")) << name;
}

TEST_F(MatmulTest, Batches) {
  // Mergeable, mergeable with padded rows, not mergeable, single rows.
  check({.batch = 3, .rows = 5, .k = 40, .n = 24});
  check({.batch = 3, .rows = 5, .k = 40, .n = 24, .xPad = 8, .yPad = 8});
  check({.batch = 3, .rows = 5, .k = 40, .n = 24, .xBatchPad = 7});
  check({.batch = 3,
         .rows = 5,
         .k = 40,
         .n = 24,
         .bias = true,
         .xBatchPad = 64,
         .yBatchPad = 16});
  check({.batch = 4,
         .rows = 1,
         .k = 40,
         .n = 24,
         .xBatchPad = 9,
         .yBatchPad = 3});
}

TEST_F(MatmulTest, OnePackedCopyForAllRowCounts) {
  std::mt19937 random(1);
  Stored w = makeStored(192 * 384, MARIMBA_BF16, random);
  std::vector<float> x(512 * 200, 1), y(512 * 384);
  for (int64_t rows : {1, 2, 3, 4, 7, 8, 16, 33, 64, 100, 256, 512})
    for (int64_t stride : {192, 200}) {
      MarimbaMatmul args = {};
      args.x = x.data();
      args.w = w.data(MARIMBA_BF16);
      args.y = y.data();
      args.batch = 1;
      args.rows = rows;
      args.k = 192;
      args.n = 384;
      args.xRowStride = stride;
      args.yRowStride = 384;
      args.weightType = MARIMBA_BF16;
      marimba_onednn_matmul(context->get(), &args);
      ASSERT_TRUE(context->ok()) << context->message();
    }
  PrimitiveCache::Stats stats = library->stats();
  EXPECT_EQ(stats.packedWeights, 1);
  EXPECT_EQ(stats.secondCopies, 0);
}

TEST_F(MatmulTest, SharedByContextsOnTwoThreads) {
  std::mt19937 random(1);
  Stored w = makeStored(64 * 64, MARIMBA_F32, random);
  std::vector<float> x(64 * 80, 0.5f), expected(64 * 64);
  auto run = [&](Context &ctx, float *y, int64_t rows) {
    MarimbaMatmul args = {};
    args.x = x.data();
    args.w = w.data(MARIMBA_F32);
    args.y = y;
    args.batch = 1;
    args.rows = rows;
    args.k = args.n = args.yRowStride = 64;
    args.xRowStride = 80;
    marimba_onednn_matmul(ctx.get(), &args);
    EXPECT_TRUE(ctx.ok()) << ctx.message();
  };
  run(*context, expected.data(), 64);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      std::string error;
      std::unique_ptr<Context> own = Context::create(1, library, error);
      ASSERT_TRUE(own) << error;
      for (int64_t rows = 1; rows <= 64; ++rows) {
        std::vector<float> y(64 * 64);
        run(*own, y.data(), rows);
        for (int64_t j = 0; j < rows * 64; ++j)
          ASSERT_NEAR(y[static_cast<size_t>(j)],
                      expected[static_cast<size_t>(j)], 1e-5);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

// Each f16 there is, by a product with 1.
TEST_F(MatmulTest, WidensEveryHalf) {
  constexpr int64_t count = 65536;
  keep.emplace_back();
  for (int64_t i = 0; i < count; ++i)
    keep.back().halves.push_back(static_cast<uint16_t>(i));
  float one = 1;
  std::vector<float> y(count);
  MarimbaMatmul args = {};
  args.x = &one;
  args.w = keep.back().halves.data();
  args.y = y.data();
  args.batch = args.rows = args.k = 1;
  args.n = count;
  args.weightType = MARIMBA_F16;
  marimba_onednn_matmul(context->get(), &args);
  ASSERT_TRUE(context->ok()) << context->message();
  for (int64_t i = 0; i < count; ++i) {
    auto expected =
        static_cast<float>(std::bit_cast<_Float16>(static_cast<uint16_t>(i)));
    float found = y[static_cast<size_t>(i)];
    if (std::isnan(expected))
      ASSERT_TRUE(std::isnan(found)) << i;
    else
      ASSERT_EQ(found, expected) << i;
  }
}

// Generated code reads words of two bf16, whatever the file has.
TEST_F(MatmulTest, PackedWordsOfEachType) {
  std::mt19937 random(3);
  const std::pair<size_t, size_t> sizes[] = {{70, 6}, {1, 33}, {128, 64}};
  for (MarimbaDType type : {MARIMBA_F32, MARIMBA_BF16, MARIMBA_F16})
    for (auto [channels, inputs] : sizes) {
      keep.push_back(makeStored(channels * inputs, type, random));
      const Stored &w = keep.back();
      const auto *words = static_cast<const uint16_t *>(marimba_packed_weights(
          context->get(), w.data(type), int64_t(channels), int64_t(inputs),
          type, MARIMBA_BF16));
      ASSERT_TRUE(words) << context->message();
      size_t blocks = (channels + 63) / 64, rows = (inputs + 31) / 32 * 16;
      for (size_t i = 0; i < blocks * rows * 128; ++i) {
        size_t n = i / (rows * 128) * 64 + i % 128 / 2;
        size_t k = i / 128 % rows * 2 + i % 2;
        float found = std::bit_cast<float>(uint32_t(words[i]) << 16);
        bool padding = n >= channels || k >= inputs;
        float expected = padding ? 0 : w.values[n * inputs + k];
        ASSERT_NEAR(found, expected, std::abs(expected) / 256) << n << ' ' << k;
      }
    }
}

TEST(LibraryUnitsTest, FollowTheLimit) {
  const char *limit = std::getenv("DNNL_MAX_CPU_ISA");
  OneDNNUnits units = oneDNNUnits();
  std::string name = limit ? limit : "";
  if (name == "SSE41" || name == "AVX2") {
    EXPECT_FALSE(units.f32);
  }
  if (name == "SSE41" || name == "AVX2" || name == "AVX512_CORE") {
    EXPECT_FALSE(units.bf16);
    EXPECT_FALSE(units.bytes);
  }
  EXPECT_LE(units.bf16, units.f32);
  EXPECT_LE(units.bytes, units.f32);
}

TEST_F(MatmulTest, ErrorsAreSticky) {
  float value = 1;
  MarimbaMatmul args = {};
  args.x = args.w = &value;
  args.y = &value;
  args.batch = args.rows = args.k = args.n = 1;
  args.xBatchStride = args.xRowStride = 1;
  args.yBatchStride = args.yRowStride = 1;
  args.weightType = MARIMBA_I64;
  marimba_onednn_matmul(context->get(), &args);
  EXPECT_EQ(context->get()->status, MARIMBA_ERROR_LIBRARY);
  EXPECT_NE(context->message().find("element type i64, expected f32"),
            std::string::npos)
      << context->message();
  args.weightType = MARIMBA_F32;
  value = 3;
  marimba_onednn_matmul(context->get(), &args); // passed over
  EXPECT_EQ(value, 3);
  context->clear();
  EXPECT_TRUE(context->ok());
}

} // namespace
