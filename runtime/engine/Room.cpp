//===- Room.cpp - Whether sequences fit into memory -----------------------===//

#include "marimba/Room.h"

#include "Text.h"

#include <algorithm>

namespace marimba::rt {

std::string mebibytes(int64_t bytes) {
  return text::fixed(static_cast<double>(bytes) / (1 << 20), 1) + " MiB";
}

bool checkRoom(const std::string &name, SequenceBytes bytes, int64_t tokens,
               int64_t sequences, std::string &error) {
  std::optional<int64_t> available = availableMemory();
  auto product = [](int64_t a, int64_t b) {
    int64_t result = 0;
    return __builtin_mul_overflow(a, b, &result) ? INT64_MAX / 4 : result;
  };
  int64_t keys = product(product(bytes.perToken, tokens), sequences);
  int64_t states = product(bytes.fixed, sequences);
  if (!available || keys + states <= *available)
    return true;
  error = name + ": " + text::grouped(tokens) + " tokens";
  if (sequences > 1)
    error += " in each of " + std::to_string(sequences) + " sequences";
  error += " take " + mebibytes(keys) + " of keys and values and " +
           mebibytes(states) + " of states; " + mebibytes(*available) +
           " of memory are available";
  return false;
}

} // namespace marimba::rt
