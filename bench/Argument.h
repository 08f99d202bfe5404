//===- Argument.h - Numbers on the command line of a bench ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_BENCH_ARGUMENT_H
#define MARIMBA_BENCH_ARGUMENT_H

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace marimba::bench {

/// `text`, all of it, as a whole number of `least` to `most`; ends the program
/// where it is none.
inline int64_t numberArgument(const char *name, std::string_view text,
                              int64_t least, int64_t most) {
  int64_t value = 0;
  const char *end = text.data() + text.size();
  auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code == std::errc() && stop == end && value >= least && value <= most)
    return value;
  std::fprintf(stderr,
               "error: %s: expected a whole number, %lld to %lld, found '%s'\n",
               name, static_cast<long long>(least),
               static_cast<long long>(most), text.data());
  std::exit(1);
}

} // namespace marimba::bench

#endif // MARIMBA_BENCH_ARGUMENT_H
