//===- ParallelRegions.h - Counts forks and joins ---------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_PARALLELREGIONS_H
#define MARIMBA_RUNTIME_PARALLELREGIONS_H

#include <cstdint>

namespace marimba::rt {

/// How many parallel regions this process has begun: loops of compiled code and
/// calls of oneDNN that more than one thread shares, each with a fork and a
/// join.
int64_t parallelRegions();

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_PARALLELREGIONS_H
