//===- Team.h - What a thread team has to offer -----------------*- C++ -*-===//
//
// The narrow place: GompTeam.cpp implements it, and StdTeam.cpp for builds with
// ThreadSanitizer. CMake's MARIMBA_TEAM says which is built.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CORE_TEAM_H
#define MARIMBA_RUNTIME_CORE_TEAM_H

namespace marimba::rt::team {

/// Runs `function(data)` on `threads` threads, the caller being number 0, or on
/// as many as the system gives; returns when all are done. Inside of a region
/// `threads` is 1.
void run(int threads, void (*function)(void *), void *data);
/// Number of the calling thread in its team, and the team's size.
int threadNumber();
int teamSize();
/// Whether the caller runs inside run() with more than one thread.
bool inside();
/// Size of the team that a region, or oneDNN, has by default when called from
/// this thread. With StdTeam oneDNN has none.
void setDefaultSize(int threads);
int defaultSize();

/// Counts a region of `threads` (parallelRegions), as run() does; that of one
/// thread is none. For calls of oneDNN, which has its own way to the team.
void countRegion(int threads);

} // namespace marimba::rt::team

#endif // MARIMBA_RUNTIME_CORE_TEAM_H
