//===- StoredRows.cpp - Tensors that files hold in another form -----------===//
//
// Blocks of 32 elements, as ggml has them. Q8_0: an f16 scale d and 32 int8 q,
// the elements d*q. Q4_0: d and 16 bytes, of which byte i has element i in its
// low half and element 16+i in its high one, the elements d*(q - 8).
//
//===----------------------------------------------------------------------===//

#include "StoredRows.h"

#include "RepackedCodes.h"
#include "marimba/Tensor.h"

#include <cmath>
#include <cstring>
#include <iterator>

namespace marimba::rt {

namespace {

int64_t blockBytes(BlockFormat format) {
  return ggmlBlockBytes(format == BlockFormat::Q8_0 ? 8 : 4);
}

float readHalf(const char *at) {
  uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  int exponent = bits >> 10 & 0x1f;
  auto fraction = static_cast<float>(bits & 0x3ff);
  float value = exponent == 0 ? std::ldexp(fraction, -24)
                              : std::ldexp(fraction + 1024, exponent - 25);
  if (exponent == 0x1f)
    value = fraction == 0 ? INFINITY : NAN;
  return bits & 0x8000 ? -value : value;
}

void widen(BlockFormat format, const char *from, float *to, int64_t count) {
  for (int64_t i = 0; i < count; i += kGgmlBlock, from += blockBytes(format)) {
    float scale = readHalf(from);
    const auto *q =
        reinterpret_cast<const unsigned char *>(from + kGgmlScaleBytes);
    for (int64_t j = 0; j < kGgmlBlock; ++j) {
      int value = 0;
      if (format == BlockFormat::Q8_0)
        value = static_cast<int8_t>(q[j]);
      else
        value =
            (j < kGgmlBlock / 2 ? q[j] & 15 : q[j - kGgmlBlock / 2] >> 4) - 8;
      *to++ = scale * static_cast<float>(value);
    }
  }
}

/// Rows of a tensor: all of a vector's elements where their order changes, and
/// whole rows where it is a matrix.
int64_t rowsOf(const WeightSource &source) {
  if (isRepacked(source.blocks))
    return source.channels;
  return source.shape.empty() ? 1 : source.shape.front();
}

} // namespace

/// In the order of BlockFormat.
static constexpr std::string_view kFormatNames[] = {
    "",           "Q8_0",        "Q4_0",       "awq",        "gptq4",
    "gptq8",      "awq-zeros",   "gptq-zeros", "zeros",      "rows",
    "Q8_0-codes", "Q8_0-scales", "Q4_0-codes", "Q4_0-scales"};
static_assert(std::size(kFormatNames) == size_t(BlockFormat::Q4_0Scales) + 1);

std::string_view blockFormatName(BlockFormat format) {
  return kFormatNames[static_cast<size_t>(format)];
}

std::optional<BlockFormat> parseBlockFormat(std::string_view name) {
  for (size_t i = 0; i < std::size(kFormatNames); ++i)
    if (kFormatNames[i] == name)
      return static_cast<BlockFormat>(i);
  return std::nullopt;
}

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
  if (source.blocks == BlockFormat::None)
    return static_cast<uint64_t>(bytes);
  if (isRepacked(source.blocks))
    return foreignBytes(source);
  if (source.dtype != MARIMBA_F32 || source.shape.empty() ||
      source.shape.back() % kGgmlBlock != 0 ||
      (source.shape.size() == 1 && source.interleavedHeads != 0))
    return std::nullopt;
  return static_cast<uint64_t>(*count / kGgmlBlock * blockBytes(source.blocks));
}

void copyRows(const WeightSource &source, const char *from, char *to) {
  if (isRepacked(source.blocks))
    return repack(source, from, to);
  int64_t rows = rowsOf(source), count = *elementCount(source.shape);
  if (count == 0)
    return;
  int64_t row = count / rows, bytes = row * dtypeSize(source.dtype);
  bool plain = source.blocks == BlockFormat::None;
  if (source.shape.size() == 1 && !plain) {
    row = count;
    rows = 1;
  }
  int64_t stored = plain ? bytes : row / kGgmlBlock * blockBytes(source.blocks);
  for (int64_t i = 0; i < rows; ++i) {
    const char *at =
        from + storedRow(i, rows, source.interleavedHeads) * stored;
    if (plain)
      std::memcpy(to + i * bytes, at, static_cast<size_t>(bytes));
    else
      widen(source.blocks, at, reinterpret_cast<float *>(to) + i * row, row);
  }
}

} // namespace marimba::rt
