//===- UnitsTest.cpp - Parts of processors that --isa names ---------------===//

#include "marimba/Units.h"
#include "marimba/PrimitiveCache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <set>

using namespace marimba::rt;

namespace {

std::vector<std::string> featuresUpTo(std::string_view name) {
  std::vector<std::string> features;
  for (const Unit &unit : units()) {
    features.insert(features.end(), unit.adds.begin(), unit.adds.end());
    if (unit.name == name)
      break;
  }
  return features;
}

TEST(Units, EachHasWhatThoseBeforeItHave) {
  std::set<std::string_view> had;
  unsigned bits = 0;
  for (const Unit &unit : units()) {
    EXPECT_GE(unit.vectorBits, bits);
    bits = unit.vectorBits;
    had.insert(unit.adds.begin(), unit.adds.end());
    for (std::string_view removed : unit.removes)
      EXPECT_FALSE(had.count(removed)) << unit.name << " removes " << removed;
  }
}

TEST(Units, AreFoundByName) {
  for (const Unit &unit : units())
    EXPECT_EQ(findUnit(unit.name), &unit);
  EXPECT_FALSE(findUnit("native"));
  EXPECT_FALSE(findUnit("AVX2"));
  EXPECT_EQ(unitNames(),
            "avx2, avx512, avx512-vnni, avx512-bf16, amx or native");
}

TEST(Units, SayWhatAProcessorLacks) {
  using Names = std::vector<std::string>;
  Names vnni = featuresUpTo("avx512-vnni");
  EXPECT_EQ(unitsOf(vnni), "avx2, avx512, avx512-vnni");
  EXPECT_EQ(lackingFor(*findUnit("avx512"), vnni), Names());
  EXPECT_EQ(lackingFor(*findUnit("amx"), vnni),
            (Names{"avx512bf16", "amx-tile", "amx-bf16", "amx-int8"}));
  // A later unit is not there without the one before it.
  std::erase(vnni, "avx512bw");
  EXPECT_EQ(unitsOf(vnni), "avx2");
  EXPECT_EQ(lackingFor(*findUnit("avx512-vnni"), vnni), Names{"avx512bw"});
  EXPECT_EQ(unitsOf(Names{"sse4.2"}), "");
}

/// In a process of its own, in which the library was not used: limits it to
/// `first`, uses it, then to `second`, and prints what that says.
void limitTwice(const char *user, const char *first, const char *second) {
  unsetenv("ONEDNN_MAX_CPU_ISA");
  if (user)
    setenv("DNNL_MAX_CPU_ISA", user, 1);
  else
    unsetenv("DNNL_MAX_CPU_ISA");
  std::string error;
  Unit unit = {};
  unit.library = first;
  if (!limitLibrary(unit, error))
    std::exit(2);
  oneDNNUnits();
  unit.library = second;
  std::cerr << (limitLibrary(unit, error) ? "limited" : error) << '\n';
  std::exit(0);
}

TEST(UnitsDeathTest, TheFirstUseOfTheLibraryDecides) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto says = [](const char *user, const char *first, const char *second,
                 const char *text) {
    EXPECT_EXIT(limitTwice(user, first, second), testing::ExitedWithCode(0),
                text);
  };
  says(nullptr, "AVX", "SSE41",
       "oneDNN uses AVX in this process already, expected no more than SSE41");
  says(nullptr, "AVX", "AVX", "^limited\n");
  says(nullptr, "AVX", "AVX512_CORE", "^limited\n");
  // The smaller of both holds.
  says("SSE41", "AVX", "SSE41", "^limited\n");
  says("sse41", "AVX", "SSE41", "^limited\n");
  says("AVX512_CORE_AMX", "AVX", "SSE41", "uses AVX in");
}

} // namespace
