//===- StateFileTest.cpp - Sessions saved and taken up --------------------===//
//
// The fake model remembers a running sum (a recurrent state) and every token
// (attention state [slot, 2, capacity, 3]); a logit is made from both.
//
//===----------------------------------------------------------------------===//

#include "marimba/SavedState.h"
#include "marimba/Session.h"
#include "marimba/formats/Safetensors.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <numeric>
#include <random>

using namespace marimba::rt;
namespace fs = std::filesystem;

namespace {

constexpr int64_t vocabulary = 50;

/// With `sumSize` as the recurrent state's size and `keyName` as the other's
/// name.
std::string describe(const std::string &sumSize, const std::string &keyName) {
  std::string entries;
  for (const char *time : {"-1", "1"}) {
    std::string t = time;
    entries +=
        (entries.empty() ? R"("prefill":{"args":[)" : R"(,"decode":{"args":[)");
    entries +=
        R"({"kind":"input","name":"ids","dtype":"i32","shape":[-1,)" + t +
        R"(]},{"kind":"input","name":"past","dtype":"i32","shape":[-1]},
        {"kind":"input","name":"valid","dtype":"i32","shape":[-1]},
        {"kind":"input","name":"positions","dtype":"i32","shape":[-1,)" +
        t +
        R"(]},{"kind":"output","name":"logits","dtype":"f32","shape":[-1,)" +
        t + R"(,50]},{"kind":"state","name":"sum","dtype":"f32","shape":[-1,)" +
        sumSize + R"(]},{"kind":"state","name":")" + keyName +
        R"(","dtype":"f32","shape":[-1,2,-1,3]}]})";
  }
  return R"({"abi":4,"name":"fake","weights":[],"entries":{)" + entries + "}}";
}

std::string description;

int32_t step(MarimbaContext *, const MarimbaCall *call) {
  auto ints = [&](int arg) {
    return static_cast<int32_t *>(call->args[arg].data);
  };
  auto floats = [&](int arg) {
    return static_cast<float *>(call->args[arg].data);
  };
  const MarimbaTensor &key = call->args[6];
  int64_t batch = call->args[0].sizes[0], time = call->args[0].sizes[1];
  int64_t positions = call->args[3].sizes[1];
  for (int64_t b = 0; b < batch; ++b) {
    float *sum = floats(5) + b * call->args[5].strides[0];
    std::vector<float> after;
    for (int64_t t = 0; t < time; ++t) {
      int64_t at = ints(1)[b] + t;
      if (t < ints(2)[b]) {
        auto id = static_cast<float>(ints(0)[b * time + t]);
        // Depends on the order and on every bit.
        *sum = *sum * 0.9f + id;
        for (int64_t half = 0; half < 2; ++half)
          for (int64_t i = 0; i < 3; ++i)
            floats(6)[b * key.strides[0] + half * key.strides[1] +
                      at * key.strides[2] + i] = id * 0.3f + float(half + i);
      }
      float remembered = 0;
      for (int64_t i = 0; i <= at; ++i)
        remembered =
            remembered * 0.7f + floats(6)[b * key.strides[0] + key.strides[1] +
                                          i * key.strides[2] + 2];
      after.push_back(*sum + remembered);
    }
    for (int64_t p = 0; p < positions; ++p)
      for (int64_t v = 0; v < vocabulary; ++v)
        floats(4)[(b * positions + p) * vocabulary + v] =
            after[size_t(ints(3)[b * positions + p])] * float(v + 1);
  }
  return MARIMBA_OK;
}

void *lookup(const char *symbol) {
  if (!std::strcmp(symbol, MARIMBA_SYMBOL_DESCRIPTION))
    return description.data();
  bool known = !std::strcmp(symbol, MARIMBA_ENTRY_PREFILL) ||
               !std::strcmp(symbol, MARIMBA_ENTRY_DECODE);
  return known ? reinterpret_cast<void *>(step) : nullptr;
}

std::string readAll(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void writeAll(const fs::path &path, const std::string &text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

class StateFileTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::temp_directory_path() /
             ("marimba-state-" + std::to_string(getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder);
    path = folder / "a.state";
    model = load("1", "key");
    ids.resize(40);
    std::iota(ids.begin(), ids.end(), 1);
  }
  void TearDown() override { fs::remove_all(folder); }

  std::shared_ptr<const Model> load(const char *sumSize, const char *keyName) {
    description = describe(sumSize, keyName);
    auto module = CompiledModule::bind(lookup, error);
    EXPECT_TRUE(module) << error;
    auto weights = Weights::load(module->description, {}, error);
    EXPECT_TRUE(weights) << error;
    auto result = Model::create(module, std::move(weights), 1, error);
    EXPECT_TRUE(result) << error;
    return result;
  }

  std::unique_ptr<Session> make(int32_t slots = 1, int64_t capacity = 1) {
    auto session = Session::create(
        model, {.slots = slots, .threads = 1, .chunk = 7, .capacity = capacity},
        error);
    EXPECT_TRUE(session) << error;
    return session;
  }

  std::vector<float> feed(Session &session, size_t begin, size_t end,
                          int32_t slot = 0) {
    std::vector<float> logits;
    EXPECT_TRUE(session.append(std::span(ids).subspan(begin, end - begin),
                               LogitsWanted::All, logits, error, slot))
        << error;
    return logits;
  }

  /// A session of 40 tokens in slot 0, saved.
  std::unique_ptr<Session> save() {
    auto session = make();
    feed(*session, 0, ids.size());
    EXPECT_TRUE(session->save(0, origin, path, error)) << error;
    return session;
  }

  bool restore(Session &session, int32_t slot = 0) {
    error.clear();
    notes.clear();
    auto saved = SavedState::read(path, error);
    return saved &&
           session.restore(
               slot, *saved, origin,
               [this](const std::string &note) { notes.push_back(note); },
               error);
  }

  size_t filesInFolder() {
    return size_t(std::distance(fs::directory_iterator(folder), {}));
  }

  void expectError(const std::string &part) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
    EXPECT_EQ(error.find(path.string()), 0u) << error;
  }

  fs::path folder, path;
  StateOrigin origin = {"fake", "w1", "c1", "m1", {{"products", "f32"}}};
  std::shared_ptr<const Model> model;
  std::vector<int32_t> ids;
  std::vector<std::string> notes;
  std::string error;
};

TEST_F(StateFileTest, EverySplitGoesOnBitForBit) {
  for (size_t split = 0; split < ids.size(); ++split) {
    auto whole = make();
    if (split > 0)
      feed(*whole, 0, split);
    ASSERT_TRUE(whole->save(0, origin, path, error)) << error;
    std::vector<float> expected = feed(*whole, split, ids.size());

    // Another slot, another capacity, in place of another sequence.
    auto other = make(3, int64_t(1 + split * 3 % 50));
    feed(*other, 3, 30, 2);
    feed(*other, 5, 9, 1);
    ASSERT_TRUE(restore(*other, 2)) << error;
    EXPECT_TRUE(notes.empty());
    EXPECT_EQ(other->length(2), int64_t(split));
    EXPECT_EQ(other->length(1), 4);
    std::vector<float> found = feed(*other, split, ids.size(), 2);
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_EQ(std::memcmp(found.data(), expected.data(),
                          found.size() * sizeof(float)),
              0)
        << split;
    std::span<const int32_t> tokens = other->tokens(2);
    EXPECT_EQ(std::vector<int32_t>(tokens.begin(), tokens.end()), ids);
  }
}

TEST_F(StateFileTest, HoldsTheTokensInUseAlone) {
  auto session = save();
  auto saved = SavedState::read(path, error);
  ASSERT_TRUE(saved) << error;
  ASSERT_EQ(saved->states().size(), 2u);
  EXPECT_EQ(saved->states()[0].name, "sum");
  EXPECT_EQ(saved->states()[1].shape, (std::vector<int64_t>{2, 40, 3}));
  EXPECT_GT(session->capacity(), 40);
  EXPECT_EQ(saved->data(1).size(), size_t(2 * 40 * 3 * 4));
  EXPECT_EQ(saved->tokens().size(), 40u);
  EXPECT_EQ(saved->origin().model, "fake");
  EXPECT_EQ(saved->origin().arithmetic, origin.arithmetic);
  struct stat status = {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_TRUE(isSavedState(path));
  EXPECT_EQ(filesInFolder(), 1u);
}

TEST_F(StateFileTest, KeepsTheTextOfTheCaller) {
  std::unique_ptr<Session> session = save();
  EXPECT_EQ(SavedState::read(path, error)->attachment(), "");
  const std::string text = "{\"said\": [\"sch\xC3\xB6n\"]}\n";
  ASSERT_TRUE(session->save(0, origin, path, error, text)) << error;
  auto saved = SavedState::read(path, error);
  ASSERT_TRUE(saved) << error;
  EXPECT_EQ(saved->attachment(), text);
  auto other = make();
  ASSERT_TRUE(restore(*other)) << error;
  EXPECT_EQ(other->length(0), session->length(0));
}

TEST_F(StateFileTest, KeepsTheLogits) {
  std::unique_ptr<Session> session = save();
  EXPECT_TRUE(SavedState::read(path, error)->logits().empty());
  auto vocabulary = size_t(session->model().description().vocabulary);
  std::vector<float> logits(vocabulary);
  std::iota(logits.begin(), logits.end(), -2.5F);
  ASSERT_TRUE(session->save(0, origin, path, error, "text", logits)) << error;
  auto saved = SavedState::read(path, error);
  ASSERT_TRUE(saved) << error;
  EXPECT_EQ(std::vector<float>(saved->logits().begin(), saved->logits().end()),
            logits);
  EXPECT_EQ(saved->attachment(), "text");
  auto other = make();
  EXPECT_TRUE(restore(*other)) << error;
  logits.pop_back();
  ASSERT_TRUE(session->save(0, origin, path, error, "", logits)) << error;
  EXPECT_FALSE(restore(*other));
  expectError("holds " + std::to_string(vocabulary - 1) + " logits");
}

TEST_F(StateFileTest, EveryTruncationIsRefused) {
  save();
  std::string bytes = readAll(path);
  std::vector<size_t> sizes(100);
  std::iota(sizes.begin(), sizes.end(), 0);
  for (size_t size = 100; size < bytes.size(); size += 13)
    sizes.push_back(size);
  for (size_t back = 1; back <= 8; ++back)
    sizes.push_back(bytes.size() - back);
  for (size_t size : sizes) {
    writeAll(path, bytes.substr(0, size));
    EXPECT_FALSE(SavedState::read(path, error)) << size;
    EXPECT_EQ(error.find(path.string()), 0u) << error;
  }
  writeAll(path, bytes + std::string(1, '\0'));
  EXPECT_FALSE(SavedState::read(path, error));
  expectError("is incomplete or damaged");
}

TEST_F(StateFileTest, EveryBitFlipIsRefused) {
  save();
  std::string bytes = readAll(path);
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    // Half of them in the first 600 bytes, where the header's text is.
    size_t bit = random() % (8 * (i % 2 ? size_t(600) : bytes.size()));
    std::string other = bytes;
    other[bit / 8] ^= char(1 << bit % 8);
    writeAll(path, other);
    EXPECT_FALSE(SavedState::read(path, error)) << bit;
    EXPECT_EQ(error.find(path.string()), 0u) << error;
  }
  // What is refused says so in words.
  std::string other = bytes;
  other.back() ^= 1;
  writeAll(path, other);
  EXPECT_FALSE(SavedState::read(path, error));
  expectError("its numbers do not match their checksum");
}

TEST_F(StateFileTest, AnotherModelIsRefusedAndNothingChanges) {
  save();
  auto session = make();
  feed(*session, 0, 5);
  StateOrigin mine = origin;
  auto refuse = [&](const std::string &part) {
    EXPECT_FALSE(restore(*session));
    expectError(part);
    EXPECT_EQ(session->length(0), 5);
  };
  origin = {"big", "w2", "c1", "m1", mine.arithmetic};
  refuse("belongs to another model: was saved with the weights w1 of 'fake', "
         "expected w2 of 'big'");
  origin = {"fake", "w1", "c2", "m2", mine.arithmetic};
  refuse("under the configuration c1, expected c2");
  origin = mine;
  EXPECT_FALSE(restore(*session, 1));
  expectError("slot 1 was asked for, the session has 0 to 0");

  model = load("2", "key");
  session = make();
  feed(*session, 0, 5);
  refuse("state 'sum' is f32 [1], expected f32 [2]");
  model = load("1", "keys");
  session = make();
  feed(*session, 0, 5);
  refuse("holds a state 'key', which 'fake' does not have");
}

TEST_F(StateFileTest, TheSameConfigurationInOtherWordsIsTaken) {
  save();
  auto session = make();
  origin.configuration = "c2";
  EXPECT_TRUE(restore(*session)) << error;
  origin.configuration = "c1";
  origin.meaning = "m2";
  EXPECT_TRUE(restore(*session)) << error;
  EXPECT_TRUE(notes.empty());
}

TEST_F(StateFileTest, OtherArithmeticIsANote) {
  save();
  auto session = make();
  origin.arithmetic = {{"products", "bf16"}, {"threads", "2"}};
  EXPECT_TRUE(restore(*session)) << error;
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("products f32, here bf16; threads nothing, here 2"),
            std::string::npos)
      << notes[0];
}

TEST_F(StateFileTest, FailedSavesLeaveNothingBehind) {
  auto session = make();
  feed(*session, 0, 5);
  path = folder / "none" / "a.state";
  EXPECT_FALSE(session->save(0, origin, path, error));
  expectError("cannot be saved: ");
  EXPECT_FALSE(canSaveState(path, error));
  expectError("cannot be saved: ");
  // A folder of that name stays.
  path = folder / "taken";
  fs::create_directory(path);
  EXPECT_FALSE(session->save(0, origin, path, error));
  EXPECT_FALSE(canSaveState(path, error));
  expectError("expected the name of a file, found a folder");
  EXPECT_FALSE(session->save(3, origin, path, error));
  expectError("slot 3");
  EXPECT_EQ(filesInFolder(), 1u);
  // Nor does a question.
  path = folder / "new";
  EXPECT_TRUE(canSaveState(path, error)) << error;
  EXPECT_EQ(filesInFolder(), 1u);
}

TEST_F(StateFileTest, FilesOfOtherKinds) {
  EXPECT_FALSE(SavedState::read(path, error));
  expectError("cannot be read: No such file");
  path = folder;
  EXPECT_FALSE(SavedState::read(path, error));
  expectError("is not a regular file");
  path = folder / "text";
  writeAll(path, std::string(5000, 'x'));
  EXPECT_FALSE(SavedState::read(path, error));
  expectError("is no saved session");
  EXPECT_FALSE(isSavedState(path));
  path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(SavedState::read(path, error));
  expectError("is not a regular file");
  EXPECT_FALSE(isSavedState(path));
}

//===----------------------------------------------------------------------===//
// Fingerprints
//===----------------------------------------------------------------------===//

/// A safetensors file of two tensors of `count` floats each.
std::string makeWeights(size_t count) {
  auto size = static_cast<int64_t>(count);
  std::vector<marimba::formats::SafetensorsEntry> tensors = {
      {"a", "F32", {size}}, {"b", "F32", {size}}};
  std::string problem;
  auto header = marimba::formats::makeSafetensorsHeader(
      tensors, /*alignment=*/8, problem);
  EXPECT_TRUE(header) << problem;
  return header.value_or("") + std::string(8 * count, '\1');
}

TEST_F(StateFileTest, FingerprintsFollowContents) {
  auto print = [&](const fs::path &file, size_t count) {
    std::string count_ = std::to_string(count);
    auto module = Description::parse(
        R"({"abi":4,"name":"w","weights":[{"name":"a","dtype":"f32","shape":[)" +
            count_ + R"(],"sources":["a"]}],)" +
            describe("1", "key")
                .substr(std::strlen(R"({"abi":4,"name":"fake","weights":[],)")),
        error);
    EXPECT_TRUE(module) << error;
    uint64_t header = 0;
    std::memcpy(&header, readAll(file).data(), 8);
    std::vector<WeightSource> sources = {
        {"a", file, 8 + header, 4 * count, MARIMBA_F32, {int64_t(count)}}};
    auto weights = Weights::load(*module, sources, error);
    EXPECT_TRUE(weights) << error;
    return weights ? fingerprint(*weights) : "";
  };
  // A file that is read as a whole, and one that is sampled.
  for (size_t count : {size_t(1000), size_t(3) << 20}) {
    fs::path a = folder / "a.safetensors", b = folder / "b.safetensors";
    std::string bytes = makeWeights(count);
    writeAll(a, bytes);
    writeAll(b, bytes);
    std::string first = print(a, count);
    EXPECT_EQ(first.size(), 32u);
    EXPECT_EQ(first, print(b, count));
    // The end of the second tensor, which this module does not even read.
    bytes.back() ^= 1;
    writeAll(b, bytes);
    EXPECT_NE(first, print(b, count));
    bytes.back() ^= 1;
    bytes[bytes.size() - 8 * count] ^= 1;
    writeAll(b, bytes);
    EXPECT_NE(first, print(b, count));
  }
}

} // namespace
