//===- Foreign.cpp - Quantised matrices of AutoAWQ and AutoGPTQ -----------===//
//
// Words of 32 bits, of matrices with K inputs, N channels and G groups:
//
//   gptq4       [K/8, N], eight inputs of a channel, the first lowest
//   gptq8       [K/4, N], four inputs, 128 too large
//   awq         [K, N/8], eight channels 0, 2, 4, 6, 1, 3, 5, 7 of an input
//   awq-zeros   [G, N/8] likewise
//   zeros       [G, N/8], eight channels in order; gptq-zeros: less one
//   rows        [G, N] scales of 16 bits
//
//===----------------------------------------------------------------------===//

#include "Formats.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace marimba::formats {

namespace {

constexpr int64_t kChannels = Layout::kChannels;
constexpr int64_t kPerWord = 8; // codes of 4 bits

/// Where a channel of eight is in a word, in halves of a byte.
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

/// Writes convert(word) of all words [words, channels] of GPTQ.
template <uint32_t (*convert)(uint32_t)>
void repackGptq(int64_t channels, int64_t words, const char *from, char *to) {
  for (int64_t first = 0; first < channels; first += kChannels)
    for (int64_t q = 0; q < words; ++q)
      for (int64_t c = 0; c < std::min(kChannels, channels - first); ++c) {
        int64_t n = first + c;
        uint32_t word = convert(readWord(from, q * channels + n));
        std::memcpy(to + 4 * Layout::placeOf(n, q, words), &word, sizeof(word));
      }
}

uint32_t spreadWord(uint32_t word) {
  return spread(word & 0xffff) | spread(word >> 16) << 4;
}
uint32_t makeSigned(uint32_t word) { return word ^ 0x80808080; }

/// Eight inputs of eight channels at a time.
void repackAwq(int64_t channels, int64_t words, const char *from, char *to) {
  int64_t perInput = channels / kPerWord;
  for (int64_t n = 0; n < perInput; ++n)
    for (int64_t q = 0; q < words; ++q) {
      std::array<uint32_t, kPerWord> made = {};
      for (int i = 0; i < kPerWord; ++i) {
        uint32_t word = readWord(from, (q * kPerWord + i) * perInput + n);
        int shift = i < 4 ? 8 * i : 8 * (i - 4) + 4;
        for (size_t c = 0; c < made.size(); ++c)
          made[c] |= (word >> 4 * kMixed[c] & 15) << shift;
      }
      std::memcpy(to + 4 * Layout::placeOf(n * kPerWord, q, words), made.data(),
                  sizeof(made));
    }
}

template <const Places &places, uint32_t more>
void repackZeros(int64_t channels, int64_t groups, const char *from, char *to) {
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t n = 0; n < channels; ++n) {
      uint32_t word = readWord(from, (g * channels + n) / kPerWord);
      uint32_t zero = word >> 4 * places[size_t(n % kPerWord)] & 15;
      to[Layout::placeOf(n, g, groups)] = static_cast<char>(zero + more);
    }
}

void repackRows(int64_t channels, int64_t groups, const char *from, char *to) {
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t n = 0; n < channels; ++n)
      std::memcpy(to + 2 * Layout::placeOf(n, g, groups),
                  from + 2 * (g * channels + n), 2);
}

constexpr Part inOrder(std::string_view name, PartKind kind, int64_t bits,
                       decltype(Part::repack) repack) {
  Part part;
  part.kind = kind;
  part.repack = repack;
  part.bits = bits;
  part.name = name;
  return part;
}

constexpr Part kParts[] = {
    inOrder("awq", PartKind::Codes, 32, repackAwq),
    inOrder("gptq4", PartKind::Codes, 32, repackGptq<spreadWord>),
    inOrder("gptq8", PartKind::Codes, 32, repackGptq<makeSigned>),
    inOrder("awq-zeros", PartKind::Zeros, 4, repackZeros<kMixed, 0>),
    inOrder("gptq-zeros", PartKind::Zeros, 4, repackZeros<kInOrder, 1>),
    inOrder("zeros", PartKind::Zeros, 4, repackZeros<kInOrder, 0>),
    inOrder("rows", PartKind::Scales, 16, repackRows),
};

} // namespace

std::span<const Part> foreignParts() { return kParts; }

} // namespace marimba::formats
