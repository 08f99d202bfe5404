//===- TileProbes.h - The rate of AMX's tiles -------------------*- C++ -*-===//
//
// Part of Marimba. Private to Limits.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_TILEPROBES_H
#define MARIMBA_TOOLS_MEASURE_TILEPROBES_H

#include "tools/measure/LimitRunner.h"

namespace marimba {

/// Whether the system lets this process use the tiles of a processor that has
/// them: Linux wants to be asked.
bool mayUseTiles();

/// Products of tiles of bf16 and of int8 (tdpbf16ps, tdpbssd), four sums in
/// flight. For processors that have the instructions, after mayUseTiles().
Probe bf16TileProbe();
Probe int8TileProbe();

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_TILEPROBES_H
