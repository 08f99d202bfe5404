//===- GroupLimits.h - What control groups leave ----------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GROUPLIMITS_H
#define MARIMBA_RUNTIME_GROUPLIMITS_H

#include <cstdint>
#include <filesystem>
#include <optional>

namespace marimba::rt {

/// What the control groups of this process, and those around them, leave to it:
/// the least of all of them. Version 1, version 2, and both at once.
struct GroupLimits {
  /// Cpus' worth of time that the process gets: 0.5 is half of one.
  std::optional<double> cpus;
  /// Bytes that it can still take: a limit, less what is used and is no cache
  /// of files, which the system takes back. Never below 0.
  std::optional<int64_t> memoryLeft;
};

/// Reads <root>/proc/self and the groups' folders below <root>; without a
/// /proc, the places where groups are usually mounted. What is not there, or
/// no number, limits nothing.
GroupLimits readGroupLimits(const std::filesystem::path &root = "/");

/// Cpus' worth of time as a number of threads: whole cpus, at least one. A
/// thread more would spin while the group is made to wait.
int threadsFor(double cpus);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_GROUPLIMITS_H
