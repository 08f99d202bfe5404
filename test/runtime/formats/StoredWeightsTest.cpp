//===- StoredWeightsTest.cpp - Weights that files have in blocks ----------===//

#include "marimba/Description.h"
#include "marimba/Weights.h"
#include "marimba/formats/Format.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <unistd.h>

using namespace marimba;
using namespace marimba::formats;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kChannels = 68, kInputs = 256, kHeads = 2;

/// A matrix in blocks of one format, in a file whose rows are those of heads in
/// turns: row p * n/2 + j of a head of n is there as its row 2j + p.
class StoredWeightsTest : public testing::TestWithParam<const Format *> {
protected:
  void SetUp() override {
    file = fs::temp_directory_path() /
           ("marimba-stored-" + std::to_string(getpid()));
    std::ifstream golden(std::string(MARIMBA_FORMATS_INPUTS) + "/" +
                             std::string(format.name) + ".blocks",
                         std::ios::binary);
    std::vector<char> blocks{std::istreambuf_iterator<char>(golden), {}};
    int64_t count = int64_t(blocks.size()) / format.bytes;
    ASSERT_GT(count, 0);
    for (int64_t i = 0; i < kChannels * kInputs / format.elements; ++i) {
      auto at = blocks.begin() + i * 5 % count * format.bytes;
      rows.insert(rows.end(), at, at + format.bytes);
    }
    write(rows.size());
    for (int64_t n = 0; n < kChannels; ++n) {
      int64_t half = kChannels / kHeads / 2, head = n / (2 * half);
      int64_t row = 2 * half * head + 2 * (n % half) + n / half % 2;
      std::vector<float> values(kInputs);
      format.widen(rows.data() + row * format.bytesOf(kInputs), values.data(),
                   kInputs / format.elements);
      expected.insert(expected.end(), values.begin(), values.end());
    }
  }
  void TearDown() override { fs::remove(file); }

  void write(size_t bytes) const {
    std::ofstream(file, std::ios::binary)
        .write(rows.data(), static_cast<std::streamsize>(bytes));
  }
  rt::WeightSource whole() const {
    rt::WeightSource source;
    source.name = "w";
    source.file = file;
    source.bytes = rows.size();
    source.shape = {kChannels, kInputs};
    source.stored.format = &format;
    source.interleavedHeads = kHeads;
    return source;
  }
  Layout layout() const {
    return Layout::of(*format.encoding, kChannels, kInputs);
  }
  std::vector<rt::WeightSource> parts() const {
    std::vector<rt::WeightSource> sources;
    for (const Part &part : format.parts) {
      if (!part.read)
        continue;
      rt::WeightSource &source = sources.emplace_back(whole());
      source.name = std::string("w.") + std::string(partName(part.kind));
      bool number =
          layout().partType(part.kind) == scalarName(format.encoding->scale);
      source.dtype = number ? rt::dtypeOf(format.encoding->scale) : MARIMBA_I8;
      source.shape = layout().partShape(part.kind);
      source.stored.part = &part;
      source.channels = kChannels;
    }
    return sources;
  }
  rt::Description describe(bool quantized) const {
    rt::Description description;
    rt::WeightSpec &spec = description.weights.emplace_back();
    spec.name = "w";
    spec.shape = {kChannels, kInputs};
    spec.sources = {"w"};
    if (quantized) {
      spec.dtype = MARIMBA_I8;
      spec.shape = {layout().bytes()};
      spec.quantized = layout();
      spec.sources.clear();
      for (PartKind kind : layout().parts())
        spec.sources.push_back(std::string("w.") + std::string(partName(kind)));
    }
    return description;
  }
  void expectEqual(const float *found) const {
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_EQ(found[i], expected[i]) << "element " << i;
  }
  std::string failure(std::vector<rt::WeightSource> sources) const {
    std::string error;
    EXPECT_FALSE(
        rt::Weights::load(describe(sources.size() > 1), sources, error));
    return error;
  }

  const Format &format = *GetParam();
  fs::path file;
  std::vector<char> rows;
  std::vector<float> expected;
  std::string error;
};

TEST_P(StoredWeightsTest, IsWidened) {
  std::vector<rt::WeightSource> sources = {whole()};
  auto weights = rt::Weights::load(describe(false), sources, error);
  ASSERT_TRUE(weights) << error;
  expectEqual(static_cast<const float *>(weights->table()[0].data));
}

TEST_P(StoredWeightsTest, BecomesWhatKernelsRead) {
  auto weights = rt::Weights::load(describe(true), parts(), error,
                                   rt::Stacks::Copied, /*threads=*/2);
  ASSERT_TRUE(weights) << error;
  const char *data = static_cast<const char *>(weights->table()[0].data);
  Layout l = layout();
  expectEqual(widenMatrix(l, data).data());
}

TEST_P(StoredWeightsTest, WrongSizesAreErrors) {
  rt::WeightSource source = whole();
  source.shape[1] -= 8; // within a block
  EXPECT_NE(failure({source}).find("not the size of"), std::string::npos);
  source = whole();
  source.bytes -= 1;
  EXPECT_NE(failure({source}).find("not the size of"), std::string::npos);
  source = whole();
  source.interleavedHeads = 3;
  EXPECT_NE(failure({source}).find("not the size of"), std::string::npos);
  for (size_t i = 0; i < parts().size(); ++i) {
    std::vector<rt::WeightSource> some = parts();
    some[i].shape[1] -= 1;
    EXPECT_NE(failure(some).find("not the size of"), std::string::npos) << i;
    some = parts();
    some[i].channels = kChannels + 64;
    EXPECT_NE(failure(some).find("not the size of"), std::string::npos) << i;
    some = parts();
    some[i].dtype = MARIMBA_F32;
    EXPECT_NE(failure(some).find("not the size of"), std::string::npos) << i;
  }
}

TEST_P(StoredWeightsTest, TruncatedFilesAreErrors) {
  write(rows.size() - 1);
  EXPECT_NE(failure({whole()}).find("it is incomplete"), std::string::npos);
  EXPECT_NE(failure(parts()).find("it is incomplete"), std::string::npos);
}

std::vector<const Format *> repackedFormats() {
  std::vector<const Format *> found;
  for (const Format *format : allFormats())
    if (format->encoding)
      found.push_back(format);
  return found;
}

INSTANTIATE_TEST_SUITE_P(All, StoredWeightsTest,
                         testing::ValuesIn(repackedFormats()),
                         [](const auto &info) {
                           return std::string(info.param->name);
                         });

/// The tables of a module with one quantised weight of 100 channels.
std::optional<rt::ModuleTables>
parseQuantized(const std::string &more, int64_t bytes, std::string &error) {
  return rt::ModuleTables::parse(
      R"({"abi":4,"name":"m","entries":{},"weights":[{"name":"w","dtype":"i8",)"
      R"("shape":[)" +
          std::to_string(bytes) + R"(],"sources":["a","b","c"],"quantized":{)" +
          R"("scale":"f16","matrices":1,)" + more + "}}]}",
      error);
}

TEST(QuantizedDescription, OffsetsAndSizes) {
  std::string error;
  // Codes 2 x 16 x 256, and 2 x 4 x 64 of each of the others.
  auto tables = parseQuantized(
      R"("bits":4,"channels":100,"inputs":128,"group":32,"minimum":true)",
      8192 + 1024 + 1024, error);
  ASSERT_TRUE(tables) << error;
  EXPECT_EQ(tables->weights[0].quantized->encoding,
            (Encoding{4, 32, Offset::Minimum, Scalar::F16}));
  tables = parseQuantized(
      R"("bits":4,"channels":100,"inputs":128,"group":32,"zero_point":true)",
      8192 + 1024 + 512, error);
  ASSERT_TRUE(tables) << error;
  EXPECT_EQ(tables->weights[0].quantized->encoding.offset, Offset::ZeroPoint);
  for (
      const char *wrong :
      {R"("bits":4,"channels":100,"inputs":128,"group":32)",
       R"("bits":5,"channels":100,"inputs":128,"group":32,"minimum":true)",
       R"("bits":8,"channels":100,"inputs":128,"group":32,"minimum":true)",
       R"("bits":4,"channels":9223372036854775807,"inputs":9223372036854775807,"group":32,"minimum":true)",
       R"("bits":4,"channels":100,"inputs":128,"group":9223372036854775807,"minimum":true)",
       R"("bits":4,"channels":0,"inputs":128,"group":32,"minimum":true)"}) {
    EXPECT_FALSE(parseQuantized(wrong, 8192 + 1024 + 1024, error)) << wrong;
    EXPECT_NE(error.find("weights[0].quantized"), std::string::npos) << error;
  }
}

} // namespace
