//===- Metrics.h - What happened so far -------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_METRICS_H
#define MARIMBA_TOOLS_SERVER_METRICS_H

#include "marimba/ServingLoop.h"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace marimba::server {

/// Numbers of times, sorted into those up to some bounds.
class Histogram {
public:
  void add(double seconds);
  /// Lines of Prometheus' text form.
  void write(std::string_view name, std::string &text) const;

private:
  static constexpr std::array<double, 12> kBounds = {
      0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600};
  std::array<uint64_t, kBounds.size() + 1> counts = {};
  double sum = 0;
};

/// Counts calls and times; for any number of threads.
class Metrics {
public:
  /// `endpoint` is one of few.
  void countCall(std::string_view endpoint, int status);
  /// Seconds until the first token of an answer, and between the next ones.
  void addFirstToken(double seconds);
  void addAnswer(double seconds);

  /// All of it in Prometheus' text form, version 0.0.4.
  std::string text(const rt::ServingCounters &loop) const;

  /// How many connections there are. To be set before calls come.
  std::function<size_t()> connections = [] { return size_t(0); };

private:
  mutable std::mutex mutex;
  std::map<std::pair<std::string, int>, uint64_t, std::less<>> calls;
  Histogram firstToken, answer;
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_METRICS_H
