//===- LayerFinder.h - Which layer overflows --------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_LAYERFINDER_H
#define MARIMBA_TOOLS_LIBMARIMBA_LAYERFINDER_H

#include "tools/libmarimba/LoadedModel.h"

namespace marimba {

/// Compiles and loads the model in `modelDir` again, so that it says what
/// stands between its layers, and reads `ids` with it. Returns which layer is
/// the first whose output is not finite; empty where that does not come out,
/// or where there is no memory for the model a second time.
std::string findBadLayer(const std::string &modelDir,
                         const LoadOptions &options,
                         llvm::ArrayRef<int32_t> ids);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_LAYERFINDER_H
