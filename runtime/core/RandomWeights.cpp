//===- RandomWeights.cpp - Weights from no file ---------------------------===//

#include "marimba/RandomWeights.h"

#include "marimba/ThreadTeam.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace marimba::rt {

namespace {

/// Elements of a pattern: a prime, so that rows differ.
constexpr int64_t kPatternLength = 65521;

/// Writes `value` as element `index` of `data`.
void store(char *data, MarimbaDType dtype, int64_t index, float value) {
  formats::Scalar type = dtype == MARIMBA_F32    ? formats::Scalar::F32
                         : dtype == MARIMBA_BF16 ? formats::Scalar::BF16
                                                 : formats::Scalar::F16;
  formats::storeScalar(value, type, data + index * dtypeSize(dtype));
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
static void fillQuantized(const formats::Layout &layout, char *to) {
  const formats::Encoding &encoding = layout.encoding;
  double steps = encoding.bits == 8 ? 127 : 8;
  double scale = std::sqrt(3.0 / static_cast<double>(layout.inputs)) / steps;
  // Minimums put the middle of unsigned codes at 0.
  double minimum = encoding.isSigned() ? 0 : -7.5 * scale;
  auto numbers = [&](int64_t bytes, double value) {
    std::vector<char> made(static_cast<size_t>(bytes));
    for (int64_t at = 0; at < bytes; at += scalarSize(encoding.scale))
      storeScalar(static_cast<float>(value), encoding.scale, made.data() + at);
    return made;
  };
  std::vector<char> groups = numbers(layout.scaleBytes(), scale);
  std::vector<char> offsets =
      encoding.offset == formats::Offset::Minimum
          ? numbers(layout.offsetBytes(), minimum)
          : std::vector<char>(static_cast<size_t>(layout.offsetBytes()), 8);
  groups.insert(groups.end(), offsets.begin(), offsets.end());
  uint64_t state = 0x9e3779b97f4a7c15;
  for (int64_t matrix = 0; matrix < layout.matrices; ++matrix) {
    for (int64_t i = 0; i + 8 <= layout.codeBytes(); i += 8) {
      state = state * 6364136223846793005 + 1442695040888963407;
      uint64_t bits = state ^ (state >> 29);
      std::memcpy(to + i, &bits, sizeof(bits));
    }
    std::memcpy(to + layout.codeBytes(), groups.data(), groups.size());
    to += layout.matrixBytes();
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
