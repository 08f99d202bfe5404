//===- RepackedCodes.h - Quantised matrices of other programs ---*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_REPACKEDCODES_H
#define MARIMBA_RUNTIME_CORE_REPACKEDCODES_H

#include "marimba/Weights.h"

namespace marimba::rt {

/// Whether the file has codes, scales or zero points of a quantised matrix in
/// the order of another program.
bool isRepacked(BlockFormat format);

/// Bytes of such a tensor in its file; nothing where its shape is none of a
/// matrix with so many channels.
std::optional<uint64_t> foreignBytes(const WeightSource &source);

/// Writes the tensor of `source`, stored at `from`, in our order to `to`, which
/// is zeroed: docs/quantization.md.
void repack(const WeightSource &source, const char *from, char *to);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_REPACKEDCODES_H
