//===- StoredMatricesTest.cpp - Where matrices are stored -----------------===//

#include "marimba/Context.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/abi.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

using namespace marimba::rt;

namespace {

constexpr int64_t kExperts = 3, kElements = 4, kStride = 6;

/// Matrices 4 floats long and 6 apart; experts 0 and 2 have rows.
struct Stack {
  std::vector<float> weights = std::vector<float>(kExperts * kStride);
  std::array<int32_t, 3> order{0, 2, 1};
  std::array<int32_t, 4> offsets{0, 2, 2, 3};

  const void *const *find(Context &context) {
    return marimba_stored_matrices(context.get(), weights.data(), kExperts,
                                   kStride * 4, kElements * 4, order.data(),
                                   offsets.data());
  }
  void expectRight(const void *const *matrices) const {
    for (int64_t e = 0; e < kExperts; ++e) {
      const void *place = weights.data() + e * kStride;
      EXPECT_EQ(matrices[e], place);
      EXPECT_EQ(
          marimba_read_matrix(matrices, e, 0, order.data(), offsets.data()),
          place);
    }
  }
};

TEST(StoredMatricesTest, AreWhereTheStackHasThem) {
  std::string error;
  auto context = Context::create(2, std::make_shared<PrimitiveCache>(), error);
  ASSERT_TRUE(context) << error;
  Stack stack;
  const void *const *matrices = stack.find(*context);
  stack.expectRight(matrices);
  // The table is kept: it takes no scratch.
  EXPECT_EQ(stack.find(*context), matrices);
  EXPECT_EQ(context->get()->arenaTop, 0);
}

TEST(StoredMatricesTest, AreNotThoseOfAnEarlierStackThere) {
  std::string error;
  auto context = Context::create(1, std::make_shared<PrimitiveCache>(), error);
  ASSERT_TRUE(context) << error;
  Stack stack;
  stack.find(*context);
  // Two longer matrices in the same memory, then three closer ones.
  std::array<int32_t, 3> order{0, 1, 2};
  std::array<int32_t, 4> offsets{0, 1, 2, 3};
  const float *data = stack.weights.data();
  for (auto [count, stride, bytes] :
       {std::array<int64_t, 3>{2, 36, 36}, {3, 16, 16}}) {
    const void *const *found =
        marimba_stored_matrices(context->get(), data, count, stride, bytes,
                                order.data(), offsets.data());
    for (int64_t e = 0; e < count; ++e)
      EXPECT_EQ(marimba_read_matrix(found, e, e, order.data(), offsets.data()),
                reinterpret_cast<const char *>(data) + e * stride);
  }
  EXPECT_TRUE(context->ok());
}

TEST(StoredMatricesTest, AreFoundWithoutALibrary) {
  std::string error;
  auto context = Context::create(1, nullptr, error);
  ASSERT_TRUE(context) << error;
  Stack stack;
  stack.expectRight(stack.find(*context));
  EXPECT_TRUE(context->ok());
}

} // namespace
