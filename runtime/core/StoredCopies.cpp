//===- StoredCopies.cpp - Tensors of files into memory --------------------===//

#include "StoredCopies.h"

#include "StoredRows.h"
#include "Team.h"
#include "marimba/formats/Layout.h"

#include <algorithm>
#include <atomic>

namespace marimba::rt {

namespace {

/// Bytes of a file that are read between two calls of giveBack.
constexpr int64_t kPieceBytes = int64_t(32) << 20;
/// Less is not worth a team.
constexpr int64_t kTeamBytes = int64_t(64) << 10;
/// Rows that a thread takes at a time: they share cache lines of quantised
/// parts.
constexpr int64_t kUnit = formats::Layout::kChannels;

/// Rows [first, end) of tensors that have the same bytes.
struct Piece {
  std::span<const StoredCopy> copies;
  std::atomic<int64_t> next;
  int64_t end;

  static void run(void *data) {
    auto &self = *static_cast<Piece *>(data);
    for (int64_t row; (row = self.next.fetch_add(kUnit)) < self.end;)
      for (const StoredCopy &copy : self.copies)
        copyRows(*copy.source, copy.from, copy.other, copy.to, row,
                 std::min(row + kUnit, self.end));
  }
};

void copyTogether(std::span<const StoredCopy> copies, int threads,
                  const BytesFn &willRead, const BytesFn &giveBack) {
  const WeightSource &source = *copies.front().source;
  const char *from = copies.front().from;
  auto bytes = static_cast<int64_t>(source.bytes);
  int64_t rows = rowsToCopy(source);
  // Rows that are stored elsewhere are not read in the order of the file.
  int64_t step = rows;
  if (bytes > kPieceBytes && source.interleavedHeads == 0)
    step = std::max(kPieceBytes / (bytes / rows) / kUnit, int64_t(1)) * kUnit;
  auto part = [&](int64_t first) {
    return std::pair(bytes / rows * first,
                     bytes / rows * std::min(first + step, rows));
  };
  for (int64_t first = 0; first < rows; first += step) {
    auto [begin, end] = part(first);
    if (auto [next, last] = part(std::min(first + step, rows)); next < last)
      willRead(from + next, last - next);
    Piece piece{copies, first, std::min(first + step, rows)};
    team::run(end - begin < kTeamBytes ? 1 : threads, Piece::run, &piece);
    giveBack(from + begin, end - begin);
  }
  // The pages at the ends of pieces.
  if (step < rows)
    giveBack(from, bytes);
}

} // namespace

void copyStored(std::span<const StoredCopy> copies, int threads,
                const BytesFn &willRead, const BytesFn &giveBack) {
  while (!copies.empty()) {
    const StoredCopy &first = copies.front();
    int64_t rows = rowsToCopy(*first.source);
    size_t count = 1;
    while (count < copies.size() && copies[count].from == first.from &&
           copies[count].source->bytes == first.source->bytes &&
           rowsToCopy(*copies[count].source) == rows)
      ++count;
    if (rows > 0)
      copyTogether(copies.first(count), threads, willRead, giveBack);
    copies = copies.subspan(count);
  }
}

} // namespace marimba::rt
