//===- MatmulTableTest.cpp - Tests of measured choices --------------------===//

#include "lowering/CPU/MarimbaToOneDNN/MatmulTable.h"
#include "lowering/Target/CodeGenerator.h"

#include "marimba/formats/Layout.h"

#include <gtest/gtest.h>

using namespace mlir::marimba;
using marimba::formats::Encoding;
using marimba::formats::Layout;

namespace {

constexpr const char *kText = R"(# measured
avx2 f32   1  768  3072 library   0.97
avx2 f32 512  768  3072 generated 1.12  # faster
avx2 f32 512 2560 10240 library   0.9
avx2 f32 512 8192  2560 generated 1.3
amx  f32 512  768  3072 library   0.5
)";

MatmulTable table() {
  std::string error;
  std::optional<MatmulTable> parsed = MatmulTable::parse(kText, "t", error);
  EXPECT_TRUE(parsed) << error;
  return parsed ? *parsed : MatmulTable();
}

/// The ratio that speaks for a product in f32 on avx2; 0: none does.
double found(int64_t rows, int64_t inputs, int64_t channels) {
  static const MatmulTable all = table();
  const MatmulMeasurement *row =
      all.find("avx2", "f32", rows, inputs, channels);
  return row ? row->ratio : 0;
}

std::string errorOf(const char *text) {
  std::string error;
  EXPECT_FALSE(MatmulTable::parse(text, "t", error));
  return error;
}

TEST(MatmulTable, FindsWhatWasMeasured) {
  EXPECT_EQ(found(1, 768, 3072), 0.97);
  EXPECT_EQ(found(512, 2560, 10240), 0.9);
  EXPECT_EQ(found(512, 8192, 2560), 1.3);
}

TEST(MatmulTable, FindsFewerRowsAndSmallerWeights) {
  EXPECT_EQ(found(511, 8192, 2560), 0.97);
  EXPECT_EQ(found(513, 2560, 10240), 0.9);
  EXPECT_EQ(found(kManyRows, 2560, 10240), 0.9);
  // Larger than one of them in one size only.
  EXPECT_EQ(found(512, 2560, 8192), 1.12);
  EXPECT_EQ(found(512, 9000, 2600), 1.3);
  // Larger than two: the larger of these.
  EXPECT_EQ(found(512, 9000, 20000), 0.9);
  // Smaller than all: the smallest.
  EXPECT_EQ(found(512, 64, 64), 1.12);
}

TEST(MatmulTable, KnowsNothingOfOtherUnitsAndTypes) {
  MatmulTable all = table();
  EXPECT_EQ(all.find("avx512", "f32", 512, 768, 3072), nullptr);
  EXPECT_EQ(all.find("avx2", "bf16", 512, 768, 3072), nullptr);
  ASSERT_NE(all.find("amx", "f32", 1, 1, 1), nullptr);
  EXPECT_FALSE(all.find("amx", "f32", 1, 1, 1)->generated);
  EXPECT_EQ(MatmulTable().find("avx2", "f32", 1, 1, 1), nullptr);
}

TEST(MatmulTable, SaysWhy) {
  MatmulTable all = table();
  EXPECT_EQ(all.find("avx2", "f32", 512, 768, 3072)->reason(),
            "generated 1.12 times the library's rate for f32, K 768, N 3072, "
            "512 rows on avx2");
  EXPECT_EQ(all.find("avx2", "f32", 1, 768, 3072)->reason(),
            "library, generated 0.97 times the library's rate for f32, K 768, "
            "N 3072, 1 row on avx2");
}

TEST(MatmulTable, IsReadAsItWasWritten) {
  std::string text = table().text(), error;
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "avx2 f32 1 768 3072 library 0.97");
  std::optional<MatmulTable> again = MatmulTable::parse(text, "t", error);
  ASSERT_TRUE(again) << error;
  EXPECT_EQ(again->measurements().size(), 5u);
  EXPECT_EQ(again->text(), text);
}

TEST(MatmulTable, RefusesWhatIsNoTable) {
  EXPECT_EQ(errorOf("\navx2 f32 1 768 3072 library"),
            "t:2: expected 7 words, found 6");
  EXPECT_EQ(errorOf("avx2 f32 0 768 3072 library 1"),
            "t:1: rows: expected a positive number, found '0'");
  EXPECT_EQ(errorOf("avx2 f32 1 -8 3072 library 1"),
            "t:1: K: expected a positive number, found '-8'");
  EXPECT_EQ(errorOf("avx2 f32 1 8 99999999999999999999 library 1"),
            "t:1: N: expected a positive number, found "
            "'99999999999999999999'");
  EXPECT_EQ(errorOf("avx2 f32 1 8 8 loops 1"),
            "t:1: expected 'generated' or 'library', found 'loops'");
  for (const char *ratio : {"0", "-1", "nan", "inf", "x"})
    EXPECT_EQ(errorOf(("avx2 f32 1 8 8 library " + std::string(ratio)).c_str()),
              "t:1: ratio: expected a positive number, found '" +
                  std::string(ratio) + "'");
}

TEST(MatmulTable, HasMeasurementsOfItsOwn) {
  for (const MatmulMeasurement &row : MatmulTable::builtIn().measurements()) {
    EXPECT_EQ(row.generated, row.ratio >= 1) << row.reason();
    // Each speaks for itself: nothing is there twice.
    EXPECT_EQ(MatmulTable::builtIn().find(row.unit, row.type, row.rows,
                                          row.inputs, row.channels),
              &row)
        << row.reason();
  }
}

TEST(MatmulTable, NamesTypesOfWeights) {
  auto name = [](int bits, int64_t group) {
    Encoding encoding;
    encoding.bits = bits;
    encoding.group = group;
    Layout layout = Layout::of(encoding, 128, 256);
    return weightTypeName("i8", &layout);
  };
  EXPECT_EQ(weightTypeName("bf16", nullptr), "bf16");
  EXPECT_EQ(name(8, 0), "int8");
  EXPECT_EQ(name(8, 32), "int8:32");
  EXPECT_EQ(name(4, 64), "int4:64");
  EXPECT_EQ(name(4, 128), "int4:64");
}

TEST(MatmulTable, NamesUnits) {
  EXPECT_EQ(matmulUnit({}), "other");
  EXPECT_EQ(matmulUnit({"avx2", "fma"}), "avx2");
  EXPECT_EQ(matmulUnit({"avx2", "avx512f", "avx512bw"}), "avx512");
  EXPECT_EQ(matmulUnit({"avx512bw", "avx512vnni"}), "avx512-vnni");
  EXPECT_EQ(matmulUnit({"avx512bf16", "avx512bw", "avx512vnni"}),
            "avx512-bf16");
  EXPECT_EQ(matmulUnit({"amx-bf16", "avx512bf16"}), "amx");
}

} // namespace
