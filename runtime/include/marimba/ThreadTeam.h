//===- ThreadTeam.h - The one team of threads -------------------*- C++ -*-===//
//
// oneDNN and generated loops share libgomp's team. libgomp keeps one team per
// calling thread, and idle ones spin for a while: two of them on the same cores
// are ten times slower than one. So all work goes to one thread's team.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_THREADTEAM_H
#define MARIMBA_RUNTIME_THREADTEAM_H

#include <memory>
#include <string>
#include <type_traits>

namespace marimba::rt {

/// How many cpus this process may run on, as it stood at the first call of
/// any function here, and no more than whole cpus of the time that its control
/// groups get (GroupLimits.h): the default of --threads. At least 1.
int allowedCpus();

/// Whether the system gives a team of `threads`: false, and `error`, where not.
/// libgomp would end the process then. Asked once for each size.
bool canStartTeam(int threads, std::string &error);

/// Sets the calling thread's team to `threads` and binds each of its threads
/// to a cpu of its own, if the process has that many; else leaves them free.
/// Cheap where nothing changes. Note that the calling thread is bound too, and
/// that threads it starts later inherit that.
void bindThreads(int threads);

/// Runs `work(data)` on a team of `threads`, bound as by bindThreads(), and
/// returns when it has ended; an exception of it comes back to the caller. A
/// team of one is the calling thread, and any number of those run at once.
/// Larger ones take turns, in the order in which they were asked for: on the
/// calling thread as long as no other thread ever asked, which is cheapest;
/// then on a thread of this library's own, and callers are not bound any more.
/// From inside `work` it runs at once.
void onTeam(int threads, void (*work)(void *), void *data);

/// Whether a thread waits for its turn. Who has many parts of work has them all
/// in one turn, which is cheaper than one of each, until somebody waits.
bool isTeamWanted();

/// Says that several threads are going to ask: none of their own then ever gets
/// a team. libgomp's threads sleep instead of spinning once there are more of
/// them, idle ones too, than cpus. To be called before the first onTeam().
void shareTeams();

/// The same for whatever can be called without arguments.
template <typename Work> void onTeam(int threads, Work &&work) {
  using Callable = std::remove_reference_t<Work>;
  onTeam(
      threads, [](void *data) { (*static_cast<Callable *>(data))(); },
      std::addressof(work));
}

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_THREADTEAM_H
