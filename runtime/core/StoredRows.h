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

/// Writes the tensor of `source`, stored at `from`, to `to`: of its dtype,
/// row-major, rows in the order of pairs apart; a part of a quantised matrix in
/// the order of formats::Layout, where `to` must be zeroed.
/// `other` is the tensor that it is made with, or null.
void copyRows(const WeightSource &source, const char *from, const char *other,
              char *to);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_STOREDROWS_H
