//===- StoredCopiesTest.cpp - Tensors of files into memory ----------------===//

#include "runtime/core/StoredCopies.h"

#include "marimba/Tensor.h"
#include "marimba/ThreadTeam.h"
#include "runtime/core/StoredRows.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

using namespace marimba;
using namespace marimba::rt;

namespace {

/// More than one piece (32 MiB), and rows that fill no unit.
constexpr int64_t kRows = 8229, kInputs = 4096;

class StoredCopiesTest : public testing::Test {
protected:
  /// A source of `kRows` rows at `stored`, in Q8_0.
  WeightSource source() {
    const formats::Format *format = formats::findFormat("Q8_0");
    WeightSource made;
    made.name = "w";
    made.shape = {kRows, kInputs};
    made.stored.format = format;
    made.bytes = static_cast<uint64_t>(format->bytesOf(kRows * kInputs));
    stored.resize(made.bytes);
    uint32_t state = 1;
    for (char &byte : stored)
      byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    // No scale is infinite.
    for (size_t at = 1; at < stored.size();
         at += static_cast<size_t>(format->bytes))
      stored[at] &= 0x3f;
    return made;
  }

  /// Copies by two threads; what is given back is all of the file, in order,
  /// and after it is read.
  void copy(std::span<const StoredCopy> copies) {
    int64_t asked = 0, back = 0;
    onTeam(2, [&] {
      copyStored(
          copies, 2,
          [&](const char *data, int64_t bytes) {
            EXPECT_GE(data, stored.data() + back);
            EXPECT_LE(data + bytes, stored.data() + stored.size());
            asked += bytes;
          },
          [&](const char *data, int64_t bytes) {
            if (bytes == int64_t(stored.size()))
              return; // ends of pages
            EXPECT_EQ(data, stored.data() + back);
            back += bytes;
            pieces++;
          });
    });
    EXPECT_EQ(back, int64_t(stored.size()));
    EXPECT_GT(asked, 0);
  }

  std::vector<char> stored;
  int64_t pieces = 0;
};

TEST_F(StoredCopiesTest, PiecesAreTheWhole) {
  WeightSource all = source();
  std::vector<float> once(kRows * kInputs), found(kRows * kInputs);
  copyRows(all, stored.data(), nullptr, reinterpret_cast<char *>(once.data()),
           0, kRows);
  StoredCopy one{&all, stored.data(), nullptr,
                 reinterpret_cast<char *>(found.data())};
  copy({&one, 1});
  EXPECT_EQ(std::memcmp(once.data(), found.data(), 4 * once.size()), 0);
  EXPECT_EQ(pieces, 2);
}

TEST_F(StoredCopiesTest, PartsOfOneMatrixAreMadeTogether) {
  WeightSource all = source();
  auto layout =
      formats::Layout::of(*all.stored.format->encoding, kRows, kInputs);
  std::vector<WeightSource> parts;
  std::vector<std::vector<char>> once, found;
  std::vector<StoredCopy> copies;
  for (formats::PartKind kind : layout.parts()) {
    WeightSource &part = parts.emplace_back(all);
    for (const formats::Part &made : all.stored.format->parts)
      if (made.read && made.kind == kind)
        part.stored.part = &made;
    part.shape = layout.partShape(kind);
    part.dtype = kind == formats::PartKind::Codes ? MARIMBA_I8 : MARIMBA_F16;
    part.channels = kRows;
    EXPECT_EQ(storedBytes(part), all.bytes);
    once.emplace_back(size_t(layout.partBytes(kind)));
    found.emplace_back(size_t(layout.partBytes(kind)));
    copyRows(part, stored.data(), nullptr, once.back().data(), 0, kRows);
  }
  for (size_t i = 0; i < parts.size(); ++i)
    copies.push_back({&parts[i], stored.data(), nullptr, found[i].data()});
  ASSERT_EQ(copies.size(), 2U);
  copy(copies);
  EXPECT_EQ(once, found);
  EXPECT_EQ(pieces, 2); // not two of each part
}

} // namespace
