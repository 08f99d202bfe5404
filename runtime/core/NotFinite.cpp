//===- NotFinite.cpp - Where numbers stop being numbers -------------------===//

#include "marimba/NotFinite.h"

#include "marimba/Tensor.h"
#include "marimba/formats/Scalar.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace marimba::rt {

namespace {

constexpr uint32_t kExponent = 0x7f800000, kMinusInfinity = 0xff800000;

/// The value of element `index` at `data`, whose type is one of three.
double valueAt(const char *data, MarimbaDType dtype, int64_t index) {
  if (dtype == MARIMBA_F32) {
    float value;
    std::memcpy(&value, data + index * int64_t(sizeof(value)), sizeof(value));
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, data + index * int64_t(sizeof(bits)), sizeof(bits));
  if (dtype == MARIMBA_BF16)
    return formats::fromBF16(bits);
  return formats::fromF16(bits);
}

/// Whether one of `count` numbers at `data` is not finite; a loop that is a
/// vector loop.
template <typename Bits>
bool anyNotFinite(const char *data, int64_t count, Bits exponent) {
  bool found = false;
  for (int64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, data + i * int64_t(sizeof(bits)), sizeof(bits));
    found |= (bits & exponent) == exponent;
  }
  return found;
}

bool isFloating(MarimbaDType dtype) {
  return dtype == MARIMBA_F32 || dtype == MARIMBA_BF16 || dtype == MARIMBA_F16;
}

/// The first of `count` elements one after the other that is not finite.
std::optional<NotFinite> scan(const char *data, MarimbaDType dtype,
                              int64_t count) {
  // So small that what a search in vain reads stays in a cache.
  constexpr int64_t block = 1 << 14;
  int64_t size = dtypeSize(dtype);
  for (int64_t begin = 0; begin < count; begin += block) {
    int64_t end = std::min(begin + block, count);
    const char *from = data + begin * size;
    bool found =
        dtype == MARIMBA_F32
            ? anyNotFinite<uint32_t>(from, end - begin, kExponent)
            : anyNotFinite<uint16_t>(from, end - begin,
                                     dtype == MARIMBA_BF16 ? 0x7f80 : 0x7c00);
    for (int64_t i = begin; found && i < end; ++i)
      if (double value = valueAt(data, dtype, i); !std::isfinite(value))
        return NotFinite{i, value};
  }
  return std::nullopt;
}

std::string describe(std::string_view name, const NotFinite &found) {
  return "tensor '" + std::string(name) + "' holds " + found.text() +
         " at element " + std::to_string(found.element);
}

/// The same of a weight that is one tensor of the files, or several stacked.
std::string describe(const WeightSpec &spec, NotFinite found) {
  auto count = static_cast<int64_t>(spec.sources.size());
  int64_t elements = elementCount(spec.shape).value_or(0);
  if (count == 0 || elements % count != 0)
    return describe(spec.name, found);
  int64_t each = elements / count;
  size_t source = static_cast<size_t>(found.element / each);
  found.element %= each;
  return describe(spec.sources[source], found);
}

/// Looks at the scales and minimums of each matrix.
std::string findBadScale(const WeightSpec &spec, const char *data) {
  const formats::Layout &layout = *spec.quantized;
  MarimbaDType scale = dtypeOf(layout.encoding.scale);
  if (!isFloating(scale)) // all values of one byte are finite
    return {};
  std::vector<formats::PartKind> parts = layout.parts();
  for (int64_t i = 0; i < layout.matrices; ++i)
    for (size_t p = 1; p < parts.size(); ++p) {
      if (layout.partType(parts[p]) != scalarName(layout.encoding.scale))
        continue; // integers
      auto found =
          scan(data + i * layout.matrixBytes() + layout.partOffset(parts[p]),
               scale, layout.partBytes(parts[p]) / dtypeSize(scale));
      size_t source = static_cast<size_t>(i) * parts.size() + p;
      if (found)
        return describe(source < spec.sources.size() ? spec.sources[source]
                                                     : spec.name,
                        *found);
    }
  return {};
}

std::string findBadWeight(const Weights &weights, size_t index,
                          const WeightSpec &spec) {
  const MarimbaTensor &tensor = weights.table()[index];
  if (spec.quantized)
    return findBadScale(spec, static_cast<const char *>(tensor.data));
  auto dtype = static_cast<MarimbaDType>(tensor.dtype);
  if (!isFloating(dtype))
    return {};
  if ((!spec.packed && !spec.apart) || spec.shape.size() < 2) {
    if (std::optional<NotFinite> found = findNotFinite(tensor))
      return describe(spec, *found);
    return {};
  }
  int64_t elements =
      spec.shape[spec.shape.size() - 1] * spec.shape[spec.shape.size() - 2];
  std::vector<StoredMatrix> matrices = weights.matrices(index, spec);
  for (size_t i = 0; i < matrices.size(); ++i)
    if (auto found = scan(static_cast<const char *>(matrices[i].data), dtype,
                          elements)) {
      found->element += static_cast<int64_t>(i) * elements;
      return describe(spec, *found);
    }
  return {};
}

} // namespace

const char *NotFinite::text() const {
  return std::isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf";
}

std::optional<NotFinite> findNotFinite(const void *data, MarimbaDType dtype,
                                       int64_t count) {
  return isFloating(dtype) ? scan(static_cast<const char *>(data), dtype, count)
                           : std::nullopt;
}

std::string logitsProblem(std::span<const float> logits) {
  uint32_t bad = 0, possible = 0;
  for (float logit : logits) {
    uint32_t bits = std::bit_cast<uint32_t>(logit);
    uint32_t never = bits == kMinusInfinity;
    bad |= uint32_t((bits & kExponent) == kExponent) & ~never;
    possible |= never ^ 1;
  }
  if (!bad)
    return possible || logits.empty() ? "" : "-inf alone";
  bool nan = std::any_of(logits.begin(), logits.end(),
                         [](float logit) { return std::isnan(logit); });
  return nan ? "NaN" : "inf";
}

std::optional<NotFinite> findNotFinite(const MarimbaTensor &tensor) {
  auto dtype = static_cast<MarimbaDType>(tensor.dtype);
  if (!isFloating(dtype))
    return std::nullopt;
  int64_t rows = 1, width = tensor.rank ? tensor.sizes[tensor.rank - 1] : 1;
  bool dense = tensor.rank == 0 || tensor.strides[tensor.rank - 1] == 1;
  for (int d = 0; d + 1 < tensor.rank; ++d)
    rows *= tensor.sizes[d];
  if (width == 0)
    return std::nullopt;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t offset = 0, rest = row;
    for (int d = tensor.rank - 2; d >= 0; --d) {
      offset += rest % tensor.sizes[d] * tensor.strides[d];
      rest /= tensor.sizes[d];
    }
    const char *data =
        static_cast<const char *>(tensor.data) + offset * dtypeSize(dtype);
    if (dense) {
      if (std::optional<NotFinite> found = scan(data, dtype, width))
        return NotFinite{row * width + found->element, found->value};
      continue;
    }
    int64_t stride = tensor.strides[tensor.rank - 1];
    for (int64_t i = 0; i < width; ++i)
      if (double value = valueAt(data, dtype, i * stride);
          !std::isfinite(value))
        return NotFinite{row * width + i, value};
  }
  return std::nullopt;
}

std::string findBadWeight(const Model &model) {
  const std::vector<WeightSpec> &specs = model.description().weights;
  std::string derived;
  for (size_t i = 0; i < specs.size(); ++i) {
    // What was derived is as bad as what it was derived from.
    if (specs[i].derived && !derived.empty())
      continue;
    std::string problem = findBadWeight(model.weights(), i, specs[i]);
    if (problem.empty())
      continue;
    if (!specs[i].derived)
      return problem;
    derived = problem;
  }
  return derived;
}

} // namespace marimba::rt
