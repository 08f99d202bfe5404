//===- PackedBlocks.cpp - Weights in blocks of 64 channels ----------------===//

#include "PackedBlocks.h"

#include "Team.h"
#include "marimba/Tensor.h"
#include "marimba/abi.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace marimba::rt {

namespace {

constexpr int64_t kChannels = 64;
/// Words of a channel that are written before the next channel's: 64 cache
/// lines for each 16 of them stay in the first-level cache.
constexpr int64_t kWordsAtOnce = 16;

struct Work {
  Rows from;
  int32_t type;
  char *to;
};

int64_t sizeOf(int32_t type) {
  return dtypeSize(static_cast<MarimbaDType>(type));
}

/// Block `block`, from rows that have the packed type; `rows` of them are real.
void packBlock(const char *source, int64_t rows, int64_t rowBytes,
               int64_t words, char *to) {
  int64_t whole = rowBytes / 4, rest = rowBytes % 4;
  for (int64_t first = 0; first < words; first += kWordsAtOnce) {
    int64_t end = std::min(first + kWordsAtOnce, whole);
    for (int64_t c = 0; c < rows; ++c) {
      const char *row = source + c * rowBytes;
      char *out = to + c * 4;
      for (int64_t w = first; w < end; ++w)
        std::memcpy(out + w * kChannels * 4, row + w * 4, 4);
    }
  }
  for (int64_t c = 0; rest && c < rows; ++c)
    std::memcpy(to + (whole * kChannels + c) * 4,
                source + c * rowBytes + whole * 4, static_cast<size_t>(rest));
}

void packPart(const Work &work) {
  int64_t k = work.from.columns, n = work.from.rows;
  int64_t rowBytes = k * sizeOf(work.type);
  int64_t words = (rowBytes + 63) / 64 * 16; // 4 bytes each
  int64_t blocks = (n + kChannels - 1) / kChannels;
  int64_t part = team::threadNumber(), parts = team::teamSize();
  bool convert = work.from.type != work.type;
  bool throughF32 = convert && !canConvert(work.from.type, work.type);
  std::vector<float> floats(
      static_cast<size_t>(throughF32 ? kChannels * k : 0));
  std::vector<char> rows(
      static_cast<size_t>(convert ? kChannels * rowBytes : 0));
  for (int64_t b = blocks * part / parts; b < blocks * (part + 1) / parts;
       ++b) {
    int64_t first = b * kChannels, count = std::min(kChannels, n - first);
    const char *source = static_cast<const char *>(work.from.data) +
                         first * k * sizeOf(work.from.type);
    Rows block{source, count, k, k, work.from.type};
    if (throughF32) {
      Rows wide{floats.data(), count, k, k, MARIMBA_F32};
      convertRows(block, wide, 1);
      block = wide;
    }
    if (convert) {
      convertRows(block, {rows.data(), count, k, k, work.type}, 1);
      source = rows.data();
    }
    char *to = work.to + b * words * kChannels * 4;
    if (count < kChannels || words * 4 > rowBytes)
      std::memset(to, 0, static_cast<size_t>(words * kChannels * 4));
    packBlock(source, count, rowBytes, words, to);
  }
}

} // namespace

void packBlocks(const Rows &from, int32_t type, void *to, int threads) {
  Work work{from, type, static_cast<char *>(to)};
  team::run(
      threads, [](void *data) { packPart(*static_cast<const Work *>(data)); },
      &work);
}

} // namespace marimba::rt
