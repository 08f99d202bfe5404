//===- Room.h - Whether sequences fit into memory ---------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ROOM_H
#define MARIMBA_RUNTIME_ROOM_H

#include "marimba/AvailableMemory.h"
#include "marimba/ReadyModel.h"

#include <cstdint>
#include <string>

namespace marimba::rt {

/// Whether `sequences` of `tokens` tokens each, of `bytes` each, can fit beside
/// what is there. False and `error`, with the model's name and the numbers,
/// where not.
bool checkRoom(const std::string &name, SequenceBytes bytes, int64_t tokens,
               int64_t sequences, std::string &error);
inline bool checkRoom(const ReadyModel &model, int64_t tokens,
                      int64_t sequences, std::string &error) {
  return checkRoom(model.name(), model.sequenceBytes(), tokens, sequences,
                   error);
}

/// "12.5 MiB"
std::string mebibytes(int64_t bytes);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ROOM_H
