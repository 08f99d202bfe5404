//===- TileProbes.cpp - The rate of AMX's tiles ---------------------------===//
//
// Part of Marimba. By intrinsics that name their tiles, so that nothing but the
// instruction is in the loop.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/TileProbes.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace marimba;

#ifdef __x86_64__

namespace {

/// What LDTILECFG reads.
struct alignas(64) TileConfig {
  uint8_t palette = 1, startRow = 0, reserved[14] = {};
  uint16_t bytesPerRow[16] = {};
  uint8_t rows[16] = {};

  TileConfig() {
    for (int tile = 0; tile < 8; ++tile) {
      bytesPerRow[tile] = 64;
      rows[tile] = 16;
    }
  }
};
static_assert(sizeof(TileConfig) == 64);

constexpr double kRows = 16, kColumns = 16; // of a sum
constexpr double kSums = 4;

/// The part of every probe around its loop. Each row of an operand is the one
/// line of the closure.
#define MARIMBA_TILE_PROBE(NAME, FEATURES, MULTIPLY)                           \
  __attribute__((target(FEATURES))) void NAME(void *data, int64_t begin,       \
                                              int64_t end) {                   \
    const auto &closure = *static_cast<const ProbeClosure *>(data);            \
    const TileConfig config;                                                   \
    _tile_loadconfig(&config);                                                 \
    for (int64_t thread = begin; thread < end; ++thread) {                     \
      _tile_zero(0);                                                           \
      _tile_zero(1);                                                           \
      _tile_zero(2);                                                           \
      _tile_zero(3);                                                           \
      _tile_loadd(4, closure.data, 0);                                         \
      _tile_loadd(5, closure.data, 0);                                         \
      _tile_loadd(6, closure.data, 0);                                         \
      _tile_loadd(7, closure.data, 0);                                         \
      for (int64_t i = 0; i < closure.iterations; ++i) {                       \
        MULTIPLY(0, 4, 6);                                                     \
        MULTIPLY(1, 4, 7);                                                     \
        MULTIPLY(2, 5, 6);                                                     \
        MULTIPLY(3, 5, 7);                                                     \
      }                                                                        \
    }                                                                          \
    _tile_release();                                                           \
  }

MARIMBA_TILE_PROBE(multiplyBF16, "amx-tile,amx-bf16", _tile_dpbf16ps)
MARIMBA_TILE_PROBE(multiplyInt8, "amx-tile,amx-int8", _tile_dpbssd)
#undef MARIMBA_TILE_PROBE

Probe probeOf(MarimbaLoopBody body, double depth) {
  Probe probe;
  probe.body = body;
  probe.workPerIteration = 2 * kRows * kColumns * depth * kSums;
  return probe;
}

} // namespace

bool marimba::mayUseTiles() {
  constexpr long requestPermission = 0x1023; // ARCH_REQ_XCOMP_PERM
  constexpr long tileData = 18;
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

Probe marimba::bf16TileProbe() { return probeOf(multiplyBF16, 32); }
Probe marimba::int8TileProbe() { return probeOf(multiplyInt8, 64); }

#else

bool marimba::mayUseTiles() { return false; }
Probe marimba::bf16TileProbe() { return {}; }
Probe marimba::int8TileProbe() { return {}; }

#endif
