//===- ThreadTeam.h - The one team of threads -------------------*- C++ -*-===//
//
// oneDNN and generated loops share libgomp's team of the calling thread.
// libgomp keeps one team per calling thread, so TeamLock lets one caller at a
// time use the cores.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_THREADTEAM_H
#define MARIMBA_RUNTIME_THREADTEAM_H

#include <mutex>

namespace marimba::rt {

/// How many cpus this process may run on, as it stood at the first call of
/// any function here: the default of --threads. At least 1.
int allowedCpus();

/// Sets the calling thread's team to `threads` and binds each of its threads
/// to a cpu of its own, if the process has that many; else leaves them free.
/// Cheap where nothing changes. Note that the calling thread is bound too, and
/// that threads it starts later inherit that.
void bindThreads(int threads);

/// Held while a team runs: a process-wide lock (recursive).
class TeamLock {
public:
  TeamLock();

private:
  std::unique_lock<std::recursive_mutex> lock;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_THREADTEAM_H
