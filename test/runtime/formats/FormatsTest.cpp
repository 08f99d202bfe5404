//===- FormatsTest.cpp - Every format of the table ------------------------===//
//
// Inputs/<format>.blocks and .values are blocks and their numbers as gguf-py
// gives them (Q1_0, Q2_0: as ggml does): random ones, and scales that are 0,
// negative, largest, denormal.
//
//===----------------------------------------------------------------------===//

#include "marimba/formats/Format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

using namespace marimba::formats;

namespace {

std::vector<char> readInput(const std::string &name) {
  std::ifstream file(std::string(MARIMBA_FORMATS_INPUTS) + "/" + name,
                     std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Equal numbers, of which 0 and -0 are the same.
void expectEqual(const std::vector<float> &found,
                 const std::vector<float> &expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_EQ(found[i], expected[i]) << "element " << i;
}

class BlockFormatTest : public testing::TestWithParam<const Format *> {
protected:
  const Format &format = *GetParam();
  std::vector<char> blocks = readInput(std::string(format.name) + ".blocks");

  std::vector<float> widen(const char *from, int64_t count) const {
    std::vector<float> values(static_cast<size_t>(count * format.elements));
    format.widen(from, values.data(), count);
    return values;
  }
  int64_t count() const {
    return static_cast<int64_t>(blocks.size()) / format.bytes;
  }
};

TEST_P(BlockFormatTest, WidensExactly) {
  std::vector<char> raw = readInput(std::string(format.name) + ".values");
  ASSERT_GT(count(), 12);
  ASSERT_EQ(blocks.size() % size_t(format.bytes), 0u);
  std::vector<float> expected(raw.size() / sizeof(float));
  std::memcpy(expected.data(), raw.data(), raw.size());
  expectEqual(widen(blocks.data(), count()), expected);
}

TEST_P(BlockFormatTest, RepacksTheSameNumbers) {
  if (!format.encoding)
    GTEST_SKIP() << "kernels read it widened";
  // Rows of the golden's blocks, each beginning with another one.
  constexpr int64_t channels = 70;
  int64_t perRow = 256 / format.elements, inputs = perRow * format.elements;
  std::vector<char> rows;
  for (int64_t n = 0; n < channels; ++n)
    for (int64_t b = 0; b < perRow; ++b) {
      auto at = blocks.begin() + (3 * n + b) % count() * format.bytes;
      rows.insert(rows.end(), at, at + format.bytes);
    }
  Layout layout = Layout::of(*format.encoding, channels, inputs);
  std::vector<PartKind> kinds = layout.parts();
  std::vector<std::vector<char>> parts;
  for (size_t i = 0; i < kinds.size(); ++i) {
    ASSERT_EQ(format.parts[i].kind, kinds[i]);
    std::vector<char> &part =
        parts.emplace_back(static_cast<size_t>(layout.partBytes(kinds[i])));
    for (int64_t n = 0; n < channels; ++n)
      repackRow(format, format.parts[i],
                rows.data() + n * perRow * format.bytes, n, inputs,
                part.data());
  }
  for (size_t i = kinds.size(); i < format.parts.size(); ++i)
    ASSERT_FALSE(format.parts[i].read);
  std::vector<const char *> begin;
  for (const std::vector<char> &part : parts)
    begin.push_back(part.data());
  expectEqual(widenMatrix(layout, begin),
              widen(rows.data(), channels * perRow));
}

TEST_P(BlockFormatTest, IsFoundByName) {
  EXPECT_EQ(findFormat(format.name), &format);
  std::optional<Stored> whole = Stored::parse(format.name);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->name(), format.name);
  EXPECT_FALSE(whole->part);
  for (const Part &part : format.parts) {
    if (!part.read)
      continue;
    Stored stored{&format, &part};
    EXPECT_EQ(Stored::parse(stored.name()), stored);
  }
}

std::vector<const Format *> blockFormats() {
  std::vector<const Format *> found;
  for (const Format *format : allFormats())
    if (!format->isFloat())
      found.push_back(format);
  return found;
}

INSTANTIATE_TEST_SUITE_P(All, BlockFormatTest,
                         testing::ValuesIn(blockFormats()),
                         [](const auto &info) {
                           return std::string(info.param->name);
                         });

TEST(FormatsTest, NamesOfStoredParts) {
  // Packages hold these names.
  for (const char *name : {"Q8_0", "Q4_0", "awq", "gptq4", "gptq8", "awq-zeros",
                           "gptq-zeros", "zeros", "rows", "Q8_0-codes",
                           "Q8_0-scales", "Q4_0-codes", "Q4_0-scales"}) {
    std::optional<Stored> stored = Stored::parse(name);
    ASSERT_TRUE(stored) << name;
    EXPECT_EQ(stored->name(), name);
    EXPECT_FALSE(stored->isPlain());
  }
  EXPECT_TRUE(Stored::parse("")->isPlain());
  for (const char *name : {"Q9", "F32", "Q8_0-zeros", "Q8_0-", "q8_0", "codes"})
    EXPECT_FALSE(Stored::parse(name)) << name;
}

TEST(FormatsTest, ListForMessages) {
  EXPECT_EQ(listFormats(/*blocks=*/false), "F32, F16 or BF16");
  EXPECT_TRUE(listFormats(true).starts_with("F32, F16, BF16, Q8_0"));
}

TEST(FormatsTest, PlainNumbersWiden) {
  const uint16_t ones[] = {0x3f80, 0x3c00};
  float value = 0;
  findFormat("BF16")->widen(reinterpret_cast<const char *>(ones), &value, 1);
  EXPECT_EQ(value, 1);
  findFormat("F16")->widen(reinterpret_cast<const char *>(ones + 1), &value, 1);
  EXPECT_EQ(value, 1);
}

} // namespace
