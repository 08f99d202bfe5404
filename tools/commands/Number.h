//===- Number.h - Numbers on the command line -------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_NUMBER_H
#define MARIMBA_TOOLS_COMMANDS_NUMBER_H

#include <cstdint>
#include <string>
#include <string_view>

namespace marimba::commands {

/// The most tokens that anything here counts: positions have 32 bits.
inline constexpr int64_t kMostTokens = INT32_MAX;

/// What a number may be: `least` to `most`, or above `least`.
template <typename T> struct Bounds {
  T least, most;
  bool above = false;

  bool allow(T value) const {
    return (above ? value > least : value >= least) && value <= most;
  }
  /// "1 to 1024", "above 0, at most 1"
  std::string text() const;
};

/// What --threads may be.
inline constexpr Bounds<unsigned> kThreadBounds{1, 1024};
/// What --chunk may be.
inline constexpr Bounds<int64_t> kChunkBounds{1, 1 << 20};

/// Reads `text`, all of it, as decimal digits; a double may have a fraction and
/// an exponent as well. Nothing else is a number: no blank, no 0x10, no nan.
/// Empty, or what is wrong: "expected ..., found ...". T is int, int64_t,
/// unsigned, uint64_t or double.
template <typename T>
std::string parseNumber(std::string_view text, const Bounds<T> &bounds,
                        T &value);

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_NUMBER_H
