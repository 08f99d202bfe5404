//===- AvailableMemory.cpp - What the system has left ---------------------===//

#include "marimba/AvailableMemory.h"

#include "marimba/GroupLimits.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace marimba::rt {

std::optional<int64_t> readKibibytes(const char *file, const char *name) {
  std::ifstream stream(file);
  std::string all{std::istreambuf_iterator<char>(stream), {}};
  for (std::string_view rest = all; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.starts_with(name))
      continue;
    line.remove_prefix(std::string_view(name).size());
    line.remove_prefix(std::min(line.find_first_not_of(": \t"), line.size()));
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

} // namespace marimba::rt
