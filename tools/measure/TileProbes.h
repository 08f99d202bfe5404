//===- TileProbes.h - The rate of AMX's tiles -------------------*- C++ -*-===//
//
// Part of Marimba. Private to Limits.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_TILEPROBES_H
#define MARIMBA_TOOLS_MEASURE_TILEPROBES_H

#include "tools/measure/LimitRunner.h"

namespace marimba {

/// Where the four operands of four products are: loaded once; or, as in a
/// blocked product, loaded for each from the thread's share of the closure's
/// memory, a multiple of kTileStepBytes, over and over.
enum class TileOperands { InTiles, FromCache };

/// Bytes of four tiles.
inline constexpr int64_t kTileStepBytes = 4 * 16 * 64;

/// Products of tiles of bf16 and of int8 (tdpbf16ps, tdpbssd), four sums in
/// flight. For processors that have the instructions, after
/// rt::mayUseTiles().
Probe bf16TileProbe(TileOperands operands);
Probe int8TileProbe(TileOperands operands);

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_TILEPROBES_H
