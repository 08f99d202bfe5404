//===- Embedder.cpp - Texts as vectors ------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Embedder.h"

#include "marimba/Description.h"
#include <algorithm>
#include <chrono>
#include <cmath>

using namespace marimba;
using namespace marimba::server;

int64_t Embedder::width() const {
  const rt::ArgSpec *hidden =
      model.parts().description().prefill.find(rt::ArgKind::Output, "hidden");
  return hidden ? hidden->shape.back() : 0;
}

std::vector<float> Embedder::embed(std::span<const int32_t> ids,
                                   Pooling pooling,
                                   const std::function<bool()> &goOn,
                                   std::string &error) {
  error.clear();
  auto wide = static_cast<size_t>(width());
  std::vector<double> sum(wide);
  std::vector<float> logits, hidden;
  std::unique_lock lock(mutex, std::defer_lock);
  while (!lock.try_lock_for(std::chrono::milliseconds(50)))
    if (!goOn())
      return {};
  if (!session && !(session = model.makeSession(error)))
    return {};
  session->reset(0);
  for (size_t at = 0; at < ids.size();) {
    if (!goOn())
      return {};
    // The states of all layers come, so not of too many tokens.
    size_t count =
        std::min(ids.size() - at, static_cast<size_t>(model.chunk()));
    std::vector<int32_t> piece(ids.begin() + static_cast<ptrdiff_t>(at),
                               ids.begin() +
                                   static_cast<ptrdiff_t>(at + count));
    if (!session->forward(0, {&piece, 1}, rt::LogitsWanted::None, logits, error,
                          &hidden))
      return {};
    at += count;
    const float *last = hidden.data() + hidden.size() - count * wide;
    if (pooling == Pooling::Last)
      last += (count - 1) * wide, std::ranges::fill(sum, 0), count = 1;
    for (size_t token = 0; token < count; ++token)
      for (size_t i = 0; i < wide; ++i)
        sum[i] += static_cast<double>(last[token * wide + i]);
  }
  double square = 0;
  for (double value : sum)
    square += value * value;
  double scale = square > 0 ? 1 / std::sqrt(square) : 0;
  std::vector<float> result(wide);
  std::ranges::transform(sum, result.begin(), [&](double value) {
    return static_cast<float>(value * scale);
  });
  return result;
}
