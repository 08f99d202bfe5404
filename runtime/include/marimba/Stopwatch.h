//===- Stopwatch.h - Seconds since ------------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_STOPWATCH_H
#define MARIMBA_RUNTIME_STOPWATCH_H

#include <chrono>

namespace marimba::rt {

/// Runs from its construction.
class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  /// The seconds so far; counts from zero again.
  double restart() {
    double past = seconds();
    start = Clock::now();
    return past;
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_STOPWATCH_H
