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
  std::vector<std::string> *problems;
  std::vector<int64_t> offsets = {}; // of each row among all tokens
  int64_t tokens = 0;                // sum of lengths
  std::vector<int64_t> done;         // tokens of each row that were fed

  int32_t batch() const { return static_cast<int32_t>(rows.size()); }
};

/// What one call of compiled code takes of a request: of each of some rows the
/// next tokens, as many as `valid` says, padded to `size`.
struct Session::Piece {
  int32_t first = 0;     // of the rows, in the request
  int64_t size = 0;      // T, the most tokens of a row
  int64_t positions = 0; // logits per row, P
  std::vector<int64_t> valid;
  std::vector<MarimbaTensor> args;
  float *logits = nullptr; // [B, P, V]
  float *hidden = nullptr; // [L, B, T, H]
  int64_t layers = 0, width = 0;

  int32_t batch() const { return static_cast<int32_t>(valid.size()); }
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_SESSIONIMPL_H
