//===- Packing.h - Packing weights when a model is loaded -------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_PACKING_H
#define MARIMBA_RUNTIME_CORE_PACKING_H

#include "marimba/Model.h"

namespace marimba::rt {

/// Gives `library` a packed copy of every weight that `description` says is
/// packed: mapped from the cache file that an earlier run wrote, or packed now
/// by the calling thread's team, into a new cache file or into memory. What of
/// a file of the model is not needed any more is given back. False and `error`
/// where oneDNN or memory fails, or `options` says to stop.
bool packWeights(const Description &description, const Weights &weights,
                 PrimitiveCache::Impl &library, int threads,
                 const PackOptions &options, PackReport &report,
                 std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_PACKING_H
