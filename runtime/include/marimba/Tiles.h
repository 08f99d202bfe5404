//===- Tiles.h - Asking for the tiles of AMX --------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TILES_H
#define MARIMBA_RUNTIME_TILES_H

#include <string>

namespace marimba::rt {

/// Asks the system to let this process, with all of its threads, use AMX's
/// tiles; it wants to be asked before the first instruction. False and `error`
/// where it refuses or does not know them. May be called more than once.
bool mayUseTiles(std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_TILES_H
