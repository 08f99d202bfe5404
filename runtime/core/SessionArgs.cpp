//===- SessionArgs.cpp - Binding the arguments of an entry ----------------===//

#include "SessionImpl.h"
#include "StatePool.h"

#include <algorithm>
#include <cstring>

namespace marimba::rt {

char *Session::scratch(size_t index, int64_t bytes, std::string &error) {
  if (buffers.size() <= index)
    buffers.resize(index + 1);
  if (!buffers[index].data() || buffers[index].size() < bytes) {
    buffers[index] = AlignedBuffer();
    std::optional<AlignedBuffer> made = AlignedBuffer::zeroed(bytes);
    if (!made) {
      error = "no memory for an argument of " + std::to_string(bytes) +
              " bytes; use smaller chunks or ask for fewer logits";
      return nullptr;
    }
    buffers[index] = std::move(*made);
  }
  return buffers[index].data();
}

bool Session::bindArgs(const EntrySpec &entry, const Request &request,
                       Piece &piece, std::string &error) {
  // An entry whose P is static gives that many, wanted or not.
  int64_t fixed = entry.find(ArgKind::Input, "positions")->shape[1];
  if (fixed > 0 && piece.positions == 0)
    piece.positions = fixed;
  int64_t batch = piece.batch();
  int32_t firstSlot = request.firstSlot + piece.first;
  for (size_t i = 0; i < entry.args.size(); ++i) {
    const ArgSpec &arg = entry.args[i];
    if (arg.kind == ArgKind::State) {
      piece.args.push_back(pool->view(static_cast<size_t>(pool->find(arg.name)),
                                      firstSlot, piece.batch()));
      continue;
    }
    std::vector<int64_t> shape;
    if (arg.name == "ids")
      shape = {batch, piece.size};
    else if (arg.name == "past" || arg.name == "valid")
      shape = {batch};
    else if (arg.name == "positions")
      shape = {batch, piece.positions};
    else if (arg.name == "logits")
      shape = {batch, piece.positions, arg.shape[2]};
    else
      shape = {arg.shape[0], batch, piece.size, arg.shape[3]};
    for (size_t d = 0; d < shape.size(); ++d)
      if (arg.shape[d] >= 0 && arg.shape[d] != shape[d]) {
        error = "argument '" + arg.name + "' of the compiled code is " +
                shapeText(arg.shape) + ", this call needs " + shapeText(shape);
        return false;
      }
    std::optional<int64_t> count = elementCount(shape);
    int64_t bytes = 0;
    if (!count || __builtin_mul_overflow(*count, int64_t(4), &bytes)) {
      error = "argument '" + arg.name + "' would be " + shapeText(shape);
      return false;
    }
    char *data = scratch(i, bytes, error);
    if (!data)
      return false;
    piece.args.push_back(makeTensor(data, arg.dtype, shape));
    if (arg.name == "logits") {
      piece.logits = reinterpret_cast<float *>(data);
      continue;
    }
    if (arg.name == "hidden") {
      piece.hidden = reinterpret_cast<float *>(data);
      piece.layers = arg.shape[0];
      piece.width = arg.shape[3];
      continue;
    }
    auto *to = reinterpret_cast<int32_t *>(data);
    std::memset(data, 0, static_cast<size_t>(bytes));
    for (int32_t row = 0; row < piece.batch(); ++row) {
      auto r = static_cast<size_t>(piece.first + row);
      int64_t valid = piece.valid[static_cast<size_t>(row)];
      if (arg.name == "ids")
        std::copy_n(request.rows[r].begin() + request.done[r], valid,
                    to + row * piece.size);
      else if (arg.name == "past")
        to[row] = static_cast<int32_t>(length(firstSlot + row));
      else if (arg.name == "valid")
        to[row] = static_cast<int32_t>(valid);
      else
        for (int64_t p = 0; p < piece.positions; ++p)
          to[row * piece.positions + p] = static_cast<int32_t>(
              request.wanted == LogitsWanted::All ? p : valid - 1);
    }
  }
  return true;
}

} // namespace marimba::rt
