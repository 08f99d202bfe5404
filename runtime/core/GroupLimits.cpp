//===- GroupLimits.cpp - What control groups leave ------------------------===//
//
// Files and their meaning: the kernel's Documentation/admin-guide/cgroup-v1 and
// cgroup-v2.rst; mountinfo: proc(5).
//
//===----------------------------------------------------------------------===//

#include "marimba/GroupLimits.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace fs = std::filesystem;

namespace marimba::rt {

namespace {

/// From here on a limit of version 1 is "none": 2^63 rounded down to a page.
constexpr int64_t kNoLimit = int64_t(1) << 60;

std::string readText(const fs::path &path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The parts of `text` between `separator`, as many as there are.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      return parts;
    text.remove_prefix(end + 1);
  }
}

/// The number that `text` begins with; "max" is none.
std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<int64_t> readNumber(const fs::path &path) {
  return number(readText(path));
}

/// "\040" of mountinfo is a blank.
std::string unescape(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 3, code, 8).ptr ==
            &text[i + 1] + 3) {
      result += static_cast<char>(code);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// A hierarchy of groups as it is mounted.
struct Mount {
  bool unified = false;    // version 2
  std::string controllers; // of version 1, between commas
  std::string group;       // what stands at `folder`
  fs::path folder;
};

bool has(std::string_view list, std::string_view word) {
  std::vector<std::string_view> words = split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<Mount> readMounts(const fs::path &root) {
  std::vector<Mount> mounts;
  std::string text = readText(root / "proc/self/mountinfo");
  for (std::string_view line : split(text, '\n')) {
    // 36 35 98:0 /group /folder options [optional...] - type source options
    size_t dash = line.find(" - ");
    if (dash == std::string_view::npos)
      continue;
    std::vector<std::string_view> front = split(line.substr(0, dash), ' ');
    std::vector<std::string_view> back = split(line.substr(dash + 3), ' ');
    if (front.size() < 6 || back.size() < 3 ||
        (back[0] != "cgroup" && back[0] != "cgroup2"))
      continue;
    fs::path folder = unescape(front[4]);
    mounts.push_back({back[0] == "cgroup2", std::string(back[2]),
                      unescape(front[3]), root / folder.relative_path()});
  }
  if (!mounts.empty())
    return mounts;
  // No /proc, or one that hides this.
  fs::path usual = root / "sys/fs/cgroup";
  return {{true, "", "/", usual},
          {false, "memory", "/", usual / "memory"},
          {false, "cpu", "/", usual / "cpu"},
          {false, "cpu,cpuacct", "/", usual / "cpu,cpuacct"}};
}

void lower(auto &limit, auto value) {
  if (!limit || value < *limit)
    limit = value;
}

/// What is used and no cache of files, by the names that it has.
int64_t usedMemory(const fs::path &folder, const char *used,
                   std::string_view prefix) {
  int64_t bytes = readNumber(folder / used).value_or(0);
  std::string stat = readText(folder / "memory.stat");
  for (std::string_view line : split(stat, '\n'))
    for (std::string_view kind : {"inactive_file ", "active_file "}) {
      std::string name = std::string(prefix) + std::string(kind);
      if (line.starts_with(name))
        bytes -= number(line.substr(name.size())).value_or(0);
    }
  return std::max<int64_t>(bytes, 0);
}

void readMemory(const Mount &mount, const fs::path &folder, bool own,
                GroupLimits &limits) {
  std::optional<int64_t> limit;
  auto take = [&](const char *file) {
    std::optional<int64_t> found = readNumber(folder / file);
    if (found && *found >= 0 && *found < kNoLimit)
      lower(limit, *found);
  };
  if (mount.unified) {
    take("memory.max");
    take("memory.high"); // beyond it the group is slowed down to a stop
  } else if (own || readNumber(folder / "memory.use_hierarchy") != 0) {
    take("memory.limit_in_bytes");
  }
  if (!limit)
    return;
  int64_t used = mount.unified
                     ? usedMemory(folder, "memory.current", "")
                     : usedMemory(folder, "memory.usage_in_bytes", "total_");
  lower(limits.memoryLeft, std::max<int64_t>(*limit - used, 0));
}

void readCpu(const Mount &mount, const fs::path &folder, GroupLimits &limits) {
  std::optional<int64_t> quota, period;
  if (mount.unified) {
    std::string text = readText(folder / "cpu.max");
    quota = number(text); // nothing of "max 100000"
    size_t blank = text.find(' ');
    if (blank != std::string::npos)
      period = number(std::string_view(text).substr(blank + 1));
  } else {
    quota = readNumber(folder / "cpu.cfs_quota_us"); // -1: none
    period = readNumber(folder / "cpu.cfs_period_us");
  }
  if (quota && period && *quota > 0 && *period > 0)
    lower(limits.cpus,
          static_cast<double>(*quota) / static_cast<double>(*period));
}

/// Takes the limits of `group`, and of those around it, as far as `mount` shows
/// them.
void readGroup(const Mount &mount, std::string_view group, bool memory,
               bool cpu, GroupLimits &limits) {
  // A group outside of what is mounted, as a container without a namespace of
  // its own sees it, stands where the mount is.
  std::string_view base = mount.group;
  if (base == "/")
    base = {};
  fs::path below;
  if (group.starts_with(base) && group.find("/..") == std::string_view::npos)
    below = fs::path(group.substr(base.size())).relative_path();
  std::error_code ignored;
  if (!fs::is_directory(mount.folder / below, ignored))
    below.clear();
  for (bool own = true;; own = false) {
    fs::path folder = mount.folder / below;
    if (memory)
      readMemory(mount, folder, own, limits);
    if (cpu)
      readCpu(mount, folder, limits);
    if (below.empty())
      return;
    below = below.parent_path();
  }
}

} // namespace

GroupLimits readGroupLimits(const fs::path &root) {
  GroupLimits limits;
  std::string text = readText(root / "proc/self/cgroup");
  // Without a word of the system: where the mount is.
  if (text.empty())
    text = "1:memory:/\n2:cpu:/\n0::/\n";
  std::vector<Mount> mounts = readMounts(root);
  for (std::string_view line : split(text, '\n')) {
    size_t first = line.find(':');
    size_t second =
        first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos)
      continue;
    std::string_view controllers = line.substr(first + 1, second - first - 1);
    std::string_view group = line.substr(second + 1);
    bool unified = controllers.empty();
    bool memory = unified || has(controllers, "memory");
    bool cpu = unified || has(controllers, "cpu");
    for (const Mount &mount : mounts)
      if (unified ? mount.unified
                  : !mount.unified &&
                        ((memory && has(mount.controllers, "memory")) ||
                         (cpu && has(mount.controllers, "cpu"))))
        readGroup(mount, group, memory, cpu, limits);
  }
  return limits;
}

int threadsFor(double cpus) {
  constexpr double most = 1 << 20;
  return std::max(1, static_cast<int>(std::floor(std::min(cpus, most))));
}

} // namespace marimba::rt
