//===- SessionImpl.h - What a session knows of a call -----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_SESSIONIMPL_H
#define MARIMBA_RUNTIME_CORE_SESSIONIMPL_H

#include "marimba/Session.h"

namespace marimba::rt {

/// One forward() call.
struct Session::Request {
  int32_t firstSlot;
  std::span<const std::vector<int32_t>> rows;
  LogitsWanted wanted;
  std::vector<float> &logits;
  std::vector<float> *hidden;
  std::vector<int64_t> offsets = {}; // of each row among all tokens
  int64_t tokens = 0;                // sum of lengths
  int64_t longest = 0;

  int32_t batch() const { return static_cast<int32_t>(rows.size()); }
};

/// The tokens [begin, begin + size) of every row of a request.
struct Session::Piece {
  int64_t begin, size;
  int64_t positions = 0; // logits per row, P
  std::vector<int64_t> valid;
  std::vector<MarimbaTensor> args;
  float *logits = nullptr; // [B, P, V]
  float *hidden = nullptr; // [L, B, T, H]
  int64_t layers = 0, width = 0;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_SESSIONIMPL_H
