//===- PackedBlocks.h - Weights in blocks of 64 channels --------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_PACKEDBLOCKS_H
#define MARIMBA_RUNTIME_CORE_PACKEDBLOCKS_H

#include "Conversion.h"

namespace marimba::rt {

/// Writes the weight `from`, [N, K] dense as it is stored, aligned or not, as
/// [N / 64, words, 64] to `to`: a word has one f32 or two bf16 inputs of a
/// channel, words are padded to a multiple of 16 and channels to one of 64, all
/// with zeros. `type` is f32 or bf16, from.type one of f32, bf16 and f16. By a
/// team of `threads`. Generated matmuls read it (`rt.packed_weights`); it is
/// oneDNN's BA16a64b and BA16a64b2a.
void packBlocks(const Rows &from, int32_t type, void *to, int threads);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_PACKEDBLOCKS_H
