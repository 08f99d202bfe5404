//===- PackageTest.cpp - model.json of a compiled model -------------------===//

#include "marimba/Package.h"
#include "marimba/Processor.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

using namespace marimba::rt;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

PackageManifest example() {
  PackageManifest manifest;
  manifest.facts = {"fake",
                    {2, 7},
                    3,
                    std::string(32, 'a'),
                    std::string(32, 'b'),
                    {{"products", "f32"}, {"threads", "3"}}};
  manifest.vocabulary = 50;
  manifest.chunk = 64;
  manifest.processor = "znver4";
  manifest.features = {"avx2", "fma"};
  manifest.code = {"code-01.so", 4};
  manifest.codeChecksum = PackageManifest::checksum({"code", 4});
  manifest.directory = "/models/fake";
  manifest.tokenizer = "tokenizer.json";
  manifest.ggufTokenizer = "tokens.json";
  manifest.files = {{"a.safetensors", 100}, {"b.safetensors", 200}};
  manifest.fingerprint = std::string(32, 'c');
  WeightSource plain, blocks;
  plain.name = "w";
  plain.file = "b.safetensors";
  plain.offset = 8;
  plain.bytes = 12;
  plain.dtype = MARIMBA_BF16;
  plain.shape = {2, 3};
  blocks.name = "q";
  blocks.file = "a.safetensors";
  blocks.stored = {marimba::formats::findFormat("Q8_0"), nullptr};
  blocks.interleavedHeads = 4;
  blocks.channels = 8;
  manifest.weights = {plain, blocks};
  return manifest;
}

json exampleJson() {
  std::string error;
  return json::parse(*example().text(error));
}

std::string failure(const std::string &text) {
  std::string error;
  EXPECT_FALSE(PackageManifest::parse(text, error));
  return error;
}

#define EXPECT_HAS(text, part)                                                 \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << text

TEST(PackageManifest, IsReadAsItWasWritten) {
  std::string error;
  std::optional<std::string> text = example().text(error);
  ASSERT_TRUE(text) << error;
  std::optional<PackageManifest> read = PackageManifest::parse(*text, error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(read->facts.endIds, (std::vector<int32_t>{2, 7}));
  EXPECT_EQ(read->facts.threads, 3);
  EXPECT_EQ(read->facts.arithmetic, example().facts.arithmetic);
  ASSERT_EQ(read->weights.size(), 2u);
  EXPECT_EQ(read->weights[0].file, "b.safetensors");
  EXPECT_EQ(read->weights[0].dtype, MARIMBA_BF16);
  EXPECT_EQ(read->weights[1].stored.name(), "Q8_0");
  // And all the rest.
  EXPECT_EQ(*read->text(error), *text);
}

TEST(PackageManifest, NamesTheFieldThatIsWrong) {
  struct Case {
    const char *pointer;
    json value;
    const char *message;
  };
  const Case cases[] = {
      {"/format", 2, "format is 2, this library reads 1"},
      {"/abi", 1, "abi is 1, this library has"},
      {"/model/threads", 0, "model.threads is 0, allowed: 1 to 1024"},
      {"/model/chunk", uint64_t(1) << 63, "model.chunk is 9223372036854775808"},
      {"/model/vocabulary", "50", "model.vocabulary is a string"},
      {"/model/meaning", "xyz", "model.meaning is \"xyz\", expected 32 digits"},
      {"/model/arithmetic/0", {"a"}, "model.arithmetic[0] has 1 elements"},
      {"/code/file", "../code.so", "code.file is \"../code.so\", expected the"},
      {"/code/bytes", -1, "code.bytes is -1"},
      {"/files/0/name", "/etc/passwd", "files[0].name is \"/etc/passwd\""},
      {"/gguf_tokenizer", "a/../b", "gguf_tokenizer is \"a/../b\""},
      {"/tokenizer", "", "tokenizer is \"\""},
      {"/directory", "", "directory is empty"},
      {"/weights/0/file", 2, "weights[0].file is 2, allowed: 0 to 1"},
      {"/weights/0/dtype", "f8", "weights[0].dtype is \"f8\""},
      {"/weights/0/shape", {1 << 30, 1 << 30, 1 << 30}, "which is too large"},
      {"/weights/1/blocks", "Q9", "weights[1].blocks is \"Q9\""},
      {"/processor", nullptr, "processor is null, expected an object"},
  };
  for (const Case &one : cases) {
    json changed = exampleJson();
    changed[json::json_pointer(one.pointer)] = one.value;
    EXPECT_HAS(failure(changed.dump()), one.message);
  }
  json moved = exampleJson();
  moved["weights"][0]["offset"] = 16;
  EXPECT_HAS(failure(moved.dump()), "weights is not what weights_checksum");
  const json whole = exampleJson();
  for (const auto &[key, value] : whole.items()) {
    json without = whole;
    without.erase(key);
    if (!key.ends_with("tokenizer")) // null and absent are alike
      EXPECT_HAS(failure(without.dump()), "has no field \"" + key + "\"");
  }
}

TEST(PackageManifest, IsNotReadWhereItIsCutOrDeep) {
  std::string text = exampleJson().dump();
  for (size_t size = 0; size < text.size(); size += 13)
    EXPECT_FALSE(failure(text.substr(0, size)).empty());
  EXPECT_HAS(failure(std::string(100000, '[')), "nested more than");
}

TEST(Package, IsFoundBesideItsModel) {
  fs::path folder = fs::temp_directory_path() /
                    ("marimba-package-" + std::to_string(getpid()));
  fs::create_directories(folder / "real" / "p.marimba");
  fs::create_directory_symlink(folder / "real", folder / "link");
  PackageManifest manifest = example();
  EXPECT_EQ(modelDirectory("/any", manifest), "/models/fake");
  manifest.directory = "../m";
  EXPECT_EQ(modelDirectory(folder / "link" / "p.marimba", manifest),
            fs::canonical(folder) / "real" / "m");
  fs::remove_all(folder);
}

TEST(Package, RefusesCodeThatItsManifestDoesNotDescribe) {
  fs::path folder =
      fs::temp_directory_path() / ("marimba-code-" + std::to_string(getpid()));
  fs::create_directories(folder);
  PackageManifest manifest = example();
  manifest.features.clear();
  auto refuse = [&] {
    std::string error;
    EXPECT_FALSE(loadPackage(folder, manifest, {}, error));
    return error;
  };
  EXPECT_HAS(refuse(), "code-01.so: cannot be read: No such file");
  std::ofstream(folder / "code-01.so") << "c";
  EXPECT_HAS(refuse(), "has 1 bytes, expected the 4");
  std::ofstream(folder / "code-01.so") << "eodc";
  EXPECT_HAS(refuse(), "it was altered");
  // Nothing is looked at, or run, for another processor.
  manifest.features = {"avx1024", "amx9"};
  EXPECT_HAS(refuse(),
             "compiled for znver4: this processor lacks avx1024, amx9");
  fs::remove_all(folder);
}

TEST(Processor, KnowsWhatItIsAskedFor) {
  EXPECT_TRUE(isKnownFeature("avx512bf16"));
  EXPECT_FALSE(isKnownFeature("avx1024"));
  std::vector<std::string> names = {"avx1024"};
  EXPECT_EQ(missingFeatures(names), names);
#if defined(__x86_64__)
  EXPECT_EQ(missingFeatures(std::vector<std::string>{"avx2"}).empty(),
            bool(__builtin_cpu_supports("avx2")));
  EXPECT_EQ(missingFeatures(std::vector<std::string>{"avx512vl"}).empty(),
            bool(__builtin_cpu_supports("avx512vl")));
  // Processors have all of these, or none.
  std::vector<std::string> amx = {"amx-tile", "amx-bf16", "amx-int8"};
  EXPECT_EQ(missingFeatures(amx).size() % amx.size(), 0U);
#endif
}

} // namespace
