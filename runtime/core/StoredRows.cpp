//===- StoredRows.cpp - Tensors that files hold in another form -----------===//

#include "StoredRows.h"

#include "marimba/Tensor.h"

#include <cstring>

namespace marimba::rt {

using formats::Format;
using formats::Layout;
using formats::Part;
using formats::PartKind;

namespace {

/// Rows of a tensor: all of a vector's elements where their order changes, and
/// whole rows where it is a matrix.
int64_t rowsOf(const WeightSource &source) {
  if (source.stored.part)
    return source.channels;
  return source.shape.empty() ? 1 : source.shape.front();
}

/// Where row `row` of `rows` is stored, in a file that has the two halves of
/// each of so many heads in turns; 0 heads: where it belongs.
int64_t storedRow(int64_t row, int64_t rows, int64_t heads) {
  if (heads == 0)
    return row;
  // Row p*half + j of a head is stored as its row 2j + p.
  int64_t half = rows / heads / 2;
  int64_t head = row / (2 * half), part = row / half % 2, j = row % half;
  return 2 * half * head + 2 * j + part;
}

/// Bytes of one element of the part: of a word, those of its four codes.
int64_t elementBytes(const formats::Stored &stored) {
  PartKind kind = stored.part->kind;
  if (formats::isWords(kind) || kind == PartKind::Zeros)
    return 1;
  return Layout::of(*stored.format->encoding, 1, stored.format->elements)
      .partUnit(stored.part->kind);
}

/// Words or groups of a channel; of an order, inputs.
formats::ForeignShape foreignShape(const WeightSource &source) {
  const std::vector<int64_t> &made = source.shape;
  int64_t depth = made.empty() ? 0 : made[made.size() == 1 ? 0 : 1];
  return {source.channels, depth, source.channelsEach, source.groupsEach};
}

/// Bytes of a tensor of another program; nothing where its shape is none of
/// what it is to become, or it lacks the tensor that it is made with.
std::optional<uint64_t> foreignBytes(const WeightSource &source) {
  const formats::ForeignPart &part = *source.stored.foreign;
  formats::ForeignShape shape = foreignShape(source);
  const std::vector<int64_t> &made = source.shape;
  if (int64_t(made.size()) != part.rank || shape.channels < 1 ||
      shape.depth < 1 || shape.channelsEach < 1 || shape.groupsEach < 1 ||
      !Layout::fits(shape.channels, shape.depth) ||
      dtypeSize(source.dtype) != part.elementBytes)
    return std::nullopt;
  int64_t blocks = (shape.channels + Layout::kChannels - 1) / Layout::kChannels;
  if (part.rank > 1 && (made[0] != blocks || made[2] != Layout::kChannels ||
                        (part.rank == 4 && made[3] != 4)))
    return std::nullopt;
  if (source.other ? !part.otherBytes ||
                         part.otherBytes(shape) != int64_t(source.other->bytes)
                   : part.needsOther)
    return std::nullopt;
  int64_t bytes = part.bytes(shape);
  return bytes < 0 ? std::nullopt : std::optional(uint64_t(bytes));
}

/// Bytes of a part of a quantised matrix in its file; nothing where its shape
/// is none of a matrix with so many channels.
std::optional<uint64_t> partBytes(const WeightSource &source) {
  const Format *format = source.stored.format;
  const Part *part = source.stored.part;
  bool codes = formats::isWords(part->kind);
  const std::vector<int64_t> &shape = source.shape;
  if (shape.size() != (codes ? 4 : 3) || shape[2] != Layout::kChannels ||
      (codes && shape[3] != 4) || source.channels < 1 || shape[1] < 0 ||
      shape[0] !=
          (source.channels + Layout::kChannels - 1) / Layout::kChannels ||
      dtypeSize(source.dtype) != elementBytes(source.stored))
    return std::nullopt;
  int64_t perBlock = format->perBlock(part->kind);
  if (shape[1] % perBlock != 0)
    return std::nullopt;
  std::optional<int64_t> count = elementCount(std::vector<int64_t>{
      source.channels, shape[1] / perBlock, format->bytes});
  if (!count)
    return std::nullopt;
  return static_cast<uint64_t>(*count);
}

/// As copyRows(), of a part of a quantised matrix.
void copyPart(const WeightSource &source, const char *from, char *to,
              int64_t first, int64_t end) {
  const Format *format = source.stored.format;
  const Part *part = source.stored.part;
  int64_t depth = source.shape[1];
  int64_t inputs = depth / format->perBlock(part->kind) * format->elements;
  for (int64_t n = first; n < end; ++n) {
    int64_t row = storedRow(n, source.channels, source.interleavedHeads);
    repackRow(*format, *part, from + row * format->bytesOf(inputs), n, inputs,
              to);
  }
}

} // namespace

std::optional<uint64_t> storedBytes(const WeightSource &source) {
  std::optional<int64_t> count = elementCount(source.shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, dtypeSize(source.dtype), &bytes))
    return std::nullopt;
  if (source.interleavedHeads != 0 &&
      (source.interleavedHeads < 0 ||
       rowsOf(source) % source.interleavedHeads != 0 ||
       rowsOf(source) / source.interleavedHeads % 2 != 0))
    return std::nullopt;
  if (source.stored.isPlain())
    return static_cast<uint64_t>(bytes);
  if (source.stored.foreign)
    return foreignBytes(source);
  if (source.stored.part)
    return partBytes(source);
  const Format &format = *source.stored.format;
  if (source.dtype != MARIMBA_F32 || source.shape.empty() ||
      source.shape.back() % format.elements != 0 ||
      (source.shape.size() == 1 && source.interleavedHeads != 0))
    return std::nullopt;
  return static_cast<uint64_t>(format.bytesOf(*count));
}

int64_t rowsToCopy(const WeightSource &source) {
  int64_t count = *elementCount(source.shape);
  if (count == 0)
    return 0;
  if (source.stored.foreign)
    return 1;
  if (source.stored.part)
    return source.channels;
  if (source.interleavedHeads != 0)
    return source.shape.front();
  return source.shape.empty() ? 1 : count / source.shape.back();
}

void copyRows(const WeightSource &source, const char *from, const char *other,
              char *to, int64_t first, int64_t end) {
  if (source.stored.foreign)
    return source.stored.foreign->repack(foreignShape(source), from, other, to);
  if (source.stored.part)
    return copyPart(source, from, to, first, end);
  int64_t rows = rowsToCopy(source);
  int64_t row = *elementCount(source.shape) / rows;
  int64_t bytes = row * dtypeSize(source.dtype);
  const Format *format = source.stored.format;
  int64_t stored = format ? format->bytesOf(row) : bytes;
  for (int64_t i = first; i < end; ++i) {
    const char *at =
        from + storedRow(i, rows, source.interleavedHeads) * stored;
    if (format)
      format->widen(at, reinterpret_cast<float *>(to) + i * row,
                    row / format->elements);
    else
      std::memcpy(to + i * bytes, at, static_cast<size_t>(bytes));
  }
}

} // namespace marimba::rt
