//===- FakeModel.h - A model whose entries are written in C++ ---*- C++ -*-===//
//
// The fake model remembers a running sum (a recurrent state) and every token
// (attention state [slot, 2, capacity, 3]). Logit v after a token is
// 1000 * sum of all tokens so far + 10 * tokens so far + v * w, where w comes
// from the derived weight. It reads the sum back from the attention state too.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TEST_RUNTIME_FAKEMODEL_H
#define MARIMBA_TEST_RUNTIME_FAKEMODEL_H

#include "marimba/Session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace marimba::rt::fake {

inline constexpr int64_t vocabulary = 50;

inline const char description[] = R"({"abi":4,"name":"fake","weights":[
  {"name":"d","dtype":"f32","shape":[1],"derived":true}],"entries":{
  "prepare":{"args":[{"kind":"weight","name":"d","dtype":"f32","shape":[1]}]},
  "prefill":{"args":[
    {"kind":"input","name":"ids","dtype":"i32","shape":[-1,-1]},
    {"kind":"input","name":"past","dtype":"i32","shape":[-1]},
    {"kind":"input","name":"valid","dtype":"i32","shape":[-1]},
    {"kind":"input","name":"positions","dtype":"i32","shape":[-1,-1]},
    {"kind":"output","name":"logits","dtype":"f32","shape":[-1,-1,50]},
    {"kind":"state","name":"sum","dtype":"f32","shape":[-1,1]},
    {"kind":"state","name":"key","dtype":"f32","shape":[-1,2,-1,3]},
    {"kind":"output","name":"hidden","dtype":"f32","shape":[2,-1,-1,3]}]},
  "decode":{"args":[
    {"kind":"input","name":"ids","dtype":"i32","shape":[-1,1]},
    {"kind":"input","name":"past","dtype":"i32","shape":[-1]},
    {"kind":"input","name":"valid","dtype":"i32","shape":[-1]},
    {"kind":"input","name":"positions","dtype":"i32","shape":[-1,1]},
    {"kind":"output","name":"logits","dtype":"f32","shape":[-1,1,50]},
    {"kind":"state","name":"sum","dtype":"f32","shape":[-1,1]},
    {"kind":"state","name":"key","dtype":"f32","shape":[-1,2,-1,3]},
    {"kind":"output","name":"hidden","dtype":"f32","shape":[2,-1,1,3]}]}}})";

inline int prefillCalls, decodeCalls;
/// Tokens per row of each call, padding included.
inline std::vector<int64_t> calls;
inline bool failNext;
/// A token behind which logits are no numbers.
inline int32_t poison = -1;

template <typename T>
T &at(const MarimbaTensor &tensor, std::initializer_list<int64_t> index) {
  int64_t offset = 0;
  int dim = 0;
  for (int64_t i : index) {
    EXPECT_GE(i, 0);
    EXPECT_LT(i, tensor.sizes[dim]);
    offset += i * tensor.strides[dim++];
  }
  return static_cast<T *>(tensor.data)[offset];
}

inline int32_t step(MarimbaContext *ctx, const MarimbaCall *call) {
  EXPECT_EQ(call->argCount, 8);
  EXPECT_EQ(call->weightCount, 1);
  const MarimbaTensor &ids = call->args[0], &past = call->args[1],
                      &valid = call->args[2], &positions = call->args[3],
                      &logits = call->args[4], &sum = call->args[5],
                      &key = call->args[6], &hidden = call->args[7];
  int64_t batch = ids.sizes[0], time = ids.sizes[1];
  calls.push_back(time);
  std::vector<std::vector<float>> after(static_cast<size_t>(batch));
  for (int64_t b = 0; b < batch; ++b) {
    int64_t before = at<int32_t>(past, {b}), count = at<int32_t>(valid, {b});
    float remembered = 0;
    for (int64_t t = 0; t < before; ++t)
      remembered += at<float>(key, {b, 1, t, 2});
    EXPECT_EQ(remembered, (at<float>(sum, {b, 0})));
    for (int64_t t = 0; t < time; ++t) {
      float id = static_cast<float>(at<int32_t>(ids, {b, t}));
      if (t >= count) {
        EXPECT_EQ(id, 0) << "padding";
      } else {
        at<float>(sum, {b, 0}) += id;
        at<float>(key, {b, 0, before + t, 0}) = -id;
        at<float>(key, {b, 1, before + t, 2}) = id;
      }
      for (int64_t layer = 0; layer < 2; ++layer)
        at<float>(hidden, {layer, b, t, 2}) = 100 * float(layer) + id;
      after[static_cast<size_t>(b)].push_back(1000 * at<float>(sum, {b, 0}) +
                                              10 * float(before + t + 1));
      if (t < count && id == float(poison))
        after[static_cast<size_t>(b)].back() = std::nanf("");
    }
    for (int64_t p = 0; p < positions.sizes[1]; ++p)
      for (int64_t v = 0; v < vocabulary; ++v)
        at<float>(logits, {b, p, v}) =
            after[static_cast<size_t>(b)]
                 [static_cast<size_t>(at<int32_t>(positions, {b, p}))] +
            float(v) * static_cast<float *>(call->weights[0].data)[0];
  }
  if (failNext)
    setError(ctx, MARIMBA_ERROR_ARENA, "broken on purpose");
  return ctx->status;
}

inline int32_t prefill(MarimbaContext *ctx, const MarimbaCall *call) {
  ++prefillCalls;
  return step(ctx, call);
}
inline int32_t decode(MarimbaContext *ctx, const MarimbaCall *call) {
  ++decodeCalls;
  EXPECT_EQ(call->args[0].sizes[1], 1);
  return step(ctx, call);
}
inline int32_t prepare(MarimbaContext *, const MarimbaCall *call) {
  static_cast<float *>(call->args[0].data)[0] = 0.5f;
  return MARIMBA_OK;
}

inline void *lookup(const char *symbol) {
  if (!std::strcmp(symbol, MARIMBA_SYMBOL_DESCRIPTION))
    return const_cast<char *>(description);
  if (!std::strcmp(symbol, MARIMBA_ENTRY_PREPARE))
    return reinterpret_cast<void *>(prepare);
  if (!std::strcmp(symbol, MARIMBA_ENTRY_PREFILL))
    return reinterpret_cast<void *>(prefill);
  if (!std::strcmp(symbol, MARIMBA_ENTRY_DECODE))
    return reinterpret_cast<void *>(decode);
  return nullptr;
}

using Rows = std::vector<std::vector<int32_t>>;

/// Sessions over it.
class FakeModelTest : public testing::Test {
protected:
  void SetUp() override {
    prefillCalls = decodeCalls = 0;
    failNext = false;
    poison = -1;
    auto module = CompiledModule::bind(lookup, error);
    ASSERT_TRUE(module) << error;
    auto weights = Weights::load(module->description, {}, error);
    ASSERT_TRUE(weights) << error;
    model = Model::create(module, std::move(weights), 1, error);
    ASSERT_TRUE(model) << error;
  }
  std::unique_ptr<Session> make(SessionOptions options) {
    auto session = Session::create(model, options, error);
    EXPECT_TRUE(session) << error;
    return session;
  }
  static float expected(float sum, int64_t count, int64_t v) {
    return 1000 * sum + 10 * float(count) + 0.5f * float(v);
  }

  std::shared_ptr<const Model> model;
  std::vector<float> logits;
  std::string error;
};

} // namespace marimba::rt::fake

#endif // MARIMBA_TEST_RUNTIME_FAKEMODEL_H
