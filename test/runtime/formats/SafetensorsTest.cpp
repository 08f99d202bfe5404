//===- SafetensorsTest.cpp - Files of tensors, and what guards JSON -------===//

#include "marimba/formats/Safetensors.h"
#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/Message.h"
#include "marimba/formats/StaysUnquantized.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

using namespace marimba::formats;
namespace fs = std::filesystem;

namespace {

class SafetensorsTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::temp_directory_path() /
             ("marimba-safetensors-" + std::to_string(getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder);
    out = folder / "out.safetensors";
  }
  void TearDown() override { fs::remove_all(folder); }

  static std::string contents(const fs::path &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// A file with this header and `data` bytes behind it.
  void write(const std::string &header, size_t data = 16) {
    uint64_t length = header.size();
    std::ofstream(out, std::ios::binary)
        .write(reinterpret_cast<const char *>(&length), 8)
        .write(header.data(), std::streamsize(header.size()))
        .write(std::string(data, 'x').data(), std::streamsize(data));
  }
  /// What reading says of a file with this header.
  std::string errorOf(const std::string &header, size_t data = 16) {
    write(header, data);
    EXPECT_FALSE(readSafetensorsHeader(out, "f", error)) << header;
    return error;
  }

  std::string error;
  fs::path folder, out;
  std::vector<float> values = {1, 2, 3};
  std::vector<int64_t> ids = {7};
  std::vector<SafetensorsTensor> tensors = {{"x", "F32", {3, 1}, values.data()},
                                            {"ids", "I64", {1}, ids.data()}};
};

TEST_F(SafetensorsTest, WritesHeaderAndData) {
  std::vector<std::pair<std::string, std::string>> metadata = {{"k", "v"}};
  ASSERT_TRUE(writeSafetensors(out, tensors, error, metadata)) << error;
  std::string bytes = contents(out);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  ASSERT_EQ(bytes.size(), 8 + length + 12 + 8);
  EXPECT_EQ(length % 8, 0u);
  std::string header = bytes.substr(8, length);
  EXPECT_EQ(header.substr(0, header.find_last_not_of(' ') + 1),
            R"({"__metadata__":{"k":"v"},"x":{"dtype":"F32","shape":[3,1],)"
            R"("data_offsets":[0,12]},"ids":{"dtype":"I64","shape":[1],)"
            R"("data_offsets":[12,20]}})");
  EXPECT_EQ(std::memcmp(bytes.data() + 8 + length, values.data(), 12), 0);
}

TEST_F(SafetensorsTest, FailuresLeaveTheOldFile) {
  ASSERT_TRUE(writeSafetensors(out, tensors, error)) << error;
  size_t size = fs::file_size(out);
  tensors[1].name = "x";
  EXPECT_FALSE(writeSafetensors(out, tensors, error));
  EXPECT_EQ(error, out.string() + ": two tensors are named 'x'");
  tensors[1] = {"y", "F3", {1}, ids.data()};
  EXPECT_FALSE(writeSafetensors(out, tensors, error));
  EXPECT_EQ(error,
            out.string() + ": tensor 'y' has the unknown element type F3");
  tensors[1] = {"y", "F32", {-1}, ids.data()};
  EXPECT_FALSE(writeSafetensors(out, tensors, error));
  EXPECT_EQ(error, out.string() + ": tensor 'y' has the shape [-1]");
  EXPECT_EQ(fs::file_size(out), size);
  tensors[1] = {"\xff", "I64", {1}, ids.data()};
  EXPECT_FALSE(writeSafetensors(out, tensors, error));
  EXPECT_NE(error.find("UTF-8"), std::string::npos) << error;
  tensors[1].name = "y";
  EXPECT_FALSE(writeSafetensors(folder / "no" / "out", tensors, error));
  EXPECT_NE(error.find("no/out: cannot be written: No such file"),
            std::string::npos)
      << error;
  fs::create_directories(folder / "taken" / "full");
  EXPECT_FALSE(writeSafetensors(folder / "taken", tensors, error));
  EXPECT_NE(error.find("is not a regular file"), std::string::npos) << error;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 2);
}

TEST_F(SafetensorsTest, ReadsWhatItWrites) {
  tensors.push_back({"none", "BF16", {0, 1 << 20}, nullptr});
  ASSERT_TRUE(writeSafetensors(out, tensors, error)) << error;
  auto entries = readSafetensorsHeader(out, "f", error);
  ASSERT_TRUE(entries) << error;
  ASSERT_EQ(entries->size(), 3u);
  const SafetensorsEntry &first = (*entries)[0], &second = (*entries)[1];
  EXPECT_EQ(first.name, "x");
  EXPECT_EQ(first.dtype, "F32");
  EXPECT_EQ(first.shape, (std::vector<int64_t>{3, 1}));
  EXPECT_EQ(first.bytes, 12u);
  EXPECT_EQ(second.offset, first.offset + 12);
  EXPECT_EQ((*entries)[2].bytes, 0u);
  std::string bytes = contents(out);
  EXPECT_EQ(bytes.size(), second.offset + 8);
  EXPECT_EQ(bytes[second.offset], 7);
}

TEST_F(SafetensorsTest, AlignsTheData) {
  std::vector<SafetensorsEntry> entries = {{"a", "U8", {5}},
                                           {"b", "F16", {2, 2}}};
  auto header = makeSafetensorsHeader(entries, 64, error);
  ASSERT_TRUE(header) << error;
  EXPECT_EQ(header->size() % 64, 0u);
  EXPECT_EQ(entries[0].offset, header->size());
  EXPECT_EQ(entries[1].offset, header->size() + 5);
  EXPECT_EQ(entries[1].bytes, 8u);
}

TEST_F(SafetensorsTest, SaysWhereTheDataBegins) {
  ASSERT_TRUE(writeSafetensors(out, tensors, error)) << error;
  std::string bytes = contents(out);
  EXPECT_EQ(safetensorsDataOffset(bytes), bytes.size() - 20);
  EXPECT_EQ(safetensorsDataOffset(bytes = std::string(8, '\xff')), 8u);
  EXPECT_EQ(safetensorsDataOffset(bytes = "1234567"), 0u);
}

TEST_F(SafetensorsTest, TypesUnknownToUsAreListed) {
  write(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,16]}})");
  auto entries = readSafetensorsHeader(out, "f", error);
  ASSERT_TRUE(entries) << error;
  EXPECT_EQ(entries->front().dtype, "F4");
}

TEST_F(SafetensorsTest, MessagesSayWhatIsWrong) {
  auto tensor = [](const std::string &fields) {
    return R"({"a":{)" + fields + "}}";
  };
  EXPECT_EQ(errorOf("[1]"), "f (header): is [1], expected a JSON object");
  EXPECT_EQ(errorOf("   "), "f (header): is empty, expected JSON");
  EXPECT_EQ(errorOf(R"({"a\"":1})"),
            R"(f: tensor 'a\22' is 1 in the header, expected an object)");
  EXPECT_EQ(errorOf(tensor(R"("dtype":3)")),
            "f: tensor 'a' has no string 'dtype' in the header");
  EXPECT_EQ(errorOf(tensor(R"("dtype":"F32")")),
            "f: tensor 'a' has no list 'shape' in the header");
  EXPECT_EQ(errorOf(tensor(R"("dtype":"F32","shape":[2.5])")),
            "f: tensor 'a' has 2.5 in its shape, expected an integer of 0 or "
            "more");
  EXPECT_EQ(errorOf(tensor(R"("dtype":"F32","shape":[2])")),
            "f: tensor 'a' has data_offsets absent, expected [begin, end] "
            "with 0 <= begin <= end");
  EXPECT_EQ(
      errorOf(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])")),
      "f: tensor 'a' has data_offsets [8,0], expected [begin, end] with 0 <= "
      "begin <= end");
  EXPECT_EQ(
      errorOf(tensor(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,4])")),
      "f: tensor 'a' has 4 bytes of data, expected 8 for F32 [2]");
  EXPECT_EQ(
      errorOf(tensor(R"("dtype":"F32","shape":[9],"data_offsets":[0,36])")),
      "f: tensor 'a' ends at byte 36 of the data, but the file holds 16: the "
      "file is truncated");
}

TEST_F(SafetensorsTest, HeadersAreStrictJson) {
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"F32"},"\u0061":1})"),
            "f (header): 'a' occurs twice");
  EXPECT_TRUE(
      errorOf("{\n \"a\": nil}").starts_with("f (header): not valid JSON: [2:"))
      << error;
  EXPECT_EQ(errorOf(std::string("{}\0{}", 5)),
            "f (header): has a zero byte at byte 2, expected JSON");
  EXPECT_EQ(errorOf("{\"\xff\": 1}").find('\xff'), std::string::npos);
  EXPECT_EQ(errorOf(std::string(100000, '[')),
            "f (header): JSON nests deeper than 64 levels");
  // A byte order mark is passed over.
  write("\xef\xbb\xbf{}");
  EXPECT_TRUE(readSafetensorsHeader(out, "f", error)) << error;
}

TEST(JsonGuardTest, CountsBracketsOutsideOfStrings) {
  using marimba::rt::nestsTooDeep;
  std::string deepest(64, '['), closed(64, ']');
  EXPECT_FALSE(nestsTooDeep(deepest + closed));
  EXPECT_TRUE(nestsTooDeep(deepest + "{"));
  EXPECT_FALSE(nestsTooDeep("\"[" + deepest + "\\\"" + deepest + "\""));
  EXPECT_TRUE(nestsTooDeep(closed + deepest + "["));
}

TEST(FormatsMessageTest, NamesAreQuoted) {
  EXPECT_EQ(quotedName("a.b"), "'a.b'");
  EXPECT_EQ(quotedName("\\\x01\xff"), R"('\\\01\FF')");
  EXPECT_EQ(quotedName(std::string(161, 'a')),
            "'" + std::string(160, 'a') + "...'");
  EXPECT_EQ(printShape(std::vector<int64_t>{2, -3}), "[2, -3]");
  EXPECT_TRUE(printShape(std::vector<int64_t>(17, 1)).ends_with(", 1, ...]"));
}

TEST(StaysUnquantizedTest, AsksForTheModule) {
  EXPECT_TRUE(staysUnquantized("model.layers.0.mamba.x_proj.weight"));
  EXPECT_TRUE(staysUnquantized("dt_proj.weight"));
  EXPECT_TRUE(staysUnquantized("model.layers.0.linear_attn.in_proj_a.weight"));
  EXPECT_FALSE(
      staysUnquantized("model.layers.0.linear_attn.in_proj_qkv.weight"));
  EXPECT_FALSE(staysUnquantized("model.layers.0.mamba.in_proj.weight"));
  EXPECT_FALSE(staysUnquantized("layers.0.max_proj.weight"));
  EXPECT_FALSE(staysUnquantized("layers.0.x_proj.bias"));
  EXPECT_FALSE(staysUnquantized("layers.0.x_proj"));
}

} // namespace
