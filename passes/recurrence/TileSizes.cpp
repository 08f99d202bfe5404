//===- TileSizes.cpp - How large the tiles of a recurrence are ------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "passes/recurrence/TileSizes.h"

using namespace mlir;
using namespace mlir::marimba;

static ArrayRef<int64_t> domainShape(RecurrenceOpInterface op) {
  return cast<ShapedType>(op->getOperand(0).getType()).getShape();
}

static bool hasMatrices(RecurrenceOpInterface op) {
  return !op.getMatrixSizes().empty();
}

/// Elements of a tile for one token and one channel, as far as known: states,
/// where the op has a value for each of them; of a head its values, or its part
/// of the keys that it shares, which may be more.
static int64_t perChannel(RecurrenceOpInterface op) {
  int64_t elements = 1;
  for (auto [dim, size] : llvm::enumerate(domainShape(op).drop_front(2)))
    if (int64_t(dim) + 2 != op.getChannelDimension())
      elements *= std::max<int64_t>(size, 1);
  if (hasMatrices(op))
    elements = std::max<int64_t>(
        elements,
        llvm::divideCeil(op.getMatrixSizes().front(), op.getChannelGroup()));
  return elements;
}

int64_t RecurrenceTileSizes::unitOf(RecurrenceOpInterface op) const {
  return hasMatrices(op) ? 1 : lanes;
}

/// Tokens of a block. Chunks are as long for every op of such matrices, shorter
/// where their keys or values are large: a row's sums do not depend on what
/// else is in its tile.
int64_t RecurrenceTileSizes::tokensOf(RecurrenceOpInterface op) const {
  if (hasMatrices(op)) {
    SmallVector<int64_t> sizes = op.getMatrixSizes();
    int64_t widest = std::max<int64_t>(*llvm::max_element(sizes), 1);
    return std::max<int64_t>(std::min(chunk, kMostElements / widest), 1);
  }
  return std::max<int64_t>(tokens * op.getTileWeight() / perChannel(op), 1);
}

/// Of many states a token alone may be more than a block is to have: fewer
/// channels. The matrices of a group stay in the cache from chunk to chunk.
int64_t RecurrenceTileSizes::mostChannels(RecurrenceOpInterface op) const {
  if (!hasMatrices(op))
    return std::max(lanes, std::min(channels / op.getTileWeight(),
                                    channels * tokens / perChannel(op)));
  int64_t bytes = sizeof(float);
  for (int64_t size : op.getMatrixSizes())
    bytes *= std::max<int64_t>(size, 1);
  return std::max<int64_t>(
      1, std::min(stateBytes / bytes,
                  channels * tokens / (perChannel(op) * tokensOf(op))));
}

/// Channels of a group: as few groups as the limit allows, as many for each
/// thread, and all of the same size, if there is such a number. A group of a
/// size of its own would make every size dynamic and every access masked.
int64_t RecurrenceTileSizes::evenGroup(RecurrenceOpInterface op, int64_t width,
                                       int64_t most) const {
  if (ShapedType::isDynamic(width))
    return most;
  int64_t unit = unitOf(op), sharing = op.getChannelGroup();
  int64_t fewest = llvm::divideCeil(width, most);
  for (int64_t team : {threads, int64_t(1)})
    for (int64_t count = llvm::alignTo(fewest, team); count * unit <= width;
         count += team) {
      int64_t group = width / count;
      if (width % (count * unit) == 0 &&
          (sharing % group == 0 || group % sharing == 0))
        return group;
    }
  return hasMatrices(op) ? 1
                         : std::min<int64_t>(most, llvm::alignTo(width, unit));
}

bool RecurrenceTileSizes::fit(RecurrenceOpInterface op) const {
  return perChannel(op) * unitOf(op) <= kMostElements;
}

SmallVector<OpFoldResult>
RecurrenceTileSizes::ofGroup(RecurrenceOpInterface op) const {
  ArrayRef<int64_t> shape = domainShape(op);
  SmallVector<int64_t> sizes(shape.size(), 0);
  if (shape.front() != 1)
    sizes.front() = 1;
  int64_t dim = op.getChannelDimension();
  int64_t group = evenGroup(op, shape[dim], mostChannels(op));
  if (ShapedType::isDynamic(shape[dim]) || shape[dim] > group)
    sizes[dim] = group;
  return getAsIndexOpFoldResult(op.getContext(), sizes);
}

SmallVector<OpFoldResult>
RecurrenceTileSizes::ofBlock(RecurrenceOpInterface op) const {
  ArrayRef<int64_t> shape = domainShape(op);
  SmallVector<int64_t> sizes(shape.size(), 0);
  int64_t time = op.getTimeDimension(), block = tokensOf(op);
  if (ShapedType::isDynamic(shape[time]) || shape[time] > block)
    sizes[time] = block;
  return getAsIndexOpFoldResult(op.getContext(), sizes);
}
