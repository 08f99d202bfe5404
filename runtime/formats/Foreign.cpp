//===- Foreign.cpp - Quantised matrices in another program's order --------===//
//
// Of matrices with K inputs, N channels and G groups, words being of 32 bits:
//
//   gptq4        [K/8, N] words, eight inputs of a channel, the first lowest;
//                perhaps with g_idx [K], the group of each input
//   gptq8        [K/4, N] words, four inputs, 128 too large; likewise
//   awq          [K, N/8] words, channels 0, 2, 4, 6, 1, 3, 5, 7 of an input
//   awq-zeros    [G, N/8] words likewise
//   zeros        [G, N/8] words, eight channels in order; gptq-zeros: less one
//   zeros8       [G, N/4] words, four channels, 128 too large; gptq-zeros8: 129
//   rows         [G, N] scales of 16 bits
//
// as AutoAWQ's "gemm" and AutoGPTQ write them (their qlinear files), and those
// of compressed-tensors (compressors/pack_quantized, naive_quantized, nvfp4 and
// mxfp4 of its sources), which fp8 checkpoints and gpt-oss share:
//
//   packed4      [N, K/8] words or [N, K/2] bytes, the first input lowest;
//                perhaps with g_idx
//   packed8      [N, K/4] words, 128 too large; perhaps with g_idx
//   bytes        [N, K] numbers of 8 bits, perhaps with g_idx
//   packed-zeros4, packed-zeros8   [N/8, G], [N/4, G] words of channels
//   zero-bytes   [N, G] signed bytes; zero-bytes4: of codes 8 too large
//   scales-X     [N, G] scales of X, shared by channels and groups (Shape)
//   scales-X-f32                            likewise, as f32
//   scales-e4m3-over, scales-e4m3-times     as f32, divided or multiplied by
//                one f32, "weight_global_scale" and "weight_scale_2"
//   order        g_idx [K]: the inputs sorted by their group
//
//===----------------------------------------------------------------------===//

#include "marimba/formats/Foreign.h"

#include "marimba/formats/Layout.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

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
uint32_t spreadWord(uint32_t word) {
  return spread(word & 0xffff) | spread(word >> 16) << 4;
}
uint32_t makeSigned(uint32_t word) { return word ^ 0x80808080; }
uint32_t keep(uint32_t word) { return word; }

/// Inputs sorted by their group, those of one group as they were. Whatever
/// g_idx holds, each input is there once.
std::vector<int32_t> sortedByGroup(const char *groupOf, int64_t inputs) {
  std::vector<int32_t> order(static_cast<size_t>(inputs));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return std::pair(readWord(groupOf, a), a) <
           std::pair(readWord(groupOf, b), b);
  });
  return order;
}

/// Words of codes in the file's order: where input `input` of channel n is.
enum class Words { ByInput, ByChannel };

template <Words words, int bits>
uint32_t codeAt(const ForeignShape &shape, const char *from, int64_t n,
                int64_t input) {
  constexpr int64_t perWord = 32 / bits;
  int64_t word = words == Words::ByInput ? input / perWord * shape.channels + n
                                         : n * shape.depth + input / perWord;
  return readWord(from, word) >> bits * (input % perWord) & ((1U << bits) - 1);
}

/// Writes convert(word) of all words, each made of the inputs that belong into
/// it where g_idx is given.
template <Words words, int bits, uint32_t (*convert)(uint32_t)>
void repackCodes(const ForeignShape &shape, const char *from,
                 const char *groupOf, char *to) {
  constexpr int64_t perWord = 32 / bits;
  std::vector<int32_t> order;
  if (groupOf)
    order = sortedByGroup(groupOf, shape.depth * perWord);
  auto wordAt = [&](int64_t n, int64_t q) {
    if (order.empty())
      return readWord(from, words == Words::ByInput ? q * shape.channels + n
                                                    : n * shape.depth + q);
    uint32_t word = 0;
    for (int64_t i = 0; i < perWord; ++i)
      word |=
          codeAt<words, bits>(shape, from, n, order[size_t(q * perWord + i)])
          << bits * i;
    return word;
  };
  for (int64_t first = 0; first < shape.channels; first += kChannels)
    for (int64_t q = 0; q < shape.depth; ++q)
      for (int64_t c = 0; c < std::min(kChannels, shape.channels - first);
           ++c) {
        uint32_t word = convert(wordAt(first + c, q));
        std::memcpy(to + 4 * Layout::placeOf(first + c, q, shape.depth), &word,
                    sizeof(word));
      }
}

/// Eight inputs of eight channels at a time.
void repackAwq(const ForeignShape &shape, const char *from, const char *,
               char *to) {
  int64_t perInput = shape.channels / kPerWord;
  for (int64_t n = 0; n < perInput; ++n)
    for (int64_t q = 0; q < shape.depth; ++q) {
      std::array<uint32_t, kPerWord> made = {};
      for (int i = 0; i < kPerWord; ++i) {
        uint32_t word = readWord(from, (q * kPerWord + i) * perInput + n);
        int shift = i < 4 ? 8 * i : 8 * (i - 4) + 4;
        for (size_t c = 0; c < made.size(); ++c)
          made[c] |= (word >> 4 * kMixed[c] & 15) << shift;
      }
      std::memcpy(to + 4 * Layout::placeOf(n * kPerWord, q, shape.depth),
                  made.data(), sizeof(made));
    }
}

/// Zero points in words of channels of one group.
template <int bits, const Places &places, uint32_t more>
void repackZeros(const ForeignShape &shape, const char *from, const char *,
                 char *to) {
  constexpr int64_t perWord = 32 / bits;
  for (int64_t g = 0; g < shape.depth; ++g)
    for (int64_t n = 0; n < shape.channels; ++n) {
      uint32_t word = readWord(from, (g * shape.channels + n) / perWord);
      int at = places[size_t(n % perWord)];
      uint32_t zero = word >> bits * at & ((1U << bits) - 1);
      to[Layout::placeOf(n, g, shape.depth)] = static_cast<char>(zero + more);
    }
}

/// Likewise, the words of the groups following each other.
template <int bits, uint32_t more>
void repackPackedZeros(const ForeignShape &shape, const char *from,
                       const char *, char *to) {
  constexpr int64_t perWord = 32 / bits;
  for (int64_t n = 0; n < shape.channels; ++n)
    for (int64_t g = 0; g < shape.depth; ++g) {
      uint32_t word = readWord(from, n / perWord * shape.depth + g);
      uint32_t zero = word >> bits * (n % perWord) & ((1U << bits) - 1);
      to[Layout::placeOf(n, g, shape.depth)] = static_cast<char>(zero + more);
    }
}

/// Scales of 16 bits, [G, N].
void repackRows(const ForeignShape &shape, const char *from, const char *,
                char *to) {
  for (int64_t g = 0; g < shape.depth; ++g)
    for (int64_t n = 0; n < shape.channels; ++n)
      std::memcpy(to + 2 * Layout::placeOf(n, g, shape.depth),
                  from + 2 * (g * shape.channels + n), 2);
}

/// Calls write(where it is stored, where it belongs) of all numbers [N, G].
template <typename Write>
void forEachScale(const ForeignShape &shape, Write write) {
  int64_t row = shape.storedGroups();
  for (int64_t n = 0; n < shape.channels; ++n)
    for (int64_t g = 0; g < shape.depth; ++g)
      write(n / shape.channelsEach * row + g / shape.groupsEach,
            Layout::placeOf(n, g, shape.depth));
}

template <int64_t size>
void repackScales(const ForeignShape &shape, const char *from, const char *,
                  char *to) {
  forEachScale(shape, [&](int64_t at, int64_t place) {
    std::memcpy(to + size * place, from + size * at, size);
  });
}

/// To those of codes from 0 on.
void repackZeroBytes(const ForeignShape &shape, const char *from, const char *,
                     char *to) {
  forEachScale(shape, [&](int64_t at, int64_t place) {
    to[place] = static_cast<char>(from[at] + 8);
  });
}

template <Scalar type>
void widenScales(const ForeignShape &shape, const char *from, const char *,
                 char *to) {
  forEachScale(shape, [&](int64_t at, int64_t place) {
    float scale = loadScalar(from + scalarSize(type) * at, type);
    std::memcpy(to + 4 * place, &scale, 4);
  });
}

/// In f32, as compressed-tensors divides and ModelOpt multiplies.
template <bool divides>
void joinScales(const ForeignShape &shape, const char *from, const char *other,
                char *to) {
  float all = 1;
  std::memcpy(&all, other, sizeof(all));
  forEachScale(shape, [&](int64_t at, int64_t place) {
    float scale = fromE4M3(static_cast<uint8_t>(from[at]));
    scale = divides ? scale / all : scale * all;
    std::memcpy(to + 4 * place, &scale, 4);
  });
}

void makeOrder(const ForeignShape &shape, const char *from, const char *,
               char *to) {
  std::vector<int32_t> order = sortedByGroup(from, shape.depth);
  std::memcpy(to, order.data(), order.size() * sizeof(int32_t));
}

// Sizes of what is stored.

/// Of words [.., N/perWord] or [.., N], where channels come in eights.
template <int64_t bitsOfChannel> int64_t wholeWords(const ForeignShape &shape) {
  return shape.channels % 8 == 0
             ? shape.channels * shape.depth * bitsOfChannel / 8
             : -1;
}
template <int64_t bytes> int64_t ofChannels(const ForeignShape &shape) {
  return shape.channels * shape.depth * bytes;
}
template <int64_t bytes> int64_t ofScales(const ForeignShape &shape) {
  return shape.storedChannels() * shape.storedGroups() * bytes;
}
template <int bits> int64_t ofPackedZeros(const ForeignShape &shape) {
  constexpr int64_t perWord = 32 / bits;
  return (shape.channels + perWord - 1) / perWord * shape.depth * 4;
}
int64_t ofOrder(const ForeignShape &shape) { return shape.depth * 4; }
template <int bits> int64_t ofGroups(const ForeignShape &shape) {
  return shape.depth * (32 / bits) * 4;
}
int64_t ofOneScale(const ForeignShape &) { return 4; }

// What the parts are.

constexpr ForeignPart part(std::string_view name, int64_t elementBytes,
                           decltype(ForeignPart::bytes) bytes,
                           decltype(ForeignPart::repack) repack, int rank = 3) {
  ForeignPart part{name, elementBytes, rank, bytes};
  part.repack = repack;
  return part;
}
constexpr ForeignPart codes(std::string_view name,
                            decltype(ForeignPart::bytes) bytes,
                            decltype(ForeignPart::repack) repack) {
  return part(name, 1, bytes, repack, 4);
}
constexpr ForeignPart byChannel(ForeignPart part) {
  part.byChannel = true;
  return part;
}
constexpr ForeignPart with(ForeignPart part,
                           decltype(ForeignPart::otherBytes) bytes,
                           bool needed = false) {
  part.otherBytes = bytes;
  part.needsOther = needed;
  return part;
}
constexpr ForeignPart scales(std::string_view name, int64_t elementBytes,
                             decltype(ForeignPart::bytes) bytes,
                             decltype(ForeignPart::repack) repack) {
  return byChannel(part(name, elementBytes, bytes, repack));
}

constexpr auto kInputs = Words::ByInput, kRows = Words::ByChannel;

constexpr ForeignPart kParts[] = {
    codes("awq", wholeWords<32>, repackAwq),
    with(codes("gptq4", wholeWords<32>, repackCodes<kInputs, 4, spreadWord>),
         ofGroups<4>),
    with(codes("gptq8", wholeWords<32>, repackCodes<kInputs, 8, makeSigned>),
         ofGroups<8>),
    part("awq-zeros", 1, wholeWords<4>, repackZeros<4, kMixed, 0>),
    part("gptq-zeros", 1, wholeWords<4>, repackZeros<4, kInOrder, 1>),
    part("zeros", 1, wholeWords<4>, repackZeros<4, kInOrder, 0>),
    part("gptq-zeros8", 1, wholeWords<8>, repackZeros<8, kInOrder, 129>),
    part("zeros8", 1, wholeWords<8>, repackZeros<8, kInOrder, 128>),
    part("rows", 2, wholeWords<16>, repackRows),
    byChannel(
        with(codes("packed4", ofChannels<4>, repackCodes<kRows, 4, spreadWord>),
             ofGroups<4>)),
    byChannel(
        with(codes("packed8", ofChannels<4>, repackCodes<kRows, 8, makeSigned>),
             ofGroups<8>)),
    byChannel(with(codes("bytes", ofChannels<4>, repackCodes<kRows, 8, keep>),
                   ofGroups<8>)),
    byChannel(
        part("packed-zeros4", 1, ofPackedZeros<4>, repackPackedZeros<4, 0>)),
    byChannel(
        part("packed-zeros8", 1, ofPackedZeros<8>, repackPackedZeros<8, 128>)),
    scales("zero-bytes", 1, ofScales<1>, repackScales<1>),
    scales("zero-bytes4", 1, ofScales<1>, repackZeroBytes),
    scales("scales-f32", 4, ofScales<4>, repackScales<4>),
    scales("scales-f16", 2, ofScales<2>, repackScales<2>),
    scales("scales-bf16", 2, ofScales<2>, repackScales<2>),
    scales("scales-e8m0", 1, ofScales<1>, repackScales<1>),
    scales("scales-f16-f32", 4, ofScales<2>, widenScales<Scalar::F16>),
    scales("scales-bf16-f32", 4, ofScales<2>, widenScales<Scalar::BF16>),
    scales("scales-e8m0-f32", 4, ofScales<1>, widenScales<Scalar::E8M0>),
    with(scales("scales-e4m3-over", 4, ofScales<1>, joinScales<true>),
         ofOneScale, /*needed=*/true),
    with(scales("scales-e4m3-times", 4, ofScales<1>, joinScales<false>),
         ofOneScale, /*needed=*/true),
    part("order", 4, ofOrder, makeOrder, 1),
};

} // namespace

std::span<const ForeignPart> foreignParts() { return kParts; }

const ForeignPart *findForeignPart(std::string_view name) {
  for (const ForeignPart &part : kParts)
    if (part.name == name)
      return &part;
  return nullptr;
}

} // namespace marimba::formats
