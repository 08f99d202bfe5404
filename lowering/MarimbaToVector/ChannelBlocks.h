//===- ChannelBlocks.h - Channels in lanes, tokens in blocks ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_MARIMBATOVECTOR_CHANNELBLOCKS_H
#define MARIMBA_LOWERING_MARIMBATOVECTOR_CHANNELBLOCKS_H

#include "lowering/Common/KernelBuilder.h"

namespace mlir {
class RewritePatternSet;

namespace marimba {

/// One vector of channels over one block of tokens.
struct ChannelBlock {
  Value row;
  Value channel; // first channel
  Value mask;    // null where the whole vector is in range
  Value begin;   // tokens [begin, end)
  Value end;
};

/// Runs `body` over all channels of `output` [B,T,D] and each row's real
/// tokens. Rows and groups of channels run in parallel. Within a group, blocks
/// of tokens go outermost, so that a block's rows stay in the cache and their
/// pages in the TLB while all of the group's vectors pass over them; `body`
/// carries its state from block to block in memory. Tokens behind `valid` are
/// set to zero.
void overChannelBlocks(KernelBuilder &b, int64_t lanes, Value output,
                       Value valid,
                       llvm::function_ref<void(const ChannelBlock &)> body);

// One function for each op that this conversion knows.
void populateScanToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);
void populateConvToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);
void populateAttentionToVectorPatterns(RewritePatternSet &patterns,
                                       int64_t lanes);

} // namespace marimba
} // namespace mlir

#endif // MARIMBA_LOWERING_MARIMBATOVECTOR_CHANNELBLOCKS_H
