//===- MemoryTest.cpp - Tests of giving memory back -----------------------===//

#include "tools/libmarimba/Memory.h"

#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sys/mman.h>

using namespace marimba;

namespace {

using Ranges = std::vector<AddressRange>;

constexpr const char *kMaps = R"(1000-2000 r--p 00000000 08:01 77   /lib/a
2000-5000 r-xp 00001000 08:01 77   /lib/a
5000-6000 r-xp 00000000 00:00 0
6000-7000 r--p 00004000 08:01 77   /lib/a
7000-8000 rw-p 00005000 08:01 77   /lib/a
8000-9000 r-xp 00000000 08:01 78   /lib/with a space
9000-a000 r-xp 00000000 08:02 77   /lib/b (deleted)
a000-b000 r--p 00000000 00:00 0    [vvar]
no line
)";

TEST(Memory, PartsOfAFile) {
  EXPECT_EQ(partsOfFile(kMaps, {0x2000, 0x5000}, 0x2345),
            (Ranges{{0x2000, 0x5000}}));
  // Of a segment, what is left of it.
  EXPECT_EQ(partsOfFile(kMaps, {0x3000, 0x4000}, 0x1000),
            (Ranges{{0x3000, 0x4000}}));
  // Not what was moved elsewhere, is written to, or is of others.
  EXPECT_EQ(partsOfFile(kMaps, {0, 0x10000}, 0x2000),
            (Ranges{{0x1000, 0x2000}, {0x2000, 0x5000}, {0x6000, 0x7000}}));
  EXPECT_EQ(partsOfFile(kMaps, {0, 0x10000}, 0x8fff),
            (Ranges{{0x8000, 0x9000}}));
  EXPECT_EQ(partsOfFile(kMaps, {0, 0x10000}, 0x9000),
            (Ranges{{0x9000, 0xa000}}));
}

TEST(Memory, NoPartsOfWhatIsNoFile) {
  // Moved, of the system, and nowhere.
  for (uint64_t inside : {0x5000, 0xa000, 0xb000, 0x0})
    EXPECT_EQ(partsOfFile(kMaps, {0, 0x10000}, inside), Ranges()) << inside;
  EXPECT_EQ(partsOfFile("", {0, 0x10000}, 0x2000), Ranges());
}

/// Pages of the mapping with `address` that are in memory, in bytes.
int64_t residentAt(const void *address) {
  std::ifstream file("/proc/self/smaps");
  auto wanted = reinterpret_cast<uint64_t>(address);
  bool here = false;
  for (std::string line; std::getline(file, line);) {
    uint64_t begin = 0, end = 0;
    long long kibibytes = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2)
      here = begin <= wanted && wanted < end;
    else if (here && std::sscanf(line.c_str(), "Rss: %lld", &kibibytes) == 1)
      return kibibytes * 1024;
  }
  return -1;
}

TEST(Memory, CompilersPagesOnly) {
  auto *code = reinterpret_cast<const void *>(&mlir::verify);
  int64_t before = residentAt(code);
  ASSERT_GT(before, 0);
  // Read-only memory of nobody's file must keep what it has.
  constexpr size_t size = size_t(32) << 20;
  void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(data, MAP_FAILED);
  auto *bytes = static_cast<unsigned char *>(data);
  std::fill(bytes, bytes + size, 7);
  ASSERT_EQ(mprotect(data, size, PROT_READ), 0);
  releaseCompilerMemory();
  EXPECT_EQ(std::count(bytes, bytes + size, 7), int64_t(size));
  munmap(data, size);
  EXPECT_LT(residentAt(code), before);
}

} // namespace
