//===- RepackedCodes.cpp - Quantised matrices of other programs -----------===//
//
// What is ours has 64 channels side by side: codes [N/64, K/8, 64, 4] (byte j
// of a word has input j of eight in its low half and input 4 + j in its high
// one), codes of 8 bits [N/64, K/4, 64, 4], scales and zero points
// [N/64, G, 64]. Theirs, in words of 32 bits of the host's order:
//
//   Gptq4      [K/8, N], eight inputs of a channel, the first lowest
//   Gptq8      [K/4, N], four inputs, 128 too large
//   Awq        [K, N/8], eight channels 0, 2, 4, 6, 1, 3, 5, 7 of an input
//   AwqZeros   [G, N/8] likewise
//   Zeros      [G, N/8], eight channels in order; GptqZeros: less one
//   Rows       [G, N] of 16 bits
//
// and in blocks of 32 inputs of a channel, [N, K/32] (StoredRows.cpp):
// Q8_0Codes, Q8_0Scales, Q4_0Codes, Q4_0Scales, the parts of what ggml calls
// Q8_0 and Q4_0.
//
//===----------------------------------------------------------------------===//

#include "RepackedCodes.h"

#include "marimba/Tensor.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace marimba::rt {

namespace {

constexpr int64_t kChannels = 64;
constexpr int64_t kPerWord = 8; // codes of 4 bits

/// Where a channel of eight stands in a word, in halves of a byte.
using Places = std::array<int, kPerWord>;
constexpr Places kInOrder = {0, 1, 2, 3, 4, 5, 6, 7};
constexpr Places kMixed = {0, 4, 1, 5, 2, 6, 3, 7};

uint32_t readWord(const char *words, int64_t index) {
  uint32_t word = 0;
  std::memcpy(&word, words + 4 * index, sizeof(word));
  return word;
}

/// Four codes of 4 bits to four bytes.
uint32_t spread(uint32_t codes) {
  codes = (codes | codes << 8) & 0x00ff00ff;
  return (codes | codes << 4) & 0x0f0f0f0f;
}

/// Where index `index` of dimension 1 of a channel is in ours, [N/64, depth,
/// 64].
int64_t placeOf(int64_t channel, int64_t index, int64_t depth) {
  return (channel / kChannels * depth + index) * kChannels +
         channel % kChannels;
}

/// Calls body(word of ours, word q of channel n) for all words [N/64,q,64].
template <typename Body>
void forWords(int64_t channels, int64_t words, char *to, Body body) {
  for (int64_t first = 0; first < channels; first += kChannels)
    for (int64_t q = 0; q < words; ++q)
      for (int64_t c = 0; c < std::min(kChannels, channels - first); ++c) {
        uint32_t word = body(q, first + c);
        std::memcpy(to + 4 * placeOf(first + c, q, words), &word, sizeof(word));
      }
}

/// Eight inputs of eight channels at a time.
void repackAwq(int64_t channels, int64_t words, const char *from, char *to) {
  int64_t perInput = channels / kPerWord;
  for (int64_t n = 0; n < perInput; ++n) {
    int64_t channel = n * kPerWord;
    for (int64_t q = 0; q < words; ++q) {
      std::array<uint32_t, kPerWord> made = {};
      for (int i = 0; i < kPerWord; ++i) {
        uint32_t word = readWord(from, (q * kPerWord + i) * perInput + n);
        int shift = i < 4 ? 8 * i : 8 * (i - 4) + 4;
        for (size_t c = 0; c < made.size(); ++c)
          made[c] |= (word >> 4 * kMixed[c] & 15) << shift;
      }
      std::memcpy(to + 4 * placeOf(channel, q, words), made.data(),
                  sizeof(made));
    }
  }
}

void repackZeros(int64_t channels, int64_t groups, const Places &places,
                 int more, const char *from, char *to) {
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t n = 0; n < channels; ++n) {
      uint32_t word = readWord(from, (g * channels + n) / kPerWord);
      auto zero = word >> 4 * places[size_t(n % kPerWord)] & 15;
      to[placeOf(n, g, groups)] =
          static_cast<char>(zero + static_cast<uint32_t>(more));
    }
}

/// Inputs 8 word to 8 word + 7 of a block of Q4_0 as a word of ours.
uint32_t wordOfQ4(const char *block, int64_t word) {
  const char *bytes = block + kGgmlScaleBytes;
  uint32_t first = readWord(bytes, word % 2 * 2);
  uint32_t second = readWord(bytes, word % 2 * 2 + 1);
  int shift = word < 2 ? 0 : 4; // element 16 + i is the high half of byte i
  return (first >> shift & 0x0f0f0f0f) | (second >> shift & 0x0f0f0f0f) << 4;
}

/// How a format stores its part of a matrix.
struct Form {
  enum { Nothing, Codes, Scales, Zeros } part = Nothing;
  int64_t bits = 0;     // of a channel and an index of dimension 1
  int64_t perBlock = 0; // such indices in a block of ggml; 0: no blocks

  int64_t blockBytes() const { return bits * perBlock / 8; }
};

/// Of a part that has `perBlock` indices in each block with codes of `bits`.
Form inBlocks(decltype(Form::part) part, int64_t bits, int64_t perBlock) {
  return {part, ggmlBlockBytes(bits) * 8 / perBlock, perBlock};
}

Form formOf(BlockFormat format) {
  switch (format) {
  case BlockFormat::Gptq4:
  case BlockFormat::Gptq8:
  case BlockFormat::Awq:
    return {Form::Codes, 32};
  case BlockFormat::AwqZeros:
  case BlockFormat::GptqZeros:
  case BlockFormat::Zeros:
    return {Form::Zeros, 4};
  case BlockFormat::Rows:
    return {Form::Scales, 16};
  case BlockFormat::Q8_0Codes:
    return inBlocks(Form::Codes, 8, 8);
  case BlockFormat::Q8_0Scales:
    return inBlocks(Form::Scales, 8, 1);
  case BlockFormat::Q4_0Codes:
    return inBlocks(Form::Codes, 4, 4);
  case BlockFormat::Q4_0Scales:
    return inBlocks(Form::Scales, 4, 1);
  case BlockFormat::None:
  case BlockFormat::Q8_0:
  case BlockFormat::Q4_0:
    break;
  }
  return {};
}

/// Calls body(block, index in it, place in ours) for every index of dimension 1
/// of every channel.
template <typename Body>
void forBlocks(const WeightSource &source, const char *from, Body body) {
  Form form = formOf(source.blocks);
  int64_t depth = source.shape[1], perBlock = form.perBlock;
  int64_t row = depth / perBlock * form.blockBytes();
  for (int64_t n = 0; n < source.channels; ++n) {
    const char *blocks =
        from + storedRow(n, source.channels, source.interleavedHeads) * row;
    for (int64_t i = 0; i < depth; ++i)
      body(blocks + i / perBlock * form.blockBytes(), i % perBlock,
           placeOf(n, i, depth));
  }
}

} // namespace

bool isRepacked(BlockFormat format) {
  return formOf(format).part != Form::Nothing;
}

std::optional<uint64_t> foreignBytes(const WeightSource &source) {
  Form form = formOf(source.blocks);
  bool codes = form.part == Form::Codes;
  const std::vector<int64_t> &shape = source.shape;
  if (shape.size() != (codes ? 4 : 3) || shape[2] != kChannels ||
      (codes && shape[3] != 4) || source.channels < 1 || shape[1] < 0 ||
      (form.perBlock ? shape[1] % form.perBlock : source.channels % kPerWord) !=
          0 ||
      shape[0] != (source.channels + kChannels - 1) / kChannels ||
      dtypeSize(source.dtype) != (form.part == Form::Scales ? 2 : 1))
    return std::nullopt;
  std::optional<int64_t> count =
      elementCount(std::vector<int64_t>{source.channels, shape[1], form.bits});
  if (!count)
    return std::nullopt;
  return static_cast<uint64_t>(*count) / 8;
}

void repack(const WeightSource &source, const char *from, char *to) {
  int64_t channels = source.channels, depth = source.shape[1];
  switch (source.blocks) {
  case BlockFormat::Q4_0Codes:
    return forBlocks(source, from,
                     [&](const char *block, int64_t word, int64_t at) {
                       uint32_t made = wordOfQ4(block, word);
                       std::memcpy(to + 4 * at, &made, sizeof(made));
                     });
  case BlockFormat::Q8_0Codes:
    return forBlocks(
        source, from, [&](const char *block, int64_t word, int64_t at) {
          std::memcpy(to + 4 * at, block + kGgmlScaleBytes + 4 * word, 4);
        });
  case BlockFormat::Q8_0Scales:
  case BlockFormat::Q4_0Scales:
    return forBlocks(source, from, [&](const char *block, int64_t, int64_t at) {
      std::memcpy(to + kGgmlScaleBytes * at, block, kGgmlScaleBytes);
    });
  case BlockFormat::Gptq4:
    return forWords(channels, depth, to, [&](int64_t q, int64_t n) {
      uint32_t word = readWord(from, q * channels + n);
      return spread(word & 0xffff) | spread(word >> 16) << 4;
    });
  case BlockFormat::Gptq8:
    return forWords(channels, depth, to, [&](int64_t q, int64_t n) {
      return readWord(from, q * channels + n) ^ 0x80808080;
    });
  case BlockFormat::Awq:
    return repackAwq(channels, depth, from, to);
  case BlockFormat::AwqZeros:
    return repackZeros(channels, depth, kMixed, 0, from, to);
  case BlockFormat::GptqZeros:
    return repackZeros(channels, depth, kInOrder, 1, from, to);
  case BlockFormat::Zeros:
    return repackZeros(channels, depth, kInOrder, 0, from, to);
  case BlockFormat::Rows:
    for (int64_t g = 0; g < depth; ++g)
      for (int64_t n = 0; n < channels; ++n)
        std::memcpy(to + 2 * placeOf(n, g, depth),
                    from + 2 * (g * channels + n), 2);
    return;
  case BlockFormat::None:
  case BlockFormat::Q8_0:
  case BlockFormat::Q4_0:
    return;
  }
}

} // namespace marimba::rt
