//===- PrimitiveCache.h - oneDNN's primitives and weights -------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_PRIMITIVECACHE_H
#define MARIMBA_RUNTIME_PRIMITIVECACHE_H

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace marimba::rt {

/// What oneDNN multiplies by its best kernels, over weights in blocks of 64
/// channels, with the instructions that this machine has and DNNL_MAX_CPU_ISA
/// leaves it. A compiler for this machine asks before it chooses (all else is
/// computed, too, but more slowly).
struct OneDNNUnits {
  bool f32 = false;
  bool bf16 = false;
  bool bytes = false; // without a sign by such with one, in i32
};
OneDNNUnits oneDNNUnits();

/// What marimba_onednn_matmul keeps: packed weights by address, and one
/// primitive per shape. Any number of contexts may share one; it locks inside.
///
/// Packed weights are found by the address of the stored ones, so a
/// PrimitiveCache must not outlive the weights it has seen and see others at
/// their place: a Model owns both.
class PrimitiveCache {
public:
  PrimitiveCache();
  ~PrimitiveCache();
  PrimitiveCache(const PrimitiveCache &) = delete;
  PrimitiveCache &operator=(const PrimitiveCache &) = delete;

  struct Stats {
    int64_t packedWeights = 0; // weights with at least one packed copy
    int64_t packedBytes = 0;   // memory of all packed copies and biases
    int64_t secondCopies = 0;  // copies beyond a weight's first layout
    int64_t primitives = 0;    // matmul primitives alive, of bytes, too
    std::vector<std::string> implementations; // distinct names, sorted
    std::map<std::string, int64_t> calls;     // matmuls of each of these
  };
  Stats stats() const;

  struct Impl;
  Impl &impl() { return *state; }

private:
  std::unique_ptr<Impl> state;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_PRIMITIVECACHE_H
