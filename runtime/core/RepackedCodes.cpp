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

/// Calls body(word of ours, word q of channel n) for all words [N/64,q,64].
template <typename Body>
void forWords(int64_t channels, int64_t words, char *to, Body body) {
  for (int64_t first = 0; first < channels; first += kChannels)
    for (int64_t q = 0; q < words; ++q)
      for (int64_t c = 0; c < std::min(kChannels, channels - first); ++c) {
        uint32_t word = body(q, first + c);
        std::memcpy(to + 4 * ((first * words) + q * kChannels + c), &word,
                    sizeof(word));
      }
}

/// Eight inputs of eight channels at a time.
void repackAwq(int64_t channels, int64_t words, const char *from, char *to) {
  int64_t perInput = channels / kPerWord;
  for (int64_t n = 0; n < perInput; ++n) {
    int64_t channel = n * kPerWord;
    int64_t block = channel / kChannels, lane = channel % kChannels;
    for (int64_t q = 0; q < words; ++q) {
      std::array<uint32_t, kPerWord> made = {};
      for (int i = 0; i < kPerWord; ++i) {
        uint32_t word = readWord(from, (q * kPerWord + i) * perInput + n);
        int shift = i < 4 ? 8 * i : 8 * (i - 4) + 4;
        for (size_t c = 0; c < made.size(); ++c)
          made[c] |= (word >> 4 * kMixed[c] & 15) << shift;
      }
      std::memcpy(to + 4 * ((block * words + q) * kChannels + lane),
                  made.data(), sizeof(made));
    }
  }
}

void repackZeros(int64_t channels, int64_t groups, const Places &places,
                 int more, const char *from, char *to) {
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t n = 0; n < channels; ++n) {
      uint32_t word = readWord(from, (g * channels + n) / kPerWord);
      auto zero = word >> 4 * places[size_t(n % kPerWord)] & 15;
      int64_t at = (n / kChannels * groups + g) * kChannels + n % kChannels;
      to[at] = static_cast<char>(zero + static_cast<uint32_t>(more));
    }
}

// Blocks of ggml: an f16 scale and 32 codes.
constexpr int64_t kScaleBytes = 2;
constexpr int64_t kBytes4 = kScaleBytes + 16, kBytes8 = kScaleBytes + 32;

/// Calls body(block, channel n, index i) for all indices [N/64, depth, 64] of
/// ours, of which `perBlock` are in one block of theirs.
template <typename Body>
void forBlocks(const WeightSource &source, int64_t blockBytes, int64_t perBlock,
               const char *from, Body body) {
  int64_t depth = source.shape[1], row = depth / perBlock * blockBytes;
  for (int64_t n = 0; n < source.channels; ++n) {
    const char *blocks =
        from + storedRow(n, source.channels, source.interleavedHeads) * row;
    for (int64_t i = 0; i < depth; ++i)
      body(blocks + i / perBlock * blockBytes, i % perBlock,
           (n / kChannels * depth + i) * kChannels + n % kChannels);
  }
}

/// Inputs 8 word to 8 word + 7 of a block of Q4_0 as a word of ours.
uint32_t wordOfQ4(const char *block, int64_t word) {
  const char *bytes = block + kScaleBytes;
  uint32_t first = readWord(bytes, word % 2 * 2);
  uint32_t second = readWord(bytes, word % 2 * 2 + 1);
  int shift = word < 2 ? 0 : 4; // element 16 + i is the high half of byte i
  return (first >> shift & 0x0f0f0f0f) | (second >> shift & 0x0f0f0f0f) << 4;
}

/// Indices of dimension 1 that one block of ggml has; 0 for other formats.
int64_t indicesPerBlock(BlockFormat format) {
  switch (format) {
  case BlockFormat::Q8_0Codes:
    return 8;
  case BlockFormat::Q4_0Codes:
    return 4;
  case BlockFormat::Q8_0Scales:
  case BlockFormat::Q4_0Scales:
    return 1;
  default:
    return 0;
  }
}

int64_t ggmlBytes(BlockFormat format) {
  return format == BlockFormat::Q4_0Codes || format == BlockFormat::Q4_0Scales
             ? kBytes4
             : kBytes8;
}

bool hasCodes(BlockFormat format) {
  switch (format) {
  case BlockFormat::Gptq4:
  case BlockFormat::Gptq8:
  case BlockFormat::Awq:
  case BlockFormat::Q8_0Codes:
  case BlockFormat::Q4_0Codes:
    return true;
  default:
    return false;
  }
}

bool hasScales(BlockFormat format) {
  return format == BlockFormat::Rows || format == BlockFormat::Q8_0Scales ||
         format == BlockFormat::Q4_0Scales;
}

/// Bits of a channel and an index of dimension 1; 0 for other formats.
int64_t bitsOf(BlockFormat format) {
  if (int64_t indices = indicesPerBlock(format))
    return ggmlBytes(format) * 8 / indices;
  switch (format) {
  case BlockFormat::Gptq4:
  case BlockFormat::Gptq8:
  case BlockFormat::Awq:
    return 32;
  case BlockFormat::AwqZeros:
  case BlockFormat::GptqZeros:
  case BlockFormat::Zeros:
    return 4;
  case BlockFormat::Rows:
    return 16;
  default:
    return 0;
  }
}

} // namespace

bool isRepacked(BlockFormat format) { return bitsOf(format) != 0; }

std::optional<uint64_t> foreignBytes(const WeightSource &source) {
  bool codes = hasCodes(source.blocks);
  int64_t indices = indicesPerBlock(source.blocks);
  const std::vector<int64_t> &shape = source.shape;
  if (shape.size() != (codes ? 4 : 3) || shape[2] != kChannels ||
      (codes && shape[3] != 4) || source.channels < 1 || shape[1] < 0 ||
      (indices ? shape[1] % indices : source.channels % kPerWord) != 0 ||
      shape[0] != (source.channels + kChannels - 1) / kChannels ||
      dtypeSize(source.dtype) != (hasScales(source.blocks) ? 2 : 1))
    return std::nullopt;
  std::optional<int64_t> count = elementCount(
      std::vector<int64_t>{source.channels, shape[1], bitsOf(source.blocks)});
  if (!count)
    return std::nullopt;
  return static_cast<uint64_t>(*count) / 8;
}

void repack(const WeightSource &source, const char *from, char *to) {
  int64_t channels = source.channels, depth = source.shape[1];
  int64_t indices = indicesPerBlock(source.blocks);
  switch (source.blocks) {
  case BlockFormat::Q4_0Codes:
    return forBlocks(source, kBytes4, indices, from,
                     [&](const char *block, int64_t word, int64_t at) {
                       uint32_t made = wordOfQ4(block, word);
                       std::memcpy(to + 4 * at, &made, sizeof(made));
                     });
  case BlockFormat::Q8_0Codes:
    return forBlocks(source, kBytes8, indices, from,
                     [&](const char *block, int64_t word, int64_t at) {
                       std::memcpy(to + 4 * at, block + kScaleBytes + 4 * word,
                                   4);
                     });
  case BlockFormat::Q8_0Scales:
  case BlockFormat::Q4_0Scales:
    return forBlocks(source, ggmlBytes(source.blocks), indices, from,
                     [&](const char *block, int64_t, int64_t at) {
                       std::memcpy(to + kScaleBytes * at, block, kScaleBytes);
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
        std::memcpy(
            to + 2 * ((n / kChannels * depth + g) * kChannels + n % kChannels),
            from + 2 * (g * channels + n), 2);
    return;
  default:
    return;
  }
}

} // namespace marimba::rt
