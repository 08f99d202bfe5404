//===- RandomWeights.cpp - Weights from no file ---------------------------===//

#include "marimba/RandomWeights.h"

#include "marimba/ThreadTeam.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace marimba::rt {

namespace {

/// Elements of a pattern: a prime, so that rows differ.
constexpr int64_t kPatternLength = 65521;

uint16_t toBf16(float value) {
  // To the nearest, ties to even; values are finite.
  auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/// Values below the smallest normal one become zero; |value| < 65504.
uint16_t toF16(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  auto magnitude = static_cast<int64_t>(bits & 0x7fffffff);
  magnitude = (magnitude + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  magnitude -= int64_t(127 - 15) << 10;
  return magnitude < 0x400 ? sign : static_cast<uint16_t>(sign | magnitude);
}

/// Writes `value` as element `index` of `data`.
void store(char *data, MarimbaDType dtype, int64_t index, float value) {
  char *to = data + index * dtypeSize(dtype);
  if (dtype == MARIMBA_F32) {
    std::memcpy(to, &value, sizeof(value));
  } else {
    uint16_t bits = dtype == MARIMBA_BF16 ? toBf16(value) : toF16(value);
    std::memcpy(to, &bits, sizeof(bits));
  }
}

/// `count` elements of uniform values in [low, high), or fewer where they
/// repeat themselves.
std::vector<char> uniform(MarimbaDType dtype, int64_t count, float low,
                          float high) {
  count = std::min(count, kPatternLength);
  std::vector<char> pattern(static_cast<size_t>(count * dtypeSize(dtype)));
  uint64_t state = 0x9e3779b97f4a7c15;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    float unit = static_cast<float>(state >> 40) * 0x1p-24f;
    store(pattern.data(), dtype, i, low + (high - low) * unit);
  }
  return pattern;
}

/// The values that are repeated to make a tensor.
std::vector<char> patternOf(const WeightSpec &spec, int64_t count) {
  std::string_view name = spec.name;
  int64_t last = spec.shape.empty() ? 1 : spec.shape.back();
  if (name.ends_with("A_log")) {
    std::vector<char> row(static_cast<size_t>(last * dtypeSize(spec.dtype)));
    for (int64_t n = 0; n < last; ++n)
      store(row.data(), spec.dtype, n,
            static_cast<float>(std::log1p(static_cast<double>(n))));
    return row;
  }
  bool bias = name.ends_with("bias");
  bool norm = name.find("norm") != name.npos && !bias;
  if (norm || name.ends_with(".D") || name == "D") {
    std::vector<char> one(static_cast<size_t>(dtypeSize(spec.dtype)));
    store(one.data(), spec.dtype, 0, 1);
    return one;
  }
  if (name.ends_with("dt_proj.bias"))
    return uniform(spec.dtype, count, -4.6F, -2.3F);
  if (bias)
    return uniform(spec.dtype, count, -0.01F, 0.01F);
  float bound =
      std::sqrt(3.0F / static_cast<float>(std::max<int64_t>(last, 1)));
  return uniform(spec.dtype, count, -bound, bound);
}

} // namespace

/// Random codes, with scales that give them the variance of other weights.
static void fillQuantized(const QuantizedSpec &q, char *to) {
  std::vector<char> scales(static_cast<size_t>(q.scaleBytes));
  double steps = q.bits == 8 ? 127 : 8;
  double bound = std::sqrt(3.0 / static_cast<double>(q.inputs)) / steps;
  for (int64_t i = 0; i < q.scaleBytes / dtypeSize(q.scale); ++i)
    store(scales.data(), q.scale, i, static_cast<float>(bound));
  uint64_t state = 0x9e3779b97f4a7c15;
  for (int64_t matrix = 0; matrix < q.matrices; ++matrix) {
    for (int64_t i = 0; i + 8 <= q.codeBytes; i += 8) {
      state = state * 6364136223846793005 + 1442695040888963407;
      uint64_t bits = state ^ (state >> 29);
      std::memcpy(to + i, &bits, sizeof(bits));
    }
    to += q.codeBytes;
    std::memcpy(to, scales.data(), scales.size());
    to += q.scaleBytes;
    std::memset(to, 8, static_cast<size_t>(q.zeroBytes));
    to += q.zeroBytes;
  }
}

bool RandomWeights::fill(const WeightSpec &spec, const MarimbaTensor &tensor,
                         std::string &error) const {
  if (spec.quantized) {
    fillQuantized(*spec.quantized, static_cast<char *>(tensor.data));
    return true;
  }
  if (spec.dtype != MARIMBA_F32 && spec.dtype != MARIMBA_BF16 &&
      spec.dtype != MARIMBA_F16) {
    error = "weight '" + spec.name + "': random values of type " +
            std::string(dtypeName(spec.dtype)) +
            " are not known, expected f32, f16 or bf16";
    return false;
  }
  struct Fill {
    char *data;
    int64_t bytes;
    std::vector<char> pattern;
  };
  int64_t count = *elementCount(spec.shape);
  if (count == 0)
    return true;
  Fill work = {static_cast<char *>(tensor.data), count * dtypeSize(spec.dtype),
               patternOf(spec, count)};
  // A short pattern is repeated first, up to a size that copies well.
  size_t unit = work.pattern.size();
  while (work.pattern.size() < 4096)
    work.pattern.insert(work.pattern.end(), work.pattern.begin(),
                        work.pattern.begin() + static_cast<ptrdiff_t>(unit));
  auto length = static_cast<int64_t>(work.pattern.size());
  MarimbaContext context = {};
  context.abiVersion = MARIMBA_ABI_VERSION;
  context.threads = threads;
  auto copy = [](void *closure, int64_t begin, int64_t end) {
    const Fill &work = *static_cast<const Fill *>(closure);
    auto length = static_cast<int64_t>(work.pattern.size());
    for (int64_t i = begin; i < end; ++i)
      std::memcpy(
          work.data + i * length, work.pattern.data(),
          static_cast<size_t>(std::min(length, work.bytes - i * length)));
  };
  onTeam(threads, [&] {
    marimba_parallel_for(&context, (work.bytes + length - 1) / length, 8, copy,
                         &work);
  });
  return true;
}

} // namespace marimba::rt
