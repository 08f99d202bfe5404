//===- TeamQueue.h - Whose turn it is ---------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_TEAMQUEUE_H
#define MARIMBA_RUNTIME_CORE_TEAMQUEUE_H

#include <sched.h>

namespace marimba::rt {

/// Lets the calling thread run on all cpus of the process, where bindThreads()
/// bound it, or bound the thread that started it.
void unbindThread();

/// While this lives the calling thread runs only where the first thread of a
/// bound team of `threads` does. That one sleeps when its work ends; on every
/// other cpu a thread that wakes waits until the scheduler interrupts the
/// team's spinning, a millisecond. Nothing where such a team is not bound.
class BesideLeader {
public:
  explicit BesideLeader(int threads);
  ~BesideLeader();
  BesideLeader(const BesideLeader &) = delete;
  BesideLeader &operator=(const BesideLeader &) = delete;

private:
  cpu_set_t before;
  bool moved = false;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_TEAMQUEUE_H
