//===- AvailableMemory.h - What the system has left -------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_AVAILABLEMEMORY_H
#define MARIMBA_RUNTIME_AVAILABLEMEMORY_H

#include <cstdint>
#include <optional>

namespace marimba::rt {

/// Bytes that processes here can still take, by the kernel's estimate and the
/// limits of the control groups; nothing where the system does not tell.
std::optional<int64_t> availableMemory();

/// The bytes behind `name` in lines such as "VmRSS:  123 kB" of a file of
/// /proc; nothing where there is no such line.
std::optional<int64_t> readKibibytes(const char *file, const char *name);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_AVAILABLEMEMORY_H
