//===- MatmulKernelsTest.cpp - No product by the library's reference ------===//

#include "marimba/Context.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/ThreadTeam.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <vector>

using namespace marimba::rt;

namespace {

/// What a call may look like beside its sizes.
struct Form {
  std::vector<MarimbaPostOpKind> posts;
  MarimbaDType xType = MARIMBA_F32, yType = MARIMBA_F32;
  bool bias = false, computed = false;
  int64_t xPad = 0, yPad = 0, operandPad = 0;
};

class MatmulKernelsTest : public testing::Test {
protected:
  void SetUp() override {
    std::string error;
    library = std::make_shared<PrimitiveCache>();
    context = Context::create(2, library, error);
    ASSERT_TRUE(context) << error;
    bindThreads(std::min(2, allowedCpus()));
  }

  /// Zeros: what is asked is who multiplies.
  void *zeros(int64_t elements) {
    memory.emplace_back(static_cast<size_t>(elements));
    return memory.back().data();
  }

  void multiply(int64_t rows, int64_t k, int64_t n, const Form &form) {
    MarimbaMatmul args = {};
    args.xRowStride = k + form.xPad;
    args.yRowStride = n + form.yPad;
    args.batch = 1;
    args.rows = rows;
    args.k = k;
    args.n = n;
    args.x = zeros(rows * args.xRowStride);
    args.y = zeros(rows * args.yRowStride);
    args.w = zeros(k * n);
    args.bias = form.bias ? zeros(n) : nullptr;
    args.xType = form.xType;
    args.yType = form.yType;
    args.computed = form.computed;
    args.weightType = form.computed ? form.xType : MARIMBA_BF16;
    for (MarimbaPostOpKind kind : form.posts) {
      MarimbaPostOp &post = args.postOps[args.postOpCount++];
      post.kind = kind;
      if (kind != MARIMBA_POST_MUL && kind != MARIMBA_POST_ADD)
        continue;
      post.rowStride = n + form.operandPad;
      post.data = zeros(rows * post.rowStride);
    }
    marimba_onednn_matmul(context->get(), &args);
    ASSERT_TRUE(context->ok()) << context->message();
  }

  std::shared_ptr<PrimitiveCache> library;
  std::unique_ptr<Context> context;
  std::list<std::vector<float>> memory;
};

// The library chooses by all of these, and falls to its reference where
// operands of post-ops lie otherwise than the output, for example.
TEST_F(MatmulKernelsTest, NoneIsAReference) {
  const Form forms[] = {
      {},
      {{}, MARIMBA_BF16},
      {{}, MARIMBA_BF16, MARIMBA_BF16},
      {{}, MARIMBA_F32, MARIMBA_F32, /*bias=*/true},
      {{MARIMBA_POST_SUM}},
      {{MARIMBA_POST_SILU}, MARIMBA_F32, MARIMBA_F32, /*bias=*/true},
      {{MARIMBA_POST_MUL}},
      {{MARIMBA_POST_MUL}, MARIMBA_BF16, MARIMBA_BF16},
      {{MARIMBA_POST_MUL}, MARIMBA_F32, MARIMBA_F32, false, false, 0, 24},
      {{MARIMBA_POST_ADD}, MARIMBA_F32, MARIMBA_F32, false, false, 8, 0, 5},
      {{MARIMBA_POST_SILU, MARIMBA_POST_MUL, MARIMBA_POST_SUM},
       MARIMBA_F32,
       MARIMBA_F32,
       /*bias=*/true,
       /*computed=*/false,
       3,
       7,
       11},
      {{MARIMBA_POST_MUL, MARIMBA_POST_ADD},
       MARIMBA_F32,
       MARIMBA_F32,
       false,
       /*computed=*/true,
       0,
       16,
       0},
      {{MARIMBA_POST_MUL}, MARIMBA_BF16, MARIMBA_F32, false, true, 0, 16, 0},
  };
  for (const Form &form : forms)
    for (int64_t rows : {1, 2, 7, 64, 513})
      for (auto [k, n] : {std::pair<int64_t, int64_t>{1, 1},
                          {1, 70},
                          {33, 1},
                          {97, 131},
                          {64, 64}})
        multiply(rows, k, n, form);
  PrimitiveCache::Stats stats = library->stats();
  EXPECT_FALSE(stats.implementations.empty());
  for (const std::string &name : stats.implementations)
    EXPECT_EQ(name.find("ref"), std::string::npos) << name;
}

} // namespace
