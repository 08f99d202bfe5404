//===- LayoutTest.cpp - Quantised matrices as kernels read them -----------===//

#include "marimba/formats/Layout.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <set>

using namespace marimba::formats;

namespace {

std::vector<Encoding> allEncodings() {
  std::vector<Encoding> all;
  for (int bits : {8, 4})
    for (int64_t group : {0, 32, 64, 128})
      for (Offset offset : {Offset::None, Offset::ZeroPoint, Offset::Minimum})
        for (Scalar scale : {Scalar::F32, Scalar::F16, Scalar::BF16})
          if (bits == 4 || offset != Offset::ZeroPoint)
            all.push_back({bits, group, offset, scale});
  return all;
}

TEST(LayoutTest, EveryCodeHasItsPlace) {
  for (const Encoding &encoding : allEncodings()) {
    Layout layout = Layout::of(encoding, 70, 200, 3);
    EXPECT_EQ(layout.blocks, 2);
    EXPECT_EQ(layout.depth, 256);
    std::set<int64_t> places;
    for (int64_t n = 0; n < 128; ++n)
      for (int64_t k = 0; k < layout.depth; ++k) {
        int64_t at = layout.codePlace(n, k);
        ASSERT_LT(at, layout.codeBytes());
        ASSERT_TRUE(places.insert(at * 8 + layout.codeShift(k)).second);
        ASSERT_LT(layout.groupPlace(n, k), layout.blocks * layout.groups * 64);
      }
    EXPECT_EQ(int64_t(places.size()) * encoding.bits, layout.codeBytes() * 8);
  }
}

TEST(LayoutTest, PlacesAreThoseOfTheDocument) {
  // docs/quantization.md, "The format".
  Layout eight = Layout::of({8, 64, Offset::None, Scalar::BF16}, 130, 128);
  EXPECT_EQ(eight.codePlace(64 + 5, 4 * 7 + 3),
            ((1 * 32 + 7) * 64 + 5) * 4 + 3);
  EXPECT_EQ(eight.groupPlace(64 + 5, 64), (1 * 2 + 1) * 64 + 5);
  Layout four = Layout::of({4, 32, Offset::ZeroPoint, Scalar::F16}, 130, 128);
  EXPECT_EQ(four.codePlace(5, 8 * 7 + 2), (7 * 64 + 5) * 4 + 2);
  EXPECT_EQ(four.codeShift(8 * 7 + 2), 0);
  EXPECT_EQ(four.codePlace(5, 8 * 7 + 4 + 2), (7 * 64 + 5) * 4 + 2);
  EXPECT_EQ(four.codeShift(8 * 7 + 4 + 2), 4);
}

TEST(LayoutTest, PlacesOfCodebooks) {
  // docs/quantization.md, "Codebooks".
  Layout three = Layout::of(Encoding::ofGrid(CodeValues::IQ3_S), 70, 300);
  EXPECT_EQ(three.depth, 512);
  EXPECT_EQ(three.partShape(PartKind::Codes),
            (std::vector<int64_t>{2, 32, 64, 4}));
  EXPECT_EQ(three.partShape(PartKind::HighBits),
            (std::vector<int64_t>{2, 4, 64, 4}));
  EXPECT_EQ(three.partShape(PartKind::Signs),
            (std::vector<int64_t>{2, 16, 64, 4}));
  EXPECT_EQ(three.partShape(PartKind::Scales),
            (std::vector<int64_t>{2, 8, 64}));
  EXPECT_EQ(three.gridWord(33), 2);
  EXPECT_EQ(three.gridWord(39), 3);
  EXPECT_EQ(three.gridWord(40), 2);
  // Bits of a weight, as many as in the file but for IQ1_S and signs of 7 bits.
  for (auto [values, bits] : {std::pair{CodeValues::IQ1_S, 1.6875},
                              {CodeValues::IQ1_M, 1.8125},
                              {CodeValues::IQ2_XXS, 2.1875},
                              {CodeValues::IQ2_XS, 2.4375},
                              {CodeValues::IQ2_S, 2.5625},
                              {CodeValues::IQ3_XXS, 3.1875},
                              {CodeValues::IQ3_S, 3.4375}}) {
    Layout layout = Layout::of(Encoding::ofGrid(values), 64, 256);
    EXPECT_EQ(static_cast<double>(layout.matrixBytes()) / 2048, bits)
        << codeValuesName(values);
  }
}

TEST(LayoutTest, PartsAddUp) {
  for (const Encoding &encoding : allEncodings()) {
    Layout layout = Layout::of(encoding, 70, 200, 3);
    int64_t bytes = 0;
    for (PartKind kind : layout.parts()) {
      EXPECT_EQ(layout.partOffset(kind), bytes);
      int64_t size = layout.partType(kind) == "F32"          ? 4
                     : layout.partType(kind).ends_with("16") ? 2
                                                             : 1;
      for (int64_t dim : layout.partShape(kind))
        size *= dim;
      EXPECT_EQ(layout.partBytes(kind), size);
      bytes += size;
    }
    EXPECT_EQ(int64_t(layout.parts().size()), layout.partCount());
    EXPECT_EQ(layout.matrixBytes(), bytes);
    EXPECT_EQ(layout.bytes(), 3 * bytes);
  }
}

TEST(LayoutTest, SizesThatDoNotFit) {
  constexpr int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_TRUE(Layout::fits(1 << 20, 1 << 20, 16));
  EXPECT_FALSE(Layout::fits(1 << 20, 1 << 20, 17));
  EXPECT_FALSE(Layout::fits(huge, 1));
  EXPECT_FALSE(Layout::fits(huge, huge, huge));
  EXPECT_FALSE(Layout::fits(0, 5));
  EXPECT_FALSE(Layout::fits(5, -1));
}

TEST(LayoutTest, WidensByTheDefinition) {
  // One channel of interest, 3, with its scale in both groups.
  for (const Encoding &encoding : allEncodings()) {
    if (encoding.group != 64 || encoding.scale != Scalar::F16)
      continue;
    Layout layout = Layout::of(encoding, 5, 100);
    auto part = [&](PartKind kind) {
      return std::vector<char>(static_cast<size_t>(layout.partBytes(kind)));
    };
    std::vector<char> codes = part(PartKind::Codes);
    std::vector<char> scales = part(PartKind::Scales);
    std::vector<char> offsets(static_cast<size_t>(layout.offsetBytes()));
    int64_t group = layout.groupPlace(3, 70);
    storeScalar(0.5F, Scalar::F16, scales.data() + 2 * group);
    float expected = 0.5F * (13 - (encoding.bits == 4 ? 8 : 0));
    if (encoding.offset == Offset::ZeroPoint) {
      offsets[size_t(group)] = 11;
      expected = 0.5F * (13 - 11);
    } else if (encoding.offset == Offset::Minimum) {
      storeScalar(-3, Scalar::F16, offsets.data() + 2 * group);
      expected = 0.5F * 13 - 3;
    }
    codes[size_t(layout.codePlace(3, 70))] =
        static_cast<char>(13 << layout.codeShift(70));
    std::vector<float> numbers =
        widenMatrix(layout, {codes.data(), scales.data(), offsets.data()});
    EXPECT_EQ(numbers[3 * 100 + 70], expected);
    EXPECT_EQ(numbers[2 * 100 + 70], 0);
  }
}

} // namespace
