//===- BenchRounds.h - The calls that a benchmark measures ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_BENCHROUNDS_H
#define MARIMBA_TOOLS_MEASURE_BENCHROUNDS_H

#include "tools/libmarimba/Compiler.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstdint>
#include <string>

namespace marimba {
namespace rt {
class Session;
} // namespace rt

struct BenchRounds {
  int64_t prefill = 512, decode = 64;
  unsigned repeats = 5;
};

enum class BenchPhase { Prefill, Decode };

/// Hears of a phase that has ended: its seconds, and how many tokens it took.
/// `counts` is false in the first round, which packs weights and touches
/// memory.
using PhaseFn = llvm::function_ref<void(BenchPhase phase, bool counts,
                                        double seconds, int64_t tokens)>;

/// Runs `rounds`, each from an empty state: all tokens of the prompt in one
/// call, then the others one by one. `keepGoing` is asked between calls: false
/// ends it with `error` empty.
bool runRounds(rt::Session &session, const BenchRounds &rounds,
               int64_t vocabulary, PhaseFn phase, std::string &error,
               ProgressFn progress, llvm::function_ref<bool()> keepGoing);

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_BENCHROUNDS_H
