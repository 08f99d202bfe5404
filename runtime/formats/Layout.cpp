//===- Layout.cpp - Quantised matrices as kernels read them ---------------===//

#include "marimba/formats/Layout.h"

#include "marimba/formats/Codebooks.h"

#include <algorithm>
#include <array>

namespace marimba::formats {

std::string_view codeValuesName(CodeValues values) {
  switch (values) {
  case CodeValues::Integer:
    return "integer";
  case CodeValues::E2M1:
    return "e2m1";
  case CodeValues::IQ4_NL:
    return "iq4_nl";
  case CodeValues::E4M3:
    return "e4m3";
  case CodeValues::IQ1_S:
    return "iq1_s";
  case CodeValues::IQ1_M:
    return "iq1_m";
  case CodeValues::IQ2_XXS:
    return "iq2_xxs";
  case CodeValues::IQ2_XS:
    return "iq2_xs";
  case CodeValues::IQ2_S:
    return "iq2_s";
  case CodeValues::IQ3_XXS:
    return "iq3_xxs";
  case CodeValues::IQ3_S:
    return "iq3_s";
  }
  return {};
}

std::optional<CodeValues> parseCodeValues(std::string_view name) {
  for (CodeValues values :
       {CodeValues::Integer, CodeValues::E2M1, CodeValues::IQ4_NL,
        CodeValues::E4M3, CodeValues::IQ1_S, CodeValues::IQ1_M,
        CodeValues::IQ2_XXS, CodeValues::IQ2_XS, CodeValues::IQ2_S,
        CodeValues::IQ3_XXS, CodeValues::IQ3_S})
    if (codeValuesName(values) == name)
      return values;
  return std::nullopt;
}

const signed char *codeTable(CodeValues values) {
  if (values == CodeValues::E2M1)
    return kTwiceE2M1.data();
  return values == CodeValues::IQ4_NL ? kValuesIQ4NL.data() : nullptr;
}

std::vector<uint32_t> gridWords(CodeValues values) {
  const GridCodes *codes = gridCodes(values);
  if (!codes)
    return {};
  Grid grid = codebook(codes->book);
  std::vector<uint32_t> words(grid.words.begin(), grid.words.end());
  if (codes->shifted)
    for (uint32_t &word : words) {
      uint32_t made = 0;
      for (int bit = 0; bit < 32; bit += 8) {
        int number = 8 * static_cast<int8_t>(word >> bit) + 1;
        made |= uint32_t(static_cast<uint8_t>(number)) << bit;
      }
      word = made;
    }
  return words;
}

std::string_view partName(PartKind kind) {
  switch (kind) {
  case PartKind::Codes:
    return "codes";
  case PartKind::HighBits:
    return "high_bits";
  case PartKind::Signs:
    return "signs";
  case PartKind::Scales:
    return "scales";
  case PartKind::Zeros:
    return "zeros";
  case PartKind::Minimums:
    return "minimums";
  case PartKind::SuperScales:
    return "super_scales";
  case PartKind::SuperMinimums:
    return "super_minimums";
  }
  return {};
}

std::span<const PartKind> allParts() {
  static constexpr PartKind all[] = {
      PartKind::Codes,       PartKind::HighBits,     PartKind::Signs,
      PartKind::Scales,      PartKind::Zeros,        PartKind::Minimums,
      PartKind::SuperScales, PartKind::SuperMinimums};
  return all;
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
  int64_t unit = std::max({encoding.group, encoding.superBlock, kDepth});
  layout.depth = divideUp(inputs, unit) * unit;
  layout.group = encoding.group ? encoding.group : layout.depth;
  layout.groups = layout.depth / layout.group;
  layout.supers = encoding.superBlock ? layout.depth / encoding.superBlock : 0;
  return layout;
}

bool Layout::fits(int64_t channels, int64_t inputs, int64_t matrices) {
  int64_t count = 1;
  for (int64_t size : {channels, inputs, matrices})
    if (size < 1 || __builtin_mul_overflow(count, size, &count))
      return false;
  return count <= int64_t(1) << 44;
}

bool Layout::hasPart(PartKind kind) const {
  switch (kind) {
  case PartKind::Codes:
  case PartKind::Scales:
    return true;
  case PartKind::HighBits:
    return encoding.codesPerHighWord() > 0;
  case PartKind::Signs:
    return encoding.hasGrid() && encoding.grid()->signs;
  case PartKind::Zeros:
    return encoding.offset == Offset::ZeroPoint;
  case PartKind::Minimums:
    return encoding.offset == Offset::Minimum;
  case PartKind::SuperScales:
    return supers > 0;
  case PartKind::SuperMinimums:
    return supers > 0 && encoding.offset == Offset::Minimum;
  }
  return false;
}

std::vector<PartKind> Layout::parts() const {
  std::vector<PartKind> parts;
  for (PartKind kind : allParts())
    if (hasPart(kind))
      parts.push_back(kind);
  return parts;
}

int64_t Layout::partUnit(PartKind kind) const {
  switch (kind) {
  case PartKind::Codes:
  case PartKind::HighBits:
  case PartKind::Signs:
    return 4;
  case PartKind::Zeros:
    return 1;
  case PartKind::Scales:
  case PartKind::Minimums:
    return supers ? 1 : scalarSize(encoding.scale);
  case PartKind::SuperScales:
  case PartKind::SuperMinimums:
    return scalarSize(encoding.scale);
  }
  return 0;
}

int64_t Layout::perChannel(PartKind kind) const {
  switch (kind) {
  case PartKind::Codes:
    return words();
  case PartKind::HighBits:
    return highWords();
  case PartKind::Signs:
    return depth / 32;
  case PartKind::Scales:
    return groups / encoding.scalesPerByte();
  case PartKind::Zeros:
  case PartKind::Minimums:
    return groups;
  case PartKind::SuperScales:
  case PartKind::SuperMinimums:
    return supers;
  }
  return 0;
}

int64_t Layout::partBytes(PartKind kind) const {
  return hasPart(kind) ? blocks * perChannel(kind) * kChannels * partUnit(kind)
                       : 0;
}

int64_t Layout::offsetBytes() const {
  return partBytes(PartKind::Zeros) + partBytes(PartKind::Minimums);
}

int64_t Layout::matrixBytes() const {
  int64_t bytes = 0;
  for (PartKind kind : allParts())
    bytes += partBytes(kind);
  return bytes;
}

int64_t Layout::partOffset(PartKind kind) const {
  int64_t bytes = 0;
  for (PartKind before : allParts()) {
    if (before == kind)
      break;
    bytes += partBytes(before);
  }
  return bytes;
}

std::vector<int64_t> Layout::partShape(PartKind kind) const {
  std::vector<int64_t> shape = {blocks, perChannel(kind), kChannels};
  if (isWords(kind))
    shape.push_back(4);
  return shape;
}

std::string_view Layout::partType(PartKind kind) const {
  switch (kind) {
  case PartKind::Codes:
    return encoding.bits == 8 ? "I8" : "U8";
  case PartKind::HighBits:
  case PartKind::Signs:
  case PartKind::Zeros:
    return "U8";
  case PartKind::Scales:
    if (encoding.hasGrid())
      return "U8";
    return supers ? "I8" : scalarName(encoding.scale);
  case PartKind::Minimums:
    return supers ? "U8" : scalarName(encoding.scale);
  case PartKind::SuperScales:
  case PartKind::SuperMinimums:
    return scalarName(encoding.scale);
  }
  return {};
}

namespace {

/// The numbers of a matrix, one after the other.
class Elements {
public:
  Elements(const Layout &layout, const std::vector<const char *> &begin)
      : layout(layout), encoding(layout.encoding) {
    std::vector<PartKind> kinds = layout.parts();
    for (size_t i = 0; i < kinds.size(); ++i)
      parts[static_cast<size_t>(kinds[i])] = begin[i];
  }

  float at(int64_t n, int64_t k) const {
    float number =
        valueOf(n, k) * scaleOf(PartKind::Scales, PartKind::SuperScales, n, k);
    if (encoding.offset == Offset::Minimum)
      number += scaleOf(PartKind::Minimums, PartKind::SuperMinimums, n, k);
    return number;
  }

private:
  const char *part(PartKind kind) const {
    return parts[static_cast<size_t>(kind)];
  }
  unsigned char byteOf(PartKind kind, int64_t at) const {
    return static_cast<unsigned char>(part(kind)[at]);
  }

  /// What the code stands for, twice that of E2M1.
  float valueOf(int64_t n, int64_t k) const {
    if (const GridCodes *codes = encoding.grid())
      return static_cast<float>(ofGrid(*codes, n, k));
    unsigned char byte = byteOf(PartKind::Codes, layout.codePlace(n, k));
    if (encoding.values == CodeValues::E4M3)
      return fromE4M3(byte);
    int code = static_cast<signed char>(byte);
    if (encoding.bits < 8)
      code = byte >> layout.codeShift(k) & ((1 << encoding.lowBits()) - 1);
    if (int high = encoding.highBits())
      code |= (byteOf(PartKind::HighBits, layout.highPlace(n, k)) >>
                   layout.highShift(k) &
               ((1 << high) - 1))
              << encoding.lowBits();
    if (const signed char *table = codeTable(encoding.values))
      return table[code];
    code -= encoding.center();
    if (encoding.offset == Offset::ZeroPoint) {
      unsigned char zero = byteOf(PartKind::Zeros, layout.groupPlace(n, k));
      code -= encoding.bits == 8 ? static_cast<signed char>(zero) : zero;
    }
    return static_cast<float>(code);
  }

  int ofGrid(const GridCodes &codes, int64_t n, int64_t k) const {
    auto byteAt = [&](PartKind kind, int64_t word) {
      int64_t at = layout.placeOf(n, word, layout.perChannel(kind));
      return byteOf(kind, 4 * at + k % 32 / 8);
    };
    int64_t word = layout.gridWord(k);
    int place = byteAt(PartKind::Codes, word), upper = 0;
    if (codes.upperBits) {
      int64_t perWord = 32 / 4 / codes.upperBits; // words of codes
      upper = byteAt(PartKind::HighBits, word / perWord) >>
              word % perWord * codes.upperBits;
      int bits = codes.upperBits - codes.shifted;
      place |= (upper & ((1 << bits) - 1)) << 8;
    }
    int number = codebook(codes.book).at(place, k % codes.width);
    if (codes.shifted)
      return 8 * number + (upper >> (codes.upperBits - 1) & 1 ? -1 : 1);
    bool negative = byteAt(PartKind::Signs, k / 32) >> k % 8 & 1;
    return negative ? -number : number;
  }

  /// A group's scale or minimum, half of it where values are doubled.
  float scaleOf(PartKind kind, PartKind super, int64_t n, int64_t k) const {
    int64_t at = layout.groupPlace(n, k), size = scalarSize(encoding.scale);
    bool half = encoding.values == CodeValues::E2M1;
    if (const GridCodes *codes = encoding.grid()) {
      int64_t group = k / layout.group;
      unsigned char pair =
          byteOf(kind, layout.placeOf(n, group / 2, layout.perChannel(kind)));
      int steps = 2 * (pair >> 4 * (group % 2) & 15) + 1;
      float unit = loadScalar(part(super) + layout.superPlace(n, k) * size,
                              encoding.scale);
      return unit * static_cast<float>(steps) * codes->unit;
    }
    if (!encoding.superBlock) {
      const char *from = part(kind) + at * size;
      if (half && encoding.scale == Scalar::E8M0)
        return halfOfE8M0(static_cast<unsigned char>(*from));
      return loadScalar(from, encoding.scale) * (half ? 0.5F : 1.0F);
    }
    unsigned char byte = byteOf(kind, at);
    int steps = kind == PartKind::Scales ? static_cast<signed char>(byte)
                                         : static_cast<int>(byte);
    float unit = loadScalar(part(super) + layout.superPlace(n, k) * size,
                            encoding.scale);
    return unit * static_cast<float>(steps) * (half ? 0.5F : 1.0F);
  }

  const Layout &layout;
  const Encoding &encoding;
  std::array<const char *, 8> parts{};
};

} // namespace

std::vector<float> widenMatrix(const Layout &layout,
                               const std::vector<const char *> &parts) {
  std::vector<float> numbers;
  numbers.reserve(static_cast<size_t>(layout.channels * layout.inputs));
  Elements elements(layout, parts);
  for (int64_t n = 0; n < layout.channels; ++n)
    for (int64_t k = 0; k < layout.inputs; ++k)
      numbers.push_back(elements.at(n, k));
  return numbers;
}

std::vector<float> widenMatrix(const Layout &layout, const char *matrix) {
  std::vector<const char *> parts;
  for (PartKind kind : layout.parts())
    parts.push_back(matrix + layout.partOffset(kind));
  return widenMatrix(layout, parts);
}

} // namespace marimba::formats
