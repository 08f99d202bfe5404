//===- Room.cpp - Whether sequences fit into memory -----------------------===//

#include "marimba/Room.h"

#include "Text.h"
#include "marimba/GroupLimits.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <sys/resource.h>

namespace marimba::rt {

std::string mebibytes(int64_t bytes) {
  return text::fixed(static_cast<double>(bytes) / (1 << 20), 1) + " MiB";
}

std::optional<int64_t> readKibibytes(const char *file, const char *name) {
  std::ifstream stream(file);
  std::string all{std::istreambuf_iterator<char>(stream), {}};
  for (std::string_view rest = all; !rest.empty();) {
    std::string_view line = text::takeUntil(rest, '\n');
    if (!line.starts_with(name))
      continue;
    line.remove_prefix(std::string_view(name).size());
    line = text::trimLeft(line, ": \t");
    int64_t kibibytes = 0;
    auto end =
        std::from_chars(line.data(), line.data() + line.size(), kibibytes);
    if (end.ec == std::errc())
      return kibibytes * 1024;
  }
  return std::nullopt;
}

std::optional<int64_t> availableMemory() {
  std::optional<int64_t> available =
      readKibibytes("/proc/meminfo", "MemAvailable");
  if (std::optional<int64_t> left = readGroupLimits().memoryLeft)
    available = std::min(available.value_or(*left), *left);
  // Of ulimit -v: address space, so never less than what is memory.
  rlimit limit = {};
  std::optional<int64_t> used = readKibibytes("/proc/self/status", "VmSize");
  if (used && getrlimit(RLIMIT_AS, &limit) == 0 &&
      limit.rlim_cur != RLIM_INFINITY &&
      limit.rlim_cur <= static_cast<rlim_t>(INT64_MAX)) {
    auto left = std::max<int64_t>(int64_t(limit.rlim_cur) - *used, 0);
    available = std::min(available.value_or(left), left);
  }
  return available;
}

bool checkRoom(const std::string &name, SequenceBytes bytes, int64_t tokens,
               int64_t sequences, std::string &error) {
  std::optional<int64_t> available = availableMemory();
  auto product = [](int64_t a, int64_t b) {
    int64_t result = 0;
    return __builtin_mul_overflow(a, b, &result) ? INT64_MAX / 4 : result;
  };
  int64_t keys = product(product(bytes.perToken, tokens), sequences);
  int64_t states = product(bytes.fixed, sequences);
  if (!available || keys + states <= *available)
    return true;
  error = name + ": " + text::grouped(tokens) + " tokens";
  if (sequences > 1)
    error += " in each of " + std::to_string(sequences) + " sequences";
  error += " take " + mebibytes(keys) + " of keys and values and " +
           mebibytes(states) + " of states; " + mebibytes(*available) +
           " of memory are available";
  return false;
}

} // namespace marimba::rt
