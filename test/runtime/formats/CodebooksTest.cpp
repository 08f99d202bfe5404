//===- CodebooksTest.cpp - Tables that codes of GGUF look up --------------===//

#include "marimba/formats/Codebooks.h"
#include "marimba/formats/Layout.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

using namespace marimba::formats;

namespace {

struct Table {
  Codebook name;
  int64_t entries, width;
  std::set<int> numbers;
};
const Table kTables[] = {
    {Codebook::IQ1, 2048, 8, {-1, 0, 1}},
    {Codebook::IQ2_XXS, 256, 8, {8, 25, 43}},
    {Codebook::IQ2_XS, 512, 8, {8, 25, 43}},
    {Codebook::IQ2_S, 1024, 8, {8, 25, 43}},
    {Codebook::IQ3_XXS, 256, 4, {4, 12, 20, 28, 36, 44, 52, 62}},
    {Codebook::IQ3_S, 512, 4, {1, 3, 5, 7, 9, 11, 13, 15}},
};

TEST(CodebooksTest, EntriesAreDifferent) {
  for (const Table &table : kTables) {
    Grid grid = codebook(table.name);
    EXPECT_EQ(grid.entries(), table.entries);
    EXPECT_EQ(grid.width, table.width);
    std::set<int> numbers;
    std::set<std::vector<int>> entries;
    for (int64_t i = 0; i < grid.entries(); ++i) {
      std::vector<int> entry;
      for (int64_t j = 0; j < grid.width; ++j)
        entry.push_back(grid.at(i, j));
      numbers.insert(entry.begin(), entry.end());
      entries.insert(std::move(entry));
    }
    EXPECT_EQ(numbers, table.numbers);
    EXPECT_EQ(static_cast<int64_t>(entries.size()), table.entries);
  }
}

TEST(CodebooksTest, FirstNumberIsLowestByte) {
  // The words that generated code looks up.
  Grid grid = codebook(Codebook::IQ3_XXS);
  EXPECT_EQ(grid.words[1], 0x04040414U);
  EXPECT_EQ(grid.at(1, 0), 20);
  EXPECT_EQ(grid.at(1, 3), 4);
  EXPECT_EQ(codebook(Codebook::IQ1).at(0, 0), -1);
}

TEST(CodebooksTest, WordsOfGeneratedCode) {
  std::span<const uint32_t> same = codebook(Codebook::IQ3_S).words;
  EXPECT_EQ(gridWords(CodeValues::IQ3_S),
            std::vector<uint32_t>(same.begin(), same.end()));
  // 8 times the numbers plus 1.
  std::vector<uint32_t> words = gridWords(CodeValues::IQ1_M);
  Grid grid = codebook(Codebook::IQ1);
  ASSERT_EQ(words.size(), grid.words.size());
  for (int64_t i = 0; i < grid.entries(); ++i)
    for (int64_t j = 0; j < 8; ++j) {
      uint32_t word = words[static_cast<size_t>(2 * i + j / 4)];
      EXPECT_EQ(static_cast<int8_t>(word >> 8 * (j % 4)),
                8 * grid.at(i, j) + 1);
    }
  EXPECT_TRUE(gridWords(CodeValues::IQ4_NL).empty());
}

TEST(CodebooksTest, EvenSigns) {
  for (unsigned i = 0; i < 128; ++i) {
    EXPECT_EQ(evenSigns(i) & 127, i);
    EXPECT_EQ(std::popcount(evenSigns(i)) % 2, 0);
  }
}

} // namespace
