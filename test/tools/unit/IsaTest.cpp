//===- IsaTest.cpp - Tests of limits below what a processor has -----------===//

#include "tools/libmarimba/Isa.h"
#include "lowering/Target/CodeGenerator.h"
#include "marimba/Units.h"
#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>
#include <set>

using namespace marimba;

namespace {

/// For a processor that has every unit, on whatever machine.
CompileOptions limited(llvm::StringRef unit, std::string cpu) {
  CompileOptions options;
  options.target.cpu = std::move(cpu);
  std::string error;
  EXPECT_TRUE(limitToUnit(unit, options, error)) << error;
  return options;
}

std::string refusal(llvm::StringRef unit, std::string cpu) {
  CompileOptions options;
  options.target.cpu = std::move(cpu);
  std::string error;
  EXPECT_FALSE(limitToUnit(unit, options, error));
  EXPECT_EQ(options.unit, nullptr);
  EXPECT_TRUE(options.target.without.empty());
  return error;
}

TEST(Isa, LeavesAUnitWhatItIsMadeOf) {
  std::set<std::string> descriptions;
  for (const char *cpu : {"sapphirerapids", "graniterapids", "diamondrapids"})
    for (const rt::Unit &unit : rt::units()) {
      CompileOptions options = limited(unit.name, cpu);
      EXPECT_EQ(options.unit, &unit);
      std::vector<std::string> features =
          mlir::marimba::processorFeatures(options.target);
      EXPECT_TRUE(rt::lackingFor(unit, features).empty());
      for (std::string_view removed : unit.removes)
        EXPECT_FALSE(llvm::is_contained(features, removed))
            << unit.name << " of " << cpu << " keeps " << removed.data();
      for (const rt::Unit &other : rt::units())
        EXPECT_EQ(rt::lackingFor(other, features).empty(), &other <= &unit)
            << unit.name << " of " << cpu << ", " << other.name;
      // What code is kept by.
      EXPECT_TRUE(
          descriptions.insert(mlir::marimba::describeTarget(options.target))
              .second);
    }
}

TEST(Isa, FactsAreThoseOfTheUnit) {
  for (const rt::Unit &unit : rt::units()) {
    CompileOptions options = limited(unit.name, "sapphirerapids");
    EXPECT_EQ(mlir::marimba::preferredVectorBits(options.target),
              unit.vectorBits);
    EXPECT_EQ(mlir::marimba::hasBF16Dots(options.target),
              unit.name == "avx512-bf16" || unit.name == "amx");
    std::vector<std::string> features =
        mlir::marimba::processorFeatures(options.target);
    bool narrow = unit.name == "avx2" || unit.name == "avx512";
    for (const char *dots : {"avx512vnni", "avxvnni"})
      EXPECT_EQ(llvm::is_contained(features, dots), !narrow) << dots;
  }
  // Vectors of 256 bits may have dot products of bytes without AVX-512.
  std::vector<std::string> features =
      mlir::marimba::processorFeatures(limited("avx2", "alderlake").target);
  EXPECT_FALSE(llvm::is_contained(features, "avxvnni"));
  EXPECT_TRUE(llvm::is_contained(features, "avx2"));
}

TEST(Isa, NativeIsAllThatThereIs) {
  CompileOptions options = limited("native", "sapphirerapids");
  EXPECT_EQ(options.unit, nullptr);
  EXPECT_TRUE(options.target.without.empty());
}

TEST(Isa, RefusesWhatATargetLacks) {
  EXPECT_EQ(refusal("avx512-vnni", "skylake-avx512"),
            "avx512-vnni: skylake-avx512 lacks avx512vnni; expected avx2, "
            "avx512 or native");
  EXPECT_EQ(refusal("amx", "znver4"),
            "amx: znver4 lacks amx-tile, amx-bf16, amx-int8; expected avx2, "
            "avx512, avx512-vnni, avx512-bf16 or native");
  EXPECT_EQ(refusal("avx2", "nehalem"),
            "avx2: nehalem lacks avx2, fma, f16c; expected native");
  EXPECT_EQ(refusal("avx9", "znver4"),
            "expected avx2, avx512, avx512-vnni, avx512-bf16, amx or native, "
            "found avx9");
}

using mlir::marimba::MatmulRoute;

/// What compiling `mamba_main` for this machine leaves to whom where `route` is
/// asked for, and the notes.
std::pair<MatmulRoute, std::string> routeHere(MatmulRoute route) {
  std::string error, notes;
  CompileOptions options;
  options.pipeline.matmul = route;
  std::unique_ptr<Compilation> compilation = Compilation::createFromModel(
      MARIMBA_GOLDENS "/mamba_main", options, error);
  EXPECT_TRUE(compilation) << error;
  if (!compilation)
    return {};
  for (const std::string &note : compilation->imported()->info.notes)
    notes += note + "\n";
  return {compilation->options().pipeline.matmul.getValue(), notes};
}

// No library at hand has only references of these: one is made believe.
TEST(Isa, ReferencesMultiplyNothing) {
  auto [route, notes] = routeHere(MatmulRoute::OneDNN);
  EXPECT_EQ(route, MatmulRoute::OneDNN);
  EXPECT_EQ(notes.find("reference"), std::string::npos) << notes;
  rt::pretendOnlyReferences(true);
  std::tie(route, notes) = routeHere(MatmulRoute::OneDNN);
  auto [other, otherNotes] = routeHere(MatmulRoute::Automatic);
  rt::pretendOnlyReferences(false);
  EXPECT_EQ(route, MatmulRoute::Generated);
  EXPECT_NE(notes.find("oneDNN has only its reference implementation of some "
                       "products with "),
            std::string::npos)
      << notes;
  // No table leaves anything to the library either, which is no news to those
  // who did not ask for it.
  EXPECT_EQ(other, MatmulRoute::Generated);
  EXPECT_EQ(otherNotes.find("reference"), std::string::npos) << otherNotes;
}

} // namespace
