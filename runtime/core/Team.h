//===- Team.h - What a thread team has to offer -----------------*- C++ -*-===//
//
// The narrow place: GompTeam.cpp implements it. A team of std::threads for
// ThreadSanitizer builds would be another implementation of the same five.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CORE_TEAM_H
#define MARIMBA_RUNTIME_CORE_TEAM_H

namespace marimba::rt::team {

/// Runs `function(data)` on `threads` threads, the caller being number 0.
void run(int threads, void (*function)(void *), void *data);
/// Number of the calling thread in its team, and the team's size.
int threadNumber();
int teamSize();
/// Whether the caller runs inside run().
bool inside();
/// Size of the team that oneDNN makes when called from this thread.
void setDefaultSize(int threads);
int defaultSize();

} // namespace marimba::rt::team

#endif // MARIMBA_RUNTIME_CORE_TEAM_H
