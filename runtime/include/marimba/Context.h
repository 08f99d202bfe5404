//===- Context.h - What one call into generated code needs ------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CONTEXT_H
#define MARIMBA_RUNTIME_CONTEXT_H

#include "marimba/PrimitiveCache.h"
#include "marimba/abi.h"

#include <memory>
#include <string>

namespace marimba::rt {

/// Owns a MarimbaContext and its scratch arena. One call at a time.
///
/// The arena is a reservation of address space, by far larger than what is
/// used; pages become memory when they are first touched and stay until trim().
class Context {
public:
  static constexpr int64_t kDefaultArenaBytes = int64_t(1) << 40;
  static constexpr int64_t kSmallestArenaBytes = int64_t(1) << 30;

  /// A context for a team of `threads`. Reserves `arenaBytes`, halved down to
  /// kSmallestArenaBytes where the system refuses (a request below that is
  /// tried as it is). Null and `error` where even that fails.
  static std::unique_ptr<Context>
  create(int threads, std::shared_ptr<PrimitiveCache> library,
         std::string &error, int64_t arenaBytes = kDefaultArenaBytes);
  ~Context();
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;

  MarimbaContext *get() { return &context; }
  /// Before a call: status OK, no message, empty arena.
  void clear();
  /// Calls compiled code; the status. Where memory ends in the middle of it, it
  /// is left there, with MARIMBA_ERROR_ARENA: what it was to write is then
  /// unspecified.
  int32_t run(MarimbaEntry entry, const MarimbaCall &call);
  bool ok() const { return context.status == MARIMBA_OK; }
  /// What went wrong in the last call; empty where nothing did.
  std::string message() const { return context.message; }
  /// The most bytes of the arena that were in use at once, since trim().
  int64_t peak() const { return context.arenaPeak; }
  /// Gives pages of the arena above `keep` bytes back to the system. What
  /// stood there is lost: for use between calls.
  void trim(int64_t keep = 0);

private:
  Context() = default;
  MarimbaContext context = {};
  std::shared_ptr<PrimitiveCache> library;
};

/// Sets status and message of `context` unless an earlier error stands there.
/// May be called from the threads of a team.
void setError(MarimbaContext *context, MarimbaStatus status,
              const std::string &message);

/// Scratch memory of a call, as marimba_arena_alloc() gives it to compiled
/// code; null, with the status set, where the machine has none.
void *allocateScratch(MarimbaContext *context, int64_t bytes);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CONTEXT_H
