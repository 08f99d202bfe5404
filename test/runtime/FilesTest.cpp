//===- FilesTest.cpp - How files are read and written ---------------------===//

#include "marimba/InputFile.h"
#include "marimba/NewFile.h"
#include "marimba/SplitName.h"
#include "marimba/TextFile.h"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

using namespace marimba::rt;
namespace fs = std::filesystem;

namespace {

class FilesTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::temp_directory_path() /
             ("marimba-files-" + std::to_string(getpid()));
    fs::create_directory(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  void put(const std::string &name, std::string_view text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  std::string get(const std::string &name) {
    std::ifstream in(folder / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  size_t count() {
    return size_t(std::distance(fs::directory_iterator(folder), {}));
  }
  bool write(const std::string &name, std::string_view text) {
    problem.clear();
    return writeWhole(folder / name, text, problem);
  }

  fs::path folder;
  std::string problem;
};

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

TEST_F(FilesTest, OnlyRegularFiles) {
  fs::create_directory(folder / "folder");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder / "endless");
  fs::create_symlink("/dev/null", folder / "null");
  int server = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {AF_UNIX, {}};
  std::strncpy(address.sun_path, (folder / "socket").c_str(),
               sizeof(address.sun_path) - 1);
  ASSERT_EQ(
      bind(server, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
  for (const char *name : {"folder", "pipe", "endless", "null", "socket"}) {
    EXPECT_TRUE(isThere(folder / name));
    EXPECT_FALSE(readWhole(folder / name, 10, problem)) << name;
    EXPECT_EQ(problem, "is not a regular file") << name;
  }
  close(server);
  fs::create_symlink("nothing", folder / "dangling");
  EXPECT_TRUE(isThere(folder / "dangling"));
  EXPECT_FALSE(isThere(folder / "nothing"));
  EXPECT_FALSE(readWhole(folder / "dangling", 10, problem));
  EXPECT_EQ(problem, "cannot be read: No such file or directory");
  fs::create_symlink("loop", folder / "loop");
  EXPECT_FALSE(readWhole(folder / "loop", 10, problem));
  EXPECT_EQ(problem, "cannot be read: Too many levels of symbolic links");
  put("text", "0123456789");
  fs::create_symlink("text", folder / "link");
  EXPECT_EQ(readWhole(folder / "link", 10, problem), "0123456789");
  EXPECT_FALSE(readWhole(folder / "link", 9, problem));
  EXPECT_EQ(problem, "is 10 bytes long, expected at most 9");
  EXPECT_FALSE(InputFile::open(folder / "link", problem, false));
  EXPECT_EQ(problem, "is a symbolic link");
  auto file = InputFile::open(folder / "text", problem);
  ASSERT_TRUE(file);
  char bytes[4];
  EXPECT_TRUE(file->read(bytes, 6, problem));
  EXPECT_FALSE(file->read(bytes, 7, problem));
  EXPECT_EQ(problem, "became shorter while it was read");
}

TEST_F(FilesTest, TextsMayBePipes) {
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::thread writer([&] { put("pipe", "caf\xc3\xa9"); });
  auto text = readText(folder / "pipe", problem);
  writer.join();
  ASSERT_TRUE(text) << problem;
  EXPECT_EQ(text->bytes, "caf\xc3\xa9");
  EXPECT_EQ(text->note, "");
  EXPECT_FALSE(readText("/dev/zero", problem));
  EXPECT_EQ(problem, "is longer than the 268435456 bytes that a text may have");
  EXPECT_FALSE(readText(folder, problem));
  EXPECT_EQ(problem, "is not a regular file");
  text = readText("/dev/null", problem);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->bytes, "");
  // More than a file may have costs no memory.
  put("sparse", "");
  fs::resize_file(folder / "sparse", uintmax_t(1) << 40);
  EXPECT_FALSE(readWhole(folder / "sparse", kLongestText, problem));
  EXPECT_EQ(problem, "is 1099511627776 bytes long, expected at most 268435456");
}

TEST_F(FilesTest, ByteOrderMarks) {
  put("bom", "\xef\xbb\xbfTom\r\n");
  auto text = readText(folder / "bom", problem);
  ASSERT_TRUE(text) << problem;
  EXPECT_EQ(text->bytes, "Tom\r\n");
  EXPECT_EQ(text->note, "begins with a byte order mark, which is left out");
  // Elsewhere it is a character.
  put("bom", "Tom\xef\xbb\xbf");
  EXPECT_EQ(readText(folder / "bom", problem)->bytes, "Tom\xef\xbb\xbf");
  put("zeros", std::string_view("T\0o\0m\0", 6));
  text = readText(folder / "zeros", problem);
  ASSERT_TRUE(text) << problem;
  EXPECT_EQ(text->note, "3 of its 6 bytes are 0: is it UTF-16 or UTF-32?");
}

TEST(Utf8Test, FirstBadByte) {
  using namespace std::string_view_literals;
  for (std::string_view good :
       {""sv, "a\0b"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv,
        "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xef\xbf\xbf"sv,
        "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv})
    EXPECT_EQ(findUtf8Problem(good), "") << good;
  struct Case {
    std::string_view bytes;
    size_t offset; // that of Python's UnicodeDecodeError
  };
  for (const Case &bad : std::initializer_list<Case>{
           {"\x80"sv, 0},             // a continuation alone
           {"ab\xbf"sv, 2},           //
           {"\xc0\xaf"sv, 0},         // longer than needed
           {"\xc1\xbf"sv, 0},         //
           {"\xe0\x9f\xbf"sv, 0},     //
           {"\xf0\x8f\xbf\xbf"sv, 0}, //
           {"x\xed\xa0\x80"sv, 1},    // surrogates
           {"x\xed\xbf\xbf"sv, 1},    //
           {"\xf4\x90\x80\x80"sv, 0}, // past U+10FFFF
           {"\xf5\x80\x80\x80"sv, 0}, //
           {"\xff"sv, 0},             //
           {"caf\xe9 na"sv, 3},       // Latin-1
           {"ab\xe2\x82"sv, 2},       // cut off
           {"ab\xf0\x9f\x98"sv, 2},   //
           {"\xc3"sv, 0},             //
           {"\xe2\x82\x41"sv, 0},     //
       })
    EXPECT_NE(findUtf8Problem(bad.bytes).find("at offset " +
                                              std::to_string(bad.offset) + " "),
              std::string::npos)
        << findUtf8Problem(bad.bytes);
  EXPECT_EQ(findUtf8Problem("caf\xe9"),
            "is not UTF-8: byte 0xe9 at offset 3 begins no character");
  for (auto [bytes, looks] :
       std::initializer_list<std::pair<std::string_view, const char *>>{
           {"\xff\xfeT\0"sv, "UTF-16"},
           {"\xfe\xff\0T"sv, "UTF-16"},
           {"\xff\xfe\0\0T\0\0\0"sv, "UTF-32"},
           {"\0\0\xfe\xff\0\0\0T"sv, "UTF-32"},
           {"\x1f\x8b\x08"sv, "a file of gzip"},
           {"\x28\xb5\x2f\xfd"sv, "a file of zstd"},
           {"PK\3\4\xff"sv,
            "a zip archive, as PyTorch's torch.save writes, for one"},
       })
    EXPECT_TRUE(
        findUtf8Problem(bytes).ends_with(std::string("looks like ") + looks))
        << findUtf8Problem(bytes);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

TEST_F(FilesTest, ReplacesWhole) {
  ASSERT_TRUE(write("a", "first")) << problem;
  {
    auto file = NewFile::replace(folder / "a", NewFile::Use::Output, problem);
    ASSERT_TRUE(file) << problem;
    EXPECT_TRUE(file->write({"half", 4}, 0, problem));
    EXPECT_EQ(get("a"), "first");
  }
  EXPECT_EQ(get("a"), "first");
  EXPECT_TRUE(write("a", "second")) << problem;
  EXPECT_EQ(get("a"), "second");
  // Through links, also to nothing, and with the permissions that were there.
  fs::create_symlink("a", folder / "link");
  fs::permissions(folder / "a", fs::perms(0640));
  EXPECT_TRUE(write("link", "third")) << problem;
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(get("a"), "third");
  EXPECT_EQ(int(fs::status(folder / "a").permissions()), 0640);
  fs::create_symlink("b", folder / "dangling");
  EXPECT_TRUE(write("dangling", "fourth")) << problem;
  EXPECT_EQ(get("b"), "fourth");
  EXPECT_TRUE(write(std::string(255, 'n'), "long")) << problem;
  EXPECT_EQ(count(), 5u);
  mode_t mask = umask(027);
  EXPECT_TRUE(write("masked", "x"));
  umask(mask);
  EXPECT_EQ(int(fs::status(folder / "masked").permissions()), 0640);
  auto own = NewFile::replace(folder / "own", NewFile::Use::Private, problem);
  ASSERT_TRUE(own && own->publish(problem)) << problem;
  EXPECT_EQ(int(fs::status(folder / "own").permissions()), 0600);
}

TEST_F(FilesTest, WhatCannotBeReplaced) {
  fs::create_directory(folder / "folder");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder / "null");
  fs::create_symlink("loop", folder / "loop");
  fs::create_symlink("no/where", folder / "dangling");
  put("file", "x");
  size_t before = count();
  for (auto [name, what] :
       std::initializer_list<std::pair<std::string, const char *>>{
           {"folder", "is not a regular file"},
           {"pipe", "is not a regular file"},
           {"null", "is not a regular file"},
           {"file/x", "cannot be written: Not a directory"},
           {"no/x", "cannot be written: No such file or directory"},
           {"dangling", "cannot be written: No such file or directory"},
           {"loop", "cannot be written: Too many levels of symbolic links"},
           {"new/", "expected the name of a file"},
           {std::string(256, 'n'), "cannot be written: File name too long"},
       }) {
    EXPECT_FALSE(write(name, "y")) << name;
    EXPECT_EQ(problem, what) << name;
  }
  EXPECT_FALSE(writeWhole("", {}, problem));
  EXPECT_EQ(problem, "expected the name of a file");
  EXPECT_EQ(get("file"), "x");
  EXPECT_EQ(count(), before);
  // The superuser may write anywhere.
  if (geteuid() != 0) {
    fs::permissions(folder / "file", fs::perms(0444));
    EXPECT_FALSE(write("file", "y"));
    EXPECT_EQ(problem, "cannot be written: Permission denied");
  }
}

/// Beyond the limit of the process comes an error and no signal, whose default
/// is to end it.
TEST_F(FilesTest, LimitOfTheProcess) {
  ASSERT_TRUE(write("a", "older"));
  rlimit old = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit small = {100, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  bool fits = write("b", std::string(100, 'x'));
  bool tooLong = write("a", std::string(101, 'x'));
  std::string why = problem;
  auto file = NewFile::create(folder, NewFile::Use::Cache, problem);
  bool reserved = file && file->reserve(101, problem);
  setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_TRUE(fits);
  EXPECT_FALSE(tooLong);
  EXPECT_EQ(why, "cannot be written: File too large");
  EXPECT_FALSE(reserved);
  EXPECT_EQ(problem, why);
  EXPECT_EQ(get("a"), "older");
}

TEST_F(FilesTest, UnfinishedGoesWithASignal) {
  put("a", "x");
  put("kept", "x");
  fs::create_directory(folder / "d");
  for (int i = 0; i < 300; ++i)
    put("d/a-name-that-takes-some-room-" + std::to_string(i), "x");
  Unfinished file(folder / "a"), directory(folder / "d"), kept(folder / "kept");
  kept.release();
  Unfinished moved = std::move(file);
  // In a process that ends, as with a signal: what is taken out is not freed.
  pid_t child = fork();
  if (child == 0) {
    removeUnfinished();
    bool gone = !fs::exists(folder / "a");
    // Each goes once.
    put("a", "y");
    removeUnfinished();
    _exit(gone ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::exists(folder / "a"));
  EXPECT_FALSE(fs::exists(folder / "d"));
  EXPECT_TRUE(fs::exists(folder / "kept"));
  // Slots are used again, from many threads.
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i)
        Unfinished here(folder / "none");
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(FilesTest, WhatAnOutputIs) {
  put("a", "x");
  EXPECT_EQ(outputKind("-"), OutputKind::Stdout);
  EXPECT_EQ(outputKind(folder / "a"), OutputKind::File);
  EXPECT_EQ(outputKind(folder / "new"), OutputKind::File);
  EXPECT_EQ(outputKind(folder), OutputKind::File);
  EXPECT_EQ(outputKind("/dev/full"), OutputKind::Stream);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

TEST(SplitNameTest, Parts) {
  auto name = SplitName::parse("a/model-Q4_K-00002-of-00012.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->stem, "a/model-Q4_K");
  EXPECT_EQ(name->number, 2u);
  EXPECT_EQ(name->count, 12u);
  EXPECT_EQ(name->extension, ".gguf");
  EXPECT_EQ(name->of(2), "a/model-Q4_K-00002-of-00012.gguf");
  EXPECT_EQ(name->of(12), "a/model-Q4_K-00012-of-00012.gguf");
  // The widths are those that were given.
  auto narrow = SplitName::parse("m-of-x-3-of-10");
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->of(10), "m-of-x-10-of-10");
  EXPECT_EQ(narrow->extension, "");
}

TEST(SplitNameTest, OthersAreNone) {
  for (const char *name :
       {"", "model.gguf", "-of-", "-00001-of-00002.gguf",
        "m-00003-of-00002.gguf", "m-00000-of-00002.gguf", "m-1-of-0.gguf",
        "m-x-of-2.gguf", "m-1-of-.gguf", "m-1-of-2x.gguf", "m-+1-of-2.gguf",
        "m-1-of-99999999999.gguf", "m-1-of-2/model.gguf"})
    EXPECT_FALSE(SplitName::parse(name)) << name;
}

} // namespace
