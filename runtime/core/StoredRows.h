//===- StoredRows.h - Tensors that files hold in another form ---*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_STOREDROWS_H
#define MARIMBA_RUNTIME_CORE_STOREDROWS_H

#include "marimba/Weights.h"

namespace marimba::rt {

/// Whether the bytes in the file are the tensor as it stands.
inline bool isPlain(const WeightSource &source) {
  return source.stored.isPlain() && source.interleavedHeads == 0;
}

/// Bytes of the tensor in its file; nothing where its shape has none: too
/// large, rows of broken blocks, heads that cannot be of pairs, none of a part
/// of a matrix with so many channels.
std::optional<uint64_t> storedBytes(const WeightSource &source);

/// How many rows of the tensor can be copied without each other; 1 where it is
/// one piece, 0 where it is empty.
int64_t rowsToCopy(const WeightSource &source);

/// Writes the rows [first, end) of rowsToCopy(), of the tensor of `source`,
/// stored at `from`, to their places in the whole tensor at `to`: of its dtype,
/// row-major, rows in the order of pairs apart; a part of a quantised matrix in
/// the order of formats::Layout, where `to` must be zeroed, and 64 rows from a
/// multiple of 64 on share bytes with no others. `other` is the tensor that it
/// is made with, or null.
void copyRows(const WeightSource &source, const char *from, const char *other,
              char *to, int64_t first, int64_t end);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_STOREDROWS_H
