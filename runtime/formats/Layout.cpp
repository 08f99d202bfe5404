//===- Layout.cpp - Quantised matrices as kernels read them ---------------===//

#include "marimba/formats/Layout.h"

#include <algorithm>

namespace marimba::formats {

std::string_view partName(PartKind kind) {
  switch (kind) {
  case PartKind::Codes:
    return "codes";
  case PartKind::Scales:
    return "scales";
  case PartKind::Zeros:
    return "zeros";
  case PartKind::Minimums:
    return "minimums";
  }
  return {};
}

static int64_t divideUp(int64_t size, int64_t by) {
  return (size + by - 1) / by;
}

Layout Layout::of(const Encoding &encoding, int64_t channels, int64_t inputs,
                  int64_t matrices) {
  Layout layout;
  layout.encoding = encoding;
  layout.matrices = matrices;
  layout.channels = channels;
  layout.inputs = inputs;
  layout.blocks = divideUp(channels, kChannels);
  int64_t unit = std::max(encoding.group, kDepth);
  layout.depth = divideUp(inputs, unit) * unit;
  layout.group = encoding.group ? encoding.group : layout.depth;
  layout.groups = layout.depth / layout.group;
  return layout;
}

bool Layout::fits(int64_t channels, int64_t inputs, int64_t matrices) {
  int64_t count = 1;
  for (int64_t size : {channels, inputs, matrices})
    if (size < 1 || __builtin_mul_overflow(count, size, &count))
      return false;
  return count <= int64_t(1) << 44;
}

std::vector<PartKind> Layout::parts() const {
  std::vector<PartKind> parts = {PartKind::Codes, PartKind::Scales};
  if (encoding.offset != Offset::None)
    parts.push_back(encoding.offset == Offset::Minimum ? PartKind::Minimums
                                                       : PartKind::Zeros);
  return parts;
}

int64_t Layout::partBytes(PartKind kind) const {
  int64_t perGroup = blocks * groups * kChannels;
  switch (kind) {
  case PartKind::Codes:
    return blocks * words() * kChannels * 4;
  case PartKind::Scales:
    return perGroup * scalarSize(encoding.scale);
  case PartKind::Zeros:
    return encoding.offset == Offset::ZeroPoint ? perGroup : 0;
  case PartKind::Minimums:
    return encoding.offset == Offset::Minimum
               ? perGroup * scalarSize(encoding.scale)
               : 0;
  }
  return 0;
}

int64_t Layout::offsetBytes() const {
  return partBytes(PartKind::Zeros) + partBytes(PartKind::Minimums);
}

int64_t Layout::partOffset(PartKind kind) const {
  if (kind == PartKind::Codes)
    return 0;
  return kind == PartKind::Scales ? codeBytes() : codeBytes() + scaleBytes();
}

std::vector<int64_t> Layout::partShape(PartKind kind) const {
  if (kind == PartKind::Codes)
    return {blocks, words(), kChannels, 4};
  return {blocks, groups, kChannels};
}

std::string_view Layout::partType(PartKind kind) const {
  switch (kind) {
  case PartKind::Codes:
    return encoding.isSigned() ? "I8" : "U8";
  case PartKind::Zeros:
    return "U8";
  case PartKind::Scales:
  case PartKind::Minimums:
    return scalarName(encoding.scale);
  }
  return {};
}

std::vector<float> widenMatrix(const Layout &layout, const char *codes,
                               const char *scales, const char *offsets) {
  const Encoding &encoding = layout.encoding;
  std::vector<float> numbers(
      static_cast<size_t>(layout.channels * layout.inputs));
  auto to = numbers.begin();
  for (int64_t n = 0; n < layout.channels; ++n)
    for (int64_t k = 0; k < layout.inputs; ++k) {
      char byte = codes[layout.codePlace(n, k)];
      int code = static_cast<signed char>(byte);
      if (!encoding.isSigned())
        code = static_cast<unsigned char>(byte) >> layout.codeShift(k) & 15;
      int64_t at = layout.groupPlace(n, k);
      int64_t scaleAt = at * scalarSize(encoding.scale);
      code -= encoding.center();
      if (encoding.offset == Offset::ZeroPoint)
        code -= static_cast<unsigned char>(offsets[at]);
      float number = static_cast<float>(code) *
                     loadScalar(scales + scaleAt, encoding.scale);
      if (encoding.offset == Offset::Minimum)
        number += loadScalar(offsets + scaleAt, encoding.scale);
      *to++ = number;
    }
  return numbers;
}

} // namespace marimba::formats
