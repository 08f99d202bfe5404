//===- SimpleLoops.h - Limits of the machine by hand ------------*- C++ -*-===//
//
// Part of Marimba. Loops in C++ that do what the probes of the limits do
// (tools/measure/Limits.h), written without the compiler that they check.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_BENCH_SIMPLELOOPS_H
#define MARIMBA_BENCH_SIMPLELOOPS_H

#include <cstdint>
#include <string>
#include <vector>

namespace marimba::bench {

struct SimpleLoop {
  std::string name;
  double work; // operations of one iteration; bytes of one cache line
  /// Loops of arithmetic run `iterations` times; those that read or change
  /// memory, once over `iterations` cache lines of it.
  void (*run)(int64_t iterations, char *memory);
};

/// Some ways to do each. Which one is the fastest depends on the processor.
std::vector<SimpleLoop> fmaLoops();
std::vector<SimpleLoop> bf16Loops(); // none without such an instruction
std::vector<SimpleLoop> int8Loops();
std::vector<SimpleLoop> expLoops();
std::vector<SimpleLoop> readLoops();
/// f32 in `memory`, multiplied by a number in place.
std::vector<SimpleLoop> updateLoops();

} // namespace marimba::bench

#endif // MARIMBA_BENCH_SIMPLELOOPS_H
