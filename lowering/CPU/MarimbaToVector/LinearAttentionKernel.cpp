//===- LinearAttentionKernel.cpp - Heads, blocks of tokens, columns -------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToVector/LinearAttentionKernel.h"
#include "lowering/Common/Builders/ParallelLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

/// Tokens of a block: what they read is copied once, side by side, and the
/// state comes from the cache once for all of them.
static constexpr int64_t kBlockTokens = 16;
static constexpr int64_t kCacheLine = 64;

LinearAttentionKernel::LinearAttentionKernel(KernelBuilder &b,
                                             LinearAttentionOp op,
                                             int64_t lanes, int64_t columns,
                                             int64_t rows)
    : b(b), op(op), lanes(lanes), size(op.getValueSize()),
      keySize(op.getKeySize()), keysPadded(llvm::alignTo(keySize, lanes)) {
  vectors = std::max<int64_t>(std::min(columns, size / lanes), 1);
  // Fewer columns leave registers for more rows. Keys may be empty.
  this->rows = std::max<int64_t>(
      std::min<int64_t>(llvm::bit_floor<uint64_t>(rows * columns / vectors),
                        keySize),
      1);
  single = cast<MemRefType>(op.getValues().getType()).getDimSize(1) == 1;
}

void LinearAttentionKernel::emit() {
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(stackBlock(op));
    allocate();
  }
  Value time = b.dim(op.getOutput(), 1);
  int64_t perGroup = op.getHeads() / op.getGroups();
  b.loop(b.index(0), b.dim(op.getOutput(), 0), [&](Value at) {
    row = at;
    Value tokens = b.rowTokens(op.getValid(), row, time);
    b.loop(b.index(0), b.index(op.getHeads()), [&](Value h) {
      head = h;
      group = arith::DivUIOp::create(b, h, b.index(perGroup));
      b.loop(
          b.index(0), tokens,
          [&](Value t) {
            first = t;
            block(b.mini(b.index(blockTokens()), b.subi(tokens, t)));
          },
          blockTokens());
      if (op.getValid())
        b.loop(tokens, time, [&](Value t) { zeroOutput(t); });
    });
  });
}

int64_t LinearAttentionKernel::blockTokens() const {
  return single ? 1 : kBlockTokens;
}

Value LinearAttentionKernel::scratch(ArrayRef<int64_t> shape) {
  return memref::AllocaOp::create(b, MemRefType::get(shape, b.getF32Type()),
                                  b.getI64IntegerAttr(64));
}

void LinearAttentionKernel::allocate() {
  int64_t tokens = blockTokens();
  int64_t padded = llvm::alignTo(size, lanes);
  int64_t powers = llvm::alignTo(tokens, lanes);
  queries = scratch({tokens, keysPadded});
  keys = scratch({tokens, keysPadded});
  inputs = scratch({tokens, padded});
  sums = scratch({tokens, padded});
  if (op.hasChannelDecay())
    decays = scratch({tokens, keysPadded});
  else if (op.getDecay())
    decays = scratch({powers});
}

//===----------------------------------------------------------------------===//
// What a block of tokens reads and writes
//===----------------------------------------------------------------------===//

void LinearAttentionKernel::overVectors(
    int64_t count, llvm::function_ref<void(Value, Value)> body) {
  int64_t whole = count / lanes * lanes;
  if (whole)
    b.loop(
        b.index(0), b.index(whole), [&](Value i) { body(i, Value()); }, lanes);
  if (whole != count)
    body(b.index(whole), b.tailMask(lanes, b.index(count - whole)));
}

/// Tokens [first, first + count) of a head.
void LinearAttentionKernel::block(Value count) {
  b.loop(b.index(0), count, [&](Value t) { copyToken(t); });
  if (hasDecayOfHead())
    powers();
  prepare(count);
  overColumns([&](const Columns &columns) { compute(columns, count); });
  b.loop(b.index(0), count, [&](Value t) { storeOutput(t); });
}

/// Puts the operands of a token, `first` + t, into the scratch memory.
void LinearAttentionKernel::copyToken(Value t) {
  Value token = b.addi(first, t);
  if (!single)
    prefetchToken(
        b.addi(token, b.mini(b.index(kBlockTokens), b.dim(op.getValues(), 1))));
  bool scales = !op.getScale().isExactlyValue(1.0);
  overVectors(keySize, [&](Value n, Value mask) {
    SmallVector<Value> from{row, token, group, n};
    Value query = b.loadVector(lanes, op.getQueries(), from, mask);
    if (scales)
      query = b.mul(query, b.constant(op.getScale().convertToDouble()));
    b.storeVector(query, queries, {t, n}, Value());
    b.storeVector(b.loadVector(lanes, op.getKeys(), from, mask), keys, {t, n},
                  Value());
    if (op.hasChannelDecay()) {
      Value decay =
          b.loadVector(lanes, op.getDecay(), {row, token, head, n}, mask);
      b.storeVector(b.fastExp(decay), decays, {t, n}, Value());
    }
  });
  Value step =
      op.getStep() ? b.load(op.getStep(), {row, token, head}) : Value();
  overVectors(size, [&](Value p, Value mask) {
    Value value =
        b.loadVector(lanes, op.getValues(), {row, token, head, p}, mask);
    b.storeVector(step ? b.mul(step, value) : value, inputs, {t, p}, Value());
    if (!single && !op.getDeltaRule())
      b.storeVector(b.zeros(lanes), sums, {t, p}, Value());
  });
  if (!hasDecayOfHead())
    return;
  bool constant = cast<MemRefType>(op.getDecay().getType()).getRank() == 1;
  Value decay = constant ? b.load(op.getDecay(), head)
                         : b.load(op.getDecay(), {row, token, head});
  b.store(step ? b.mul(step, decay) : decay, decays, t);
}

/// The next block's token. In a tile of fewer tokens that is one of the tile
/// after it; a row of heads between two tokens is no pattern that processors
/// prefetch.
void LinearAttentionKernel::prefetchToken(Value token) {
  for (int64_t p = 0; p < size; p += kCacheLine / 4)
    for (Value memref : {op.getValues(), op.getOutput()})
      b.prefetch(memref, {row, token, head, b.index(p)}, /*locality=*/3);
}

/// The block's log-decays become decays. Lanes without a token are not read.
void LinearAttentionKernel::powers() {
  for (int64_t t = 0; t < blockTokens(); t += lanes) {
    Value logs = b.loadVector(lanes, decays, b.index(t), Value());
    b.storeVector(b.fastExp(logs), decays, b.index(t), Value());
  }
}

void LinearAttentionKernel::storeOutput(Value t) {
  Value token = b.addi(first, t);
  Value skip = op.getD() ? b.load(op.getD(), head) : Value();
  overVectors(size, [&](Value p, Value mask) {
    SmallVector<Value> at{row, token, head, p};
    Value y = b.loadVector(lanes, sums, {t, p}, Value());
    if (skip)
      y = b.fma(skip, b.loadVector(lanes, op.getX(), at, mask), y);
    b.storeVector(y, op.getOutput(), at, mask);
  });
}

void LinearAttentionKernel::zeroOutput(Value token) {
  overVectors(size, [&](Value p, Value mask) {
    b.storeVector(b.zeros(lanes), op.getOutput(), {row, token, head, p}, mask);
  });
}

//===----------------------------------------------------------------------===//
// Parts of the state
//===----------------------------------------------------------------------===//

void LinearAttentionKernel::overColumns(
    llvm::function_ref<void(const Columns &)> body) {
  int64_t width = vectors * lanes, whole = size / width * width;
  if (whole == width)
    body({b.index(0), vectors, Value()});
  else if (whole)
    b.loop(
        b.index(0), b.index(whole),
        [&](Value p) { body({p, vectors, Value()}); }, width);
  if (whole == size)
    return;
  int64_t tail = size % lanes, rest = llvm::divideCeil(size - whole, lanes);
  body({b.index(whole), rest,
        tail ? b.tailMask(lanes, b.index(tail)) : Value()});
}

void LinearAttentionKernel::overRows(
    llvm::function_ref<void(Value, int64_t)> body) {
  int64_t whole = keySize / rows * rows;
  b.loop(b.index(0), b.index(whole), [&](Value n) { body(n, rows); }, rows);
  if (whole != keySize)
    body(b.index(whole), keySize - whole);
}

SmallVector<Value> LinearAttentionKernel::overRows(
    ValueRange start,
    llvm::function_ref<SmallVector<Value>(Value, int64_t, ValueRange)> body) {
  int64_t whole = keySize / rows * rows;
  SmallVector<Value> end = b.loop(
      b.index(0), b.index(whole), start,
      [&](Value n, ValueRange old) { return body(n, rows, old); }, rows);
  return whole == keySize ? end : body(b.index(whole), keySize - whole, end);
}

SmallVector<Value> LinearAttentionKernel::loadColumns(const Columns &columns,
                                                      Value from, Value t) {
  SmallVector<Value> loaded;
  for (int64_t v = 0; v < columns.vectors; ++v)
    loaded.push_back(
        b.loadVector(lanes, from, {t, columnOf(columns, v)}, Value()));
  return loaded;
}

void LinearAttentionKernel::storeColumns(const Columns &columns,
                                         ValueRange values, Value to, Value t) {
  for (auto [v, value] : llvm::enumerate(values))
    b.storeVector(value, to, {t, columnOf(columns, v)}, Value());
}

SmallVector<Value> LinearAttentionKernel::loadState(const Columns &columns,
                                                    Value n) {
  SmallVector<Value> state;
  for (int64_t v = 0; v < columns.vectors; ++v)
    state.push_back(
        b.loadVector(lanes, op.getState(), {row, head, n, columnOf(columns, v)},
                     v + 1 == columns.vectors ? columns.mask : Value()));
  return state;
}

void LinearAttentionKernel::storeState(const Columns &columns, Value n,
                                       ValueRange state) {
  for (auto [v, value] : llvm::enumerate(state))
    b.storeVector(value, op.getState(), {row, head, n, columnOf(columns, v)},
                  int64_t(v) + 1 == columns.vectors ? columns.mask : Value());
}

void LinearAttentionKernel::prefetchState(const Columns &columns, Value n,
                                          int64_t states, unsigned locality) {
  for (int64_t r = 0; r < states; ++r)
    for (int64_t at = 0; at < columns.vectors * lanes * 4; at += kCacheLine)
      b.prefetch(
          op.getState(),
          {row, head, rowOf(n, r), b.addi(columns.first, b.index(at / 4))},
          locality);
}

Value LinearAttentionKernel::decayOfHead(Value t) {
  return hasDecayOfHead() ? b.broadcast(lanes, b.load(decays, t)) : Value();
}
