//===- ChannelBlocks.h - Channels in lanes ----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_CHANNELBLOCKS_H
#define MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_CHANNELBLOCKS_H

#include "lowering/CPU/Contraction/TileKernel.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::marimba {

/// One vector of channels of one row.
struct ChannelBlock {
  Value row;
  Value channel; // first channel
  Value next;    // first channel of the next vector, to prefetch; in range
  Value mask;    // null where the whole vector is in range
  Value tokens;  // tokens [0, tokens) are real
  Value time;    // tokens [tokens, time) are padding
};

/// Runs `body` for each vector of channels, the last dimension of `output`
/// ([B, T, ..., D]), of each row. The loops are sequential and run over all
/// tokens: --tile-recurrences has cut rows, groups of channels and blocks of
/// time into tiles before.
void overChannels(KernelBuilder &b, int64_t lanes, Value output, Value valid,
                  llvm::function_ref<void(const ChannelBlock &)> body);

/// One sweep over the tokens of a block: as many of its states, or of its taps,
/// as stay in registers together.
struct Sweep {
  Value first;
  int64_t count;
  bool begins; // the first sweep, which starts the output
  bool ends;   // the last one, which finishes it
};

/// Runs `body` for `count` states, at most `most` in a sweep. The first and the
/// last sweep are emitted on their own, those between are a loop: the code does
/// not grow with `count`. With `count` 0 there is one sweep, too: it starts the
/// sum and finishes it.
void inSweeps(KernelBuilder &b, int64_t count, int64_t most,
              llvm::function_ref<void(const Sweep &)> body);

/// The copy of `weight` [N, K] that the runtime packs as `packed`, in blocks of
/// 64 channels: [blocks, words, 64].
Value packedCopy(KernelBuilder &b, Value weight, Type packed);

// One function for each op that this conversion knows.
void populateScanToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);
void populateLinearAttentionToVectorPatterns(RewritePatternSet &patterns,
                                             int64_t lanes);
void populateConvToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);
void populateLTIToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);
void populateAttentionToVectorPatterns(RewritePatternSet &patterns,
                                       int64_t lanes, int64_t threads);
void populatePackedEmbeddingToVectorPatterns(RewritePatternSet &patterns);
void populatePackedMatmulToVectorPatterns(RewritePatternSet &patterns,
                                          const TileFacts &facts);
void populateGroupedMatmulToVectorPatterns(RewritePatternSet &patterns,
                                           const TileFacts &facts, bool dots);
void populateRotaryToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_CHANNELBLOCKS_H
