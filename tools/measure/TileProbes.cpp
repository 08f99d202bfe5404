//===- TileProbes.cpp - The rate of AMX's tiles ---------------------------===//
//
// Part of Marimba. By intrinsics that name their tiles, so that nothing but the
// instruction is in the loop.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/TileProbes.h"

#ifdef __x86_64__
#include <immintrin.h>
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
/// line of the closure, until others are loaded.
#define MARIMBA_TILE_PROBE(NAME, FEATURES, LOOP, MULTIPLY)                     \
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
      LOOP(MULTIPLY)                                                           \
    }                                                                          \
    _tile_release();                                                           \
  }

#define MARIMBA_IN_TILES(MULTIPLY)                                             \
  for (int64_t i = 0; i < closure.iterations; ++i) {                           \
    MULTIPLY(0, 4, 6);                                                         \
    MULTIPLY(1, 4, 7);                                                         \
    MULTIPLY(2, 5, 6);                                                         \
    MULTIPLY(3, 5, 7);                                                         \
  }

// Two tiles of each factor, in the order in which products need them.
#define MARIMBA_FROM_CACHE(MULTIPLY)                                           \
  const char *first = closure.memory + thread * closure.share;                 \
  const char *end = first + closure.share, *at = first;                        \
  for (int64_t i = 0; i < closure.iterations; ++i) {                           \
    _tile_loadd(4, at, 64);                                                    \
    _tile_loadd(6, at + 2048, 64);                                             \
    MULTIPLY(0, 4, 6);                                                         \
    _tile_loadd(7, at + 3072, 64);                                             \
    MULTIPLY(1, 4, 7);                                                         \
    _tile_loadd(5, at + 1024, 64);                                             \
    MULTIPLY(2, 5, 6);                                                         \
    MULTIPLY(3, 5, 7);                                                         \
    at += kTileStepBytes;                                                      \
    if (at == end)                                                             \
      at = first;                                                              \
  }

#define MARIMBA_OF_BF16 "amx-tile,amx-bf16"
#define MARIMBA_OF_INT8 "amx-tile,amx-int8"
MARIMBA_TILE_PROBE(multiplyBF16, MARIMBA_OF_BF16, MARIMBA_IN_TILES,
                   _tile_dpbf16ps)
MARIMBA_TILE_PROBE(multiplyInt8, MARIMBA_OF_INT8, MARIMBA_IN_TILES,
                   _tile_dpbssd)
MARIMBA_TILE_PROBE(multiplyCachedBF16, MARIMBA_OF_BF16, MARIMBA_FROM_CACHE,
                   _tile_dpbf16ps)
MARIMBA_TILE_PROBE(multiplyCachedInt8, MARIMBA_OF_INT8, MARIMBA_FROM_CACHE,
                   _tile_dpbssd)
#undef MARIMBA_TILE_PROBE
#undef MARIMBA_IN_TILES
#undef MARIMBA_FROM_CACHE
#undef MARIMBA_OF_BF16
#undef MARIMBA_OF_INT8

Probe probeOf(MarimbaLoopBody body, double depth) {
  Probe probe;
  probe.body = body;
  probe.workPerIteration = 2 * kRows * kColumns * depth * kSums;
  return probe;
}

} // namespace

Probe marimba::bf16TileProbe(TileOperands operands) {
  return probeOf(operands == TileOperands::InTiles ? multiplyBF16
                                                   : multiplyCachedBF16,
                 32);
}
Probe marimba::int8TileProbe(TileOperands operands) {
  return probeOf(operands == TileOperands::InTiles ? multiplyInt8
                                                   : multiplyCachedInt8,
                 64);
}

#else

Probe marimba::bf16TileProbe(TileOperands) { return {}; }
Probe marimba::int8TileProbe(TileOperands) { return {}; }

#endif
