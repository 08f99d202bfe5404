//===- GgufBlocks.h - Rows of weights to GGUF's blocks ----------*- C++ -*-===//
//
// Part of Marimba. The inverse of what runtime/formats widens. The layouts are
// ggml's: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h; the
// searches for scales are ours.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_GGUFBLOCKS_H
#define MARIMBA_TOOLS_QUANTIZE_GGUFBLOCKS_H

#include "tools/quantize/QuantLanes.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace marimba {

/// The same block of kLanes rows, one in each lane, and what becomes of it.
struct BlockPanel {
  static constexpr int64_t kMost = 256; // elements of a block

  std::array<lanes::Floats, kMost> weights;
  bool search = true; // QuantMethod::Search
  /// Where the block of each lane is written; null: it is padding.
  std::array<char *, lanes::kLanes> to{};
  /// Of each lane, sums over the block: of (w - w')^2.
  lanes::Floats error{};
};

/// A type of blocks that we write.
struct BlockType {
  std::string_view name; // as GGUF spells it
  int64_t elements;      // of a block
  int64_t bytes;
  int64_t firstHalf, halves; // where in a block the f16 numbers are, how many
  /// Quantises one block of each lane; all weights are finite.
  void (*quantize)(BlockPanel &panel);

  /// Bytes of `count` elements, which are whole blocks.
  int64_t bytesOf(int64_t count) const { return count / elements * bytes; }
};

/// Null where the name is none of Q8_0, Q4_0, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K.
const BlockType *findBlockType(std::string_view name);

/// Quantises `rows` [n,k], k a multiple of the block, to `to`. The same rows
/// give the same bytes on every processor; rows do not depend on each other.
/// Adds to `lost`. False, with `error` set, where a weight is not finite or a
/// scale does not fit f16; messages count rows from `firstRow`.
bool quantizeBlocks(const BlockType &type, const float *rows, int64_t n,
                    int64_t k, QuantMethod method, char *to, QuantError &lost,
                    std::string &error, int64_t firstRow = 0);

namespace blocks {
// Not static: compilers choose among the clones by their names.
void quantizeQ80(BlockPanel &panel);
void quantizeQ40(BlockPanel &panel);
void quantizeQ50(BlockPanel &panel);
void quantizeQ51(BlockPanel &panel);
void quantizeQ4K(BlockPanel &panel);
void quantizeQ5K(BlockPanel &panel);
void quantizeQ6K(BlockPanel &panel);
} // namespace blocks

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_GGUFBLOCKS_H
