//===- LimitRunner.h - Runs the probes of the limits ------------*- C++ -*-===//
//
// Part of Marimba. Private to Limits.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_LIMITRUNNER_H
#define MARIMBA_TOOLS_MEASURE_LIMITRUNNER_H

#include "tools/libmarimba/JitCode.h"
#include "tools/measure/Limits.h"

#include "marimba/Context.h"
#include "marimba/Tensor.h"
#include "marimba/abi.h"
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace marimba {

inline constexpr int64_t kCacheLine = 64;

/// What a probe is given. The offsets stand in kFrame, too (LimitsText.h).
struct alignas(kCacheLine) ProbeClosure {
  char data[64] = {};     // the operand of every multiplication
  int64_t iterations = 0; // of the innermost loop
  char *sinks = nullptr;  // 64 bytes for each thread
  char *memory = nullptr; // what is read
  int64_t share = 0;      // bytes of `memory` from one thread to the next
  float step = 0;         // added to x: zero, but the compiler cannot know
};

/// One probe in machine code.
struct Probe {
  CodePtr code;
  MarimbaLoopBody body = nullptr;
  double workPerIteration = 0; // of one thread: operations or bytes
  unsigned streams = 0;        // of those that read memory

  explicit operator bool() const { return body != nullptr; }
};

/// Memory in huge pages where the system has them, to be read.
class ReadBuffer {
public:
  ReadBuffer() = default;
  ReadBuffer(const ReadBuffer &) = delete;
  ReadBuffer &operator=(const ReadBuffer &) = delete;
  ~ReadBuffer();
  bool allocate(int64_t bytes);
  char *data() const { return memory; }
  int64_t bytes() const { return size; }

private:
  char *memory = nullptr;
  int64_t size = 0;
};

/// A team of one size and what its probes work on.
class LimitRunner {
public:
  static std::unique_ptr<LimitRunner> create(unsigned threads,
                                             std::string &error);

  /// Seconds of one run with `iterations` on every thread.
  double time(const Probe &probe, int64_t iterations);

  /// Work per second in 10^9, measured `options.repeats` times.
  Spread measure(const Probe &probe, const ProbeOptions &options);
  Spread measure(const Probe &probe, unsigned repeats, int64_t iterations);

  /// Gives each thread `bytes` of `buffer`, which it writes first.
  void setMemory(const ReadBuffer &buffer, int64_t bytes);

  /// Reads all of `buffer`, a part of it by each thread.
  Spread measureReads(const std::vector<Probe> &probes,
                      const ReadBuffer &buffer, const ProbeOptions &options);

  template <typename T> void setOperand(T value) {
    for (size_t at = 0; at < sizeof(closure.data); at += sizeof(T))
      memcpy(closure.data + at, &value, sizeof(T));
  }
  const char *sink() const { return sinks.data(); }

private:
  LimitRunner() = default;
  unsigned threads = 1;
  std::unique_ptr<rt::Context> context;
  rt::AlignedBuffer sinks;
  ProbeClosure closure;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_LIMITRUNNER_H
