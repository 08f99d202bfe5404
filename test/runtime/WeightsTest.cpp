//===- WeightsTest.cpp - Descriptions, weight tables ----------------------===//

#include "marimba/Weights.h"
#include "marimba/Description.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <fstream>
#include <numeric>

using namespace marimba::rt;
namespace fs = std::filesystem;

namespace {

class WeightsTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::temp_directory_path() /
             ("marimba-weights-" + std::to_string(getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder);
    file = folder / "model.bin";
    std::vector<float> values(64);
    std::iota(values.begin(), values.end(), 0.0f);
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char *>(values.data()), 256);
  }
  void TearDown() override { fs::remove_all(folder); }

  WeightSource source(std::string name, std::vector<int64_t> shape,
                      uint64_t offset, MarimbaDType dtype = MARIMBA_F32) {
    int64_t count = *elementCount(shape);
    return {std::move(name), file,
            offset,          static_cast<uint64_t>(count * dtypeSize(dtype)),
            dtype,           std::move(shape)};
  }

  static Description describe(std::vector<int64_t> shape,
                              std::vector<std::string> sources) {
    Description description;
    WeightSpec spec;
    spec.name = "w";
    spec.shape = std::move(shape);
    spec.sources = std::move(sources);
    spec.derived = spec.sources.empty();
    description.weights.push_back(spec);
    return description;
  }

  /// The error of a load that must fail.
  std::string failure(const Description &description,
                      std::vector<WeightSource> sources) {
    std::string error;
    EXPECT_FALSE(Weights::load(description, sources, error));
    return error;
  }

  fs::path folder, file;
  std::string error;
};

#define EXPECT_HAS(text, part)                                                 \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << text

TEST_F(WeightsTest, OneSourcePointsIntoTheFile) {
  std::vector<WeightSource> sources = {source("a", {2, 1, 3}, 8)};
  auto weights = Weights::load(describe({2, 3}, {"a"}), sources, error);
  ASSERT_TRUE(weights) << error;
  const MarimbaTensor &tensor = weights->table()[0];
  EXPECT_EQ(static_cast<float *>(tensor.data)[5], 7);
  EXPECT_EQ(tensor.rank, 2);
  EXPECT_EQ(tensor.strides[0], 3);
  EXPECT_EQ(weights->ownBytes(), 0);
}

TEST_F(WeightsTest, UnalignedSourceIsCopied) {
  std::ofstream(file, std::ios::binary)
      << "x" << std::string("\0\0\x80\x3f", 4);
  std::vector<WeightSource> sources = {source("a", {1}, 1)};
  auto weights = Weights::load(describe({1}, {"a"}), sources, error);
  ASSERT_TRUE(weights) << error;
  EXPECT_EQ(*static_cast<float *>(weights->table()[0].data), 1.0f);
  EXPECT_EQ(weights->ownBytes(), 4);
}

/// Kibibytes in memory of the mappings of `file`; -1 where there are none.
int64_t residentOf(const fs::path &file) {
  std::ifstream maps("/proc/self/smaps");
  int64_t sum = -1;
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') < line.find(' ') && line.find(':') > line.find(' '))
      inside = line.ends_with(file.string());
    if (inside && line.starts_with("Rss:"))
      sum = std::max<int64_t>(sum, 0) + std::stoll(line.substr(4));
  }
  return sum;
}

TEST_F(WeightsTest, PagesOfCopiedSourcesAreGivenBack) {
  constexpr int64_t count = 1 << 21;
  std::vector<float> values(count, 2);
  std::ofstream(file, std::ios::binary)
      .write("x", 1)
      .write(reinterpret_cast<const char *>(values.data()), 4 * count);
  std::vector<WeightSource> sources = {source("a", {count}, 1)};
  auto weights = Weights::load(describe({count}, {"a"}), sources, error);
  ASSERT_TRUE(weights) << error;
  EXPECT_EQ(static_cast<float *>(weights->table()[0].data)[count - 1], 2);
  int64_t resident = residentOf(file);
  EXPECT_GE(resident, 0);
  EXPECT_LT(resident, 256); // of 8192: the ends
}

TEST_F(WeightsTest, SeveralSourcesAreStacked) {
  std::vector<WeightSource> sources = {source("b", {2, 2}, 0),
                                       source("a", {2, 2}, 64)};
  for (auto shape : {std::vector<int64_t>{2, 2, 2}, {4, 2}}) {
    auto weights = Weights::load(describe(shape, {"a", "b"}), sources, error);
    ASSERT_TRUE(weights) << error;
    const MarimbaTensor &tensor = weights->table()[0];
    auto *data = static_cast<float *>(tensor.data);
    EXPECT_EQ(std::vector<float>(data, data + 8),
              (std::vector<float>{16, 17, 18, 19, 0, 1, 2, 3}));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % MARIMBA_ALIGNMENT, 0u);
  }
}

TEST_F(WeightsTest, MatricesThatAreApartStayInTheFile) {
  std::vector<WeightSource> sources = {source("a", {2, 3}, 24),
                                       source("b", {2, 3}, 0)};
  Description description = describe({2, 2, 3}, {"a", "b"});
  WeightSpec &spec = description.weights[0];
  spec.apart = true;
  spec.stored = false;
  auto weights = Weights::load(description, sources, error, Stacks::InPlace);
  ASSERT_TRUE(weights) << error;
  EXPECT_EQ(weights->ownBytes(), 0);
  std::vector<StoredMatrix> matrices = weights->matrices(0, spec);
  ASSERT_EQ(matrices.size(), 2u);
  EXPECT_EQ(*static_cast<const float *>(matrices[0].data), 6);
  EXPECT_EQ(*static_cast<const float *>(matrices[1].data), 0);
  // A page that the system was asked for, or not, reads the same.
  weights->willRead(matrices[1].data, 24);
  EXPECT_EQ(static_cast<const float *>(matrices[1].data)[5], 5);
}

TEST_F(WeightsTest, DerivedWeightsAreZeros) {
  auto weights = Weights::load(describe({3}, {}), {}, error);
  ASSERT_TRUE(weights) << error;
  EXPECT_EQ(static_cast<float *>(weights->table()[0].data)[2], 0);
}

TEST_F(WeightsTest, ErrorsNameFileAndTensor) {
  std::string text = failure(describe({2, 3}, {"a"}), {});
  EXPECT_HAS(text, "tensor 'a' is in none of the model's files");

  text = failure(describe({2, 3}, {"a"}), {source("a", {3, 2}, 0)});
  EXPECT_HAS(text, file.string() + ": tensor 'a' has the shape [3, 2], "
                                   "expected [2, 3]");

  text =
      failure(describe({2, 3}, {"a"}), {source("a", {2, 3}, 0, MARIMBA_BF16)});
  EXPECT_HAS(text, "tensor 'a' is bf16, expected f32");

  text = failure(describe({2, 3}, {"a"}), {source("a", {2, 3}, 236)});
  EXPECT_HAS(text, "needs 24 bytes at offset 236, but the file has only 256");

  text =
      failure(describe({2, 3}, {"a"}), {source("a", {2, 3}, ~uint64_t(0) - 4)});
  EXPECT_HAS(text, "but the file has only 256");

  WeightSource wrong = source("a", {2, 3}, 0);
  wrong.bytes = 20;
  EXPECT_HAS(failure(describe({2, 3}, {"a"}), {wrong}), "has 20 bytes");

  text = failure(describe({4, 2}, {"a", "b"}),
                 {source("a", {2, 2}, 0), source("b", {2, 3}, 16)});
  EXPECT_HAS(text, "tensor 'b' has the shape [2, 3], expected one of 2 parts");

  text = failure(describe({5, 2}, {"a", "b"}),
                 {source("a", {2, 2}, 0), source("b", {2, 2}, 16)});
  EXPECT_HAS(text, "have 8 elements together, expected the 10");

  wrong = source("a", {2, 3}, 0);
  wrong.file = folder / "absent";
  EXPECT_HAS(failure(describe({2, 3}, {"a"}), {wrong}), "cannot be read");

  fs::resize_file(file, 0);
  text = failure(describe({2, 3}, {"a"}), {source("a", {2, 3}, 0)});
  EXPECT_HAS(text, "only 0 bytes");
}

TEST_F(WeightsTest, Provider) {
  struct Ones : WeightProvider {
    bool fill(const WeightSpec &spec, const MarimbaTensor &tensor,
              std::string &error) const override {
      if (spec.name != "w") {
        error = "no";
        return false;
      }
      static_cast<float *>(tensor.data)[1] = 1;
      return true;
    }
  };
  Description description = describe({3}, {"a"});
  auto weights = Weights::generate(description, Ones(), error);
  ASSERT_TRUE(weights) << error;
  EXPECT_EQ(static_cast<float *>(weights->table()[0].data)[1], 1);
  description.weights[0].name = "v";
  EXPECT_FALSE(Weights::generate(description, Ones(), error));
  EXPECT_EQ(error, "no");
}

//===----------------------------------------------------------------------===//

/// A small good description, with `from` replaced by `to`.
std::string descriptionWith(std::string from, std::string to) {
  std::string text = R"({"abi":4,"name":"m","weights":[
    {"name":"w","dtype":"bf16","shape":[4,2],"sources":["a"]},
    {"name":"d","dtype":"f32","shape":[2],"derived":true}],
    "entries":{
    "prepare":{"args":[{"kind":"weight","name":"d","dtype":"f32","shape":[2]}]},
    "prefill":{"args":[
      {"kind":"input","name":"ids","dtype":"i32","shape":[-1,-1]},
      {"kind":"input","name":"positions","dtype":"i32","shape":[-1,-1]},
      {"kind":"output","name":"logits","dtype":"f32","shape":[-1,-1,9]},
      {"kind":"state","name":"s","dtype":"f32","shape":[-1,2,-1,3]}]},
    "decode":{"args":[
      {"kind":"input","name":"ids","dtype":"i32","shape":[-1,1]},
      {"kind":"input","name":"positions","dtype":"i32","shape":[-1,-1]},
      {"kind":"state","name":"s","dtype":"f32","shape":[-1,2,-1,3]},
      {"kind":"output","name":"logits","dtype":"f32","shape":[-1,-1,9]}]}}})";
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Description, Good) {
  std::string error;
  auto description =
      Description::parse(descriptionWith("\"m\"", "\"n\""), error);
  ASSERT_TRUE(description) << error;
  EXPECT_EQ(description->name, "n");
  EXPECT_EQ(description->vocabulary, 9);
  EXPECT_EQ(description->weightIndex("d"), 1);
  EXPECT_EQ(description->states().size(), 1u);
}

TEST(Description, TablesOfAnyModule) {
  std::string error;
  std::string text = descriptionWith("\"prefill\"", "\"op.case\"");
  auto tables = ModuleTables::parse(text, error);
  ASSERT_TRUE(tables) << error;
  EXPECT_EQ(tables->weightIndex("w"), 0);
  EXPECT_EQ(tables->weightIndex("x"), -1);
  EXPECT_EQ(tables->entries.size(), 3u);
  EXPECT_EQ(tables->entries.at("op.case").args.size(), 4u);
  EXPECT_FALSE(ModuleTables::parse(R"({"abi":4,"name":"m","weights":[],
                                       "entries":[]})",
                                   error));
  EXPECT_HAS(error, "entries: is array, expected an object");
}

TEST(Description, ErrorsNameTheField) {
  struct {
    const char *from, *to, *error;
  } cases[] = {
      {"\"abi\":4", "\"abi\":2", "abi: is 2, this runtime has 4"},
      {"\"bf16\"", "\"f8\"", "weights[0].dtype: is 'f8'"},
      {"[4,2]", "[4,-1]", "weights[0].shape: has the size -1"},
      {"[4,2]", "[4,\"x\"]", "weights[0].shape: has the size \"x\""},
      {"[4,2]", "[1,1,1,1,1,1,1]", "has 7 dimensions, expected at most 6"},
      {"[4,2]", "[4611686018427387904,4]", "is too large"},
      {"\"sources\":[\"a\"]", "\"sources\":[]", "needs either sources"},
      {"\"sources\":[\"a\"]", "\"sources\":[\"a\"],\"apart\":true",
       "weights[0].apart: is not true or false, of a stack of matrices"},
      {"\"kind\":\"weight\",\"name\":\"d\"",
       "\"kind\":\"weight\",\"name\":\"w\"",
       "does not write the derived weight 'd'"},
      {"\"kind\":\"input\"", "\"kind\":\"what\"",
       "entries.prefill.args[0].kind: is 'what'"},
      {"\"positions\"", "\"place\"", "has no argument 'positions'"},
      {"[-1,2,-1,3]", "[-1,-1,-1,3]", "at most one more (tokens)"},
      {"[-1,2,-1,3]", "[-1,2,-1,4]", "expected f32 [?, 2, ?, 4] as in prefill"},
      {"[-1,-1,9]", "[-1,-1,-1]", "vocabulary of static size"},
      {"[-1,-1,9]", "[-1,-1,8]", "has a vocabulary of 9, prefill of 8"},
      {"\"prefill\"", "\"pre\"", "entries: has no member 'prefill'"},
      {"{\"abi\"", "{abi", "parse error"},
      {"\"name\":\"d\"", "\"name\":\"w\"", "names 'w' a second time"},
  };
  for (const auto &c : cases) {
    std::string error;
    EXPECT_FALSE(Description::parse(descriptionWith(c.from, c.to), error))
        << c.error;
    EXPECT_HAS(error, c.error);
  }
}

TEST_F(WeightsTest, NoticesFilesThatAreWrittenTo) {
  std::string error;
  auto load = [&] {
    std::vector<WeightSource> sources = {source("a", {64}, 0)};
    return Weights::load(describe({64}, {"a"}), sources, error);
  };
  std::unique_ptr<Weights> weights = load();
  ASSERT_TRUE(weights) << error;
  EXPECT_TRUE(weights->checkUnchanged(error)) << error;
  std::ofstream(file, std::ios::app) << "more";
  EXPECT_FALSE(weights->checkUnchanged(error));
  EXPECT_EQ(error, file.string() + ": was written to while it was loaded (256 "
                                   "bytes before, 260 now)");
  // Another file of that name is none of ours, and neither is none.
  weights = load();
  fs::copy_file(file, folder / "new");
  fs::rename(folder / "new", file);
  EXPECT_TRUE(weights->checkUnchanged(error)) << error;
  fs::remove(file);
  EXPECT_TRUE(weights->checkUnchanged(error)) << error;
}

} // namespace
