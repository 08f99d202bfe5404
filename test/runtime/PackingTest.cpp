//===- PackingTest.cpp - Weights packed at loading, and kept on disk ------===//

#include "marimba/CacheFiles.h"
#include "marimba/Context.h"
#include "marimba/Model.h"
#include "marimba/NewFile.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <numeric>

using namespace marimba::rt;
namespace fs = std::filesystem;

namespace {

constexpr int64_t K = 48, N = 40;

/// A matrix, a stack of two that lie apart in the file, the second of them at
/// an odd address, and a matrix that is also read as it is stored.
const char description[] = R"({"abi":4,"name":"fake/model","weights":[
  {"name":"a","dtype":"f32","shape":[40,48],"sources":["a"],"packed":"f32"},
  {"name":"stack","dtype":"bf16","shape":[2,40,48],"sources":["b","c"],
   "packed":"f32"},
  {"name":"tied","dtype":"bf16","shape":[40,48],"sources":["d"],
   "packed":"f32","stored":true}],"entries":{
  "prefill":{"args":[
    {"kind":"input","name":"ids","dtype":"i32","shape":[-1,-1]},
    {"kind":"input","name":"positions","dtype":"i32","shape":[-1,-1]},
    {"kind":"output","name":"logits","dtype":"f32","shape":[-1,-1,50]}]},
  "decode":{"args":[
    {"kind":"input","name":"ids","dtype":"i32","shape":[-1,1]},
    {"kind":"input","name":"positions","dtype":"i32","shape":[-1,1]},
    {"kind":"output","name":"logits","dtype":"f32","shape":[-1,1,50]}]}}})";

int32_t entry(MarimbaContext *, const MarimbaCall *) { return MARIMBA_OK; }

void *lookup(const char *symbol) {
  if (!std::strcmp(symbol, MARIMBA_SYMBOL_DESCRIPTION))
    return const_cast<char *>(description);
  bool known = !std::strcmp(symbol, MARIMBA_ENTRY_PREFILL) ||
               !std::strcmp(symbol, MARIMBA_ENTRY_DECODE);
  return known ? reinterpret_cast<void *>(entry) : nullptr;
}

std::string readAll(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void writeAll(const fs::path &path, const std::string &text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

class PackingTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::temp_directory_path() /
             ("marimba-packing-" + std::to_string(getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder);
    cache = folder / "cache";
    writeModel(1);
    pack.folder = cache;
    pack.name = "fake/model";
    pack.note = [this](const std::string &text) { notes.push_back(text); };
  }
  void TearDown() override { fs::remove_all(folder); }

  /// Small multiples of 1/8 are exact in bf16, and so are their products' sums.
  static float value(int64_t weight, int64_t i, int seed) {
    return float((i * 7 + weight * 5 + seed * 3) % 33 - 16) / 8;
  }

  void writeModel(int seed) {
    std::string bytes(8, '\0');
    bytes[0] = 6; // bytes of the header
    bytes += "{    }";
    sources.clear();
    auto add = [&](const char *name, int64_t weight, MarimbaDType type) {
      uint64_t begin = bytes.size();
      for (int64_t i = 0; i < N * K; ++i) {
        float exact = value(weight, i, seed);
        auto bits = std::bit_cast<uint32_t>(exact);
        uint16_t half = static_cast<uint16_t>(bits >> 16);
        if (type == MARIMBA_F32)
          bytes.append(reinterpret_cast<char *>(&bits), 4);
        else
          bytes.append(reinterpret_cast<char *>(&half), 2);
      }
      sources.push_back({name,
                         folder / "model.safetensors",
                         begin,
                         bytes.size() - begin,
                         type,
                         {N, K}});
    };
    bytes += "  "; // aligns a to 4
    add("a", 0, MARIMBA_F32);
    add("b", 1, MARIMBA_BF16);
    bytes += "x";
    add("c", 2, MARIMBA_BF16);
    bytes += "x";
    add("d", 3, MARIMBA_BF16);
    writeAll(folder / "model.safetensors", bytes);
  }

  std::shared_ptr<const Model> load() {
    notes.clear();
    auto module = CompiledModule::bind(lookup, error);
    EXPECT_TRUE(module) << error;
    auto weights =
        Weights::load(module->description, sources, error, Stacks::InPlace);
    EXPECT_TRUE(weights) << error;
    EXPECT_EQ(weights->ownBytes(), 0);
    return Model::create(module, std::move(weights), 2, error, pack);
  }

  /// Every weight times a vector, against plain loops: all is exact.
  void expectRight(const Model &model, int seed) {
    auto context = Context::create(2, model.library(), error);
    ASSERT_TRUE(context) << error;
    int64_t packed = model.library()->stats().packedBytes;
    std::vector<float> x(K), y(N);
    std::iota(x.begin(), x.end(), -20.0f);
    const int64_t rows[] = {0, 1, 1, 2}, inside[] = {0, 0, 1, 0};
    for (int64_t w = 0; w < 4; ++w) {
      const MarimbaTensor &tensor = model.weights().table()[size_t(rows[w])];
      int64_t bytes = N * K * (w ? 2 : 4);
      MarimbaMatmul args = {};
      args.x = x.data();
      args.w = static_cast<char *>(tensor.data) + inside[w] * bytes;
      args.y = y.data();
      args.batch = args.rows = 1;
      args.k = args.xRowStride = args.xBatchStride = K;
      args.n = args.yRowStride = args.yBatchStride = N;
      args.weightType = w ? MARIMBA_BF16 : MARIMBA_F32;
      marimba_onednn_matmul(context->get(), &args);
      ASSERT_TRUE(context->ok()) << context->message();
      for (int64_t n = 0; n < N; ++n) {
        float sum = 0;
        for (int64_t k = 0; k < K; ++k)
          sum += x[size_t(k)] * value(w, n * K + k, seed);
        ASSERT_EQ(y[size_t(n)], sum) << "weight " << w << ", column " << n;
      }
    }
    // What was packed at loading is what the matmuls want.
    EXPECT_EQ(model.library()->stats().packedBytes, packed);
    EXPECT_EQ(model.library()->stats().packedWeights, 4);
    EXPECT_EQ(model.library()->stats().secondCopies, 0);
    // The tied one can still be read.
    uint16_t first = 0;
    std::memcpy(&first, model.weights().table()[2].data, 2);
    EXPECT_EQ(std::bit_cast<float>(uint32_t(first) << 16), value(3, 0, seed));
  }

  void expect(int64_t packed, int64_t fromCache, int seed = 1) {
    auto model = load();
    ASSERT_TRUE(model) << error;
    EXPECT_EQ(model->packReport().packed, packed);
    EXPECT_EQ(model->packReport().fromCache, fromCache);
    expectRight(*model, seed);
  }

  /// The one file in the cache.
  fs::path file() {
    std::vector<fs::path> found;
    for (const auto &item : fs::directory_iterator(cache))
      found.push_back(item.path());
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? fs::path() : found[0];
  }

  /// Puts `damaged` in the place of the file; that must be noticed, told with
  /// the file's name and `what`, and put right.
  void expectRepaired(const std::string &damaged, const std::string &what) {
    fs::path path = file();
    std::string good = readAll(path);
    writeAll(path, damaged);
    auto model = load();
    ASSERT_TRUE(model) << error;
    EXPECT_EQ(model->packReport().packed, 3);
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_NE(notes[0].find(path.string()), std::string::npos) << notes[0];
    EXPECT_NE(notes[0].find(what), std::string::npos) << notes[0];
    ASSERT_TRUE(readAll(file()) == good);
  }

  static uint64_t number(const std::string &bytes, size_t at) {
    uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    return value;
  }

  /// The file with `from` in its header replaced and the checksum made to fit.
  std::string edited(const std::string &from, const std::string &to) {
    std::string bytes = readAll(file());
    size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    EXPECT_EQ(from.size(), to.size());
    bytes.replace(at, from.size(), to);
    std::memset(bytes.data() + 32, 0, 16);
    XXH128_hash_t hash = XXH3_128bits(bytes.data(), number(bytes, 16));
    std::memcpy(bytes.data() + 32, &hash, sizeof(hash));
    return bytes;
  }

  fs::path folder, cache;
  std::vector<WeightSource> sources;
  PackOptions pack;
  std::vector<std::string> notes;
  std::string error;
};

TEST_F(PackingTest, SecondLoadPacksNothing) {
  expect(3, 0);
  EXPECT_TRUE(notes.empty());
  expect(0, 3);
  EXPECT_TRUE(notes.empty());
  EXPECT_TRUE(file().filename().string().starts_with("fake_model-"));
  struct stat status = {};
  ASSERT_EQ(stat(cache.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(PackingTest, WithoutFolderIntoMemory) {
  pack.folder.clear();
  expect(3, 0);
  expect(3, 0);
  EXPECT_FALSE(fs::exists(cache));
}

TEST_F(PackingTest, CutFiles) {
  expect(3, 0);
  std::string good = readAll(file());
  for (size_t size = 0; size < good.size();
       size += size < 64 ? 1 : good.size() / 40)
    expectRepaired(good.substr(0, size), "is incomplete");
  expectRepaired(good.substr(0, good.size() - 1), "is incomplete");
  expectRepaired(good + '\0', "is incomplete");
  expect(0, 3);
}

TEST_F(PackingTest, EveryByteOfTheHeader) {
  expect(3, 0);
  std::string good = readAll(file());
  size_t end = 48 + number(good, 8);
  ASSERT_LT(end, good.size());
  // The text itself is covered by one checksum: every 13th byte of it.
  for (size_t at = 0; at < end; at += at < 48 ? 1 : 13) {
    std::string bad = good;
    bad[at] ^= static_cast<char>(1 << at % 8);
    expectRepaired(bad, "damaged");
  }
  std::string bad = good;
  bad[number(good, 16) - 1] ^= 1; // padding
  expectRepaired(bad, "damaged");
  expect(0, 3);
}

TEST_F(PackingTest, AnyByteOfTheWeights) {
  expect(3, 0);
  std::string good = readAll(file());
  size_t begin = number(good, 16);
  for (size_t at = begin; at < good.size(); at += good.size() / 23) {
    std::string bad = good;
    bad[at] ^= 0x10;
    expectRepaired(bad, "does not match its checksum");
  }
  std::string bad = good;
  bad.back() ^= 1;
  expectRepaired(bad, "does not match its checksum");
}

TEST_F(PackingTest, ForeignFiles) {
  expect(3, 0);
  // What a file of another library, processor, model or format would say.
  expectRepaired(edited(" isa ", " iso "), "was packed with oneDNN");
  expectRepaired(edited("\"oneDNN ", "\"twoDNN "), "was packed with twoDNN");
  expectRepaired(edited("\"path\":\"/", "\"path\":\"_"), "other files");
  expectRepaired(edited("\"packed\":\"f32\"", "\"packed\":\"f64\""),
                 "other weights or other layouts");
  expectRepaired(edited("\"offset\":0", "\"offset\":8"),
                 "other weights or other layouts");
  expectRepaired(edited("\"layout\":\"type", "\"layout\":\"tape"),
                 "other weights or other layouts");
  expectRepaired(edited("\"block_bytes\"", "\"block_bites\""),
                 "another format");
  expectRepaired(edited("\"checksums\"", "\"checksams\""), "another format");
  expectRepaired(edited("MRBPACK1", "MRBPACK2"), "another format");
  expectRepaired("another file\n", "is incomplete");
  expectRepaired(std::string(1 << 16, '\xff'), "another format");
}

TEST_F(PackingTest, ChangedModelIsPackedAgain) {
  expect(3, 0);
  writeModel(2);
  expect(3, 0, 2);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("before they were changed"), std::string::npos);
  // It took the place of the old one.
  file();
  expect(0, 3, 2);
}

TEST_F(PackingTest, FilesOfModelsThatAreGoneGo) {
  expect(3, 0);
  fs::path moved = folder / "moved.safetensors";
  fs::rename(folder / "model.safetensors", moved);
  for (WeightSource &source : sources)
    source.file = moved;
  expect(3, 0);
  file();
}

TEST_F(PackingTest, FolderThatCannotBeUsed) {
  writeAll(cache, "a file");
  expect(3, 0);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("is not a folder"), std::string::npos);
  fs::remove(cache);
  fs::create_directory(cache);
  fs::permissions(cache, fs::perms::all);
  expect(3, 0);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("can be written to by other users"),
            std::string::npos);
  EXPECT_TRUE(fs::is_empty(cache));
}

TEST_F(PackingTest, FileOfOthersIsNotRead) {
  expect(3, 0);
  fs::permissions(file(), fs::perms::others_write, fs::perm_options::add);
  expect(3, 0);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("can be written to by other users"),
            std::string::npos);
  expect(0, 3);
}

TEST_F(PackingTest, StoppedLeavesNothing) {
  int asked = 0;
  pack.keepGoing = [&] { return ++asked < 3; };
  EXPECT_FALSE(load());
  EXPECT_NE(error.find("interrupted"), std::string::npos) << error;
  EXPECT_TRUE(fs::is_empty(cache));
}

TEST(NewFileTest, AppearsWholeOrNotAtAll) {
  fs::path folder = fs::temp_directory_path() /
                    ("marimba-newfile-" + std::to_string(getpid()));
  std::string error;
  ASSERT_TRUE(makePrivateFolder(folder, error)) << error;
  {
    auto file = NewFile::create(folder, NewFile::Use::Cache, error);
    ASSERT_TRUE(file) << error;
    EXPECT_TRUE(file->write({"left", 4}, 0, error)) << error;
  }
  EXPECT_TRUE(fs::is_empty(folder));
  // Two writers of one name: both succeed, the later one's stays.
  auto first = NewFile::create(folder, NewFile::Use::Cache, error);
  auto second = NewFile::create(folder, NewFile::Use::Cache, error);
  ASSERT_TRUE(first && second) << error;
  EXPECT_TRUE(first->write({"first", 5}, 0, error));
  EXPECT_TRUE(second->write({"second", 6}, 0, error));
  EXPECT_TRUE(second->publish("name", error)) << error;
  EXPECT_EQ(readAll(folder / "name"), "second");
  EXPECT_TRUE(first->publish("name", error)) << error;
  EXPECT_EQ(readAll(folder / "name"), "first");
  fs::remove(folder / "name");
  EXPECT_TRUE(fs::is_empty(folder));
  EXPECT_FALSE(MappedFile::open(folder / "name", error));
  EXPECT_EQ(error, "");
  EXPECT_FALSE(MappedFile::open(folder, error));
  EXPECT_NE(error.find("is not a regular file"), std::string::npos) << error;
  std::ofstream(folder / "file") << "text";
  fs::create_symlink("file", folder / "link");
  EXPECT_FALSE(MappedFile::open(folder / "link", error));
  EXPECT_NE(error.find("link: is a symbolic link"), std::string::npos) << error;
  fs::remove_all(folder);
}

} // namespace
