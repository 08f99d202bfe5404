//===- LoopShares.h - Iterations that threads share -------------*- C++ -*-===//
//
// Each thread of a team has a part of a loop. Cpus are not equally fast: two
// may be one core's, or others run on one, too. So a part is taken in pieces,
// and who is done early takes pieces of others.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CORE_LOOPSHARES_H
#define MARIMBA_RUNTIME_CORE_LOOPSHARES_H

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace marimba::rt {

class LoopShares {
public:
  /// Parts of loops that are shared at all.
  static constexpr int64_t kMostParts = 64;

  LoopShares() = default;
  LoopShares(int64_t count, int64_t parts) { reset(count, parts); }

  /// For the next loop, while no thread runs one.
  /// Part i is [count * i / parts, count * (i + 1) / parts), computed without
  /// overflow; `parts` is at most kMostParts.
  void reset(int64_t count, int64_t partCount) {
    parts = partCount;
    int64_t base = count / parts, extra = count % parts;
    // Pieces of a part, so that the last one is an eighth of it.
    piece = std::max<int64_t>(base / 8, 1);
    for (int64_t part = 0; part < parts; ++part) {
      int64_t begin = part * base + std::min(part, extra);
      shares[part].next.store(begin, std::memory_order_relaxed);
      shares[part].end = begin + base + (part < extra ? 1 : 0);
    }
  }

  /// Runs body(begin, end) on pieces for thread `self` of `size`: those of its
  /// own parts, then, in loops that last, those that others have not begun.
  template <typename Body> void run(int64_t self, int64_t size, Body body) {
    auto start = std::chrono::steady_clock::now();
    // The system may have given fewer threads than parts.
    for (int64_t part = self; part < parts; part += size)
      runPart(part, body);
    if (std::chrono::steady_clock::now() - start < kWorthTaking)
      return;
    for (int64_t i = 1; i < parts; ++i)
      runPart((self + i) % parts, body);
  }

private:
  /// Looking at what others have costs them and the looker some microseconds.
  static constexpr std::chrono::microseconds kWorthTaking{20};

  /// On a line of its own: mostly one thread writes it.
  struct alignas(64) Share {
    std::atomic<int64_t> next;
    int64_t end;
  };

  template <typename Body> void runPart(int64_t part, Body body) {
    Share &share = shares[part];
    while (share.next.load(std::memory_order_relaxed) < share.end) {
      int64_t begin = share.next.fetch_add(piece, std::memory_order_relaxed);
      if (begin >= share.end)
        return;
      body(begin, std::min(begin + piece, share.end));
    }
  }

  int64_t parts = 0, piece = 1;
  std::array<Share, kMostParts> shares;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_LOOPSHARES_H
