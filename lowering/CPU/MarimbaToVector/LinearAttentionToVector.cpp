//===- LinearAttentionToVector.cpp - linear_attention in lanes --*- C++ -*-===//
//
// Part of Marimba. The recurrence: elements of values are in the lanes, rows of
// a head's state in registers over a block of tokens. With one token the state
// is read and written once; the delta rule reads it before it writes.
//
// A result is one chain of sums over the key channels, from the first to the
// last, whatever is in registers together: its bits depend on no other token.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/CPU/Builders/EmitterPattern.h"
#include "lowering/CPU/MarimbaToVector/ChannelBlocks.h"
#include "lowering/Common/Builders/ParallelLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Tokens of a block: what they read is copied once, side by side, and the
/// state comes from the cache once for all of them.
constexpr int64_t kBlockTokens = 16;
/// How far ahead one token's walk through the states is prefetched: hardware
/// stops at each page.
constexpr int64_t kAheadBytes = 2048;
constexpr int64_t kCacheLine = 64;

/// Some vectors of a head's values.
struct Columns {
  Value first;
  int64_t vectors;
  Value mask; // of the last vector; null where it is whole
};

/// Emits the loops of one linear_attention.
class LinearAttentionEmitter {
public:
  LinearAttentionEmitter(KernelBuilder &b, LinearAttentionOp op, int64_t lanes)
      : b(b), op(op), lanes(lanes), size(op.getValueSize()),
        keySize(op.getKeySize()) {
    // 16 of 32 registers for states, or 8 of 16, beside the values, the sums
    // and what is broadcast.
    vectors = std::min<int64_t>(lanes >= 16 ? 4 : 2, size / lanes);
    vectors = std::max<int64_t>(vectors, 1);
    rows = llvm::bit_floor<uint64_t>((lanes >= 16 ? 16 : 8) / vectors);
    rows = std::max<int64_t>(std::min(rows, keySize), 1); // keys may be empty
    single = cast<MemRefType>(op.getValues().getType()).getDimSize(1) == 1;
  }

  void emit() {
    allocate();
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
              block(t, b.mini(b.index(blockTokens()), b.subi(tokens, t)));
            },
            blockTokens());
        if (op.getValid())
          b.loop(tokens, time, [&](Value t) { zeroOutput(t); });
      });
    });
  }

private:
  int64_t blockTokens() const { return single ? 1 : kBlockTokens; }
  bool hasDecayOfHead() { return op.getDecay() && !op.hasChannelDecay(); }

  Value scratch(ArrayRef<int64_t> shape) {
    return memref::AllocaOp::create(b, MemRefType::get(shape, b.getF32Type()),
                                    b.getI64IntegerAttr(64));
  }

  void allocate() {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(stackBlock(op));
    int64_t tokens = blockTokens();
    int64_t keysPadded = llvm::alignTo(keySize, lanes);
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

  //===--------------------------------------------------------------------===//
  // What a block of tokens reads and writes
  //===--------------------------------------------------------------------===//

  /// Runs `body` for each vector of `count` elements, with the mask of the last
  /// one where it is not whole.
  void overVectors(int64_t count, llvm::function_ref<void(Value, Value)> body) {
    int64_t whole = count / lanes * lanes;
    if (whole)
      b.loop(
          b.index(0), b.index(whole), [&](Value i) { body(i, Value()); },
          lanes);
    if (whole != count)
      body(b.index(whole), b.tailMask(lanes, b.index(count - whole)));
  }

  /// Tokens [first, first + count) of a head.
  void block(Value first, Value count) {
    b.loop(b.index(0), count, [&](Value t) { copyToken(first, t); });
    if (hasDecayOfHead())
      powers();
    overColumns([&](const Columns &columns) {
      if (single || op.getDeltaRule())
        return b.loop(b.index(0), count,
                      [&](Value t) { tokenOfColumns(columns, first, t); });
      overRows(
          [&](Value n, int64_t states) { tile(columns, n, states, count); });
    });
    b.loop(b.index(0), count, [&](Value t) { storeOutput(first, t); });
  }

  /// Puts the operands of a token, `first` + t, into the scratch memory.
  void copyToken(Value first, Value t) {
    Value token = b.addi(first, t);
    if (!single)
      prefetchToken(b.addi(
          token, b.mini(b.index(kBlockTokens), b.dim(op.getValues(), 1))));
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
  void prefetchToken(Value token) {
    for (int64_t p = 0; p < size; p += kCacheLine / 4)
      for (Value memref : {op.getValues(), op.getOutput()})
        b.prefetch(memref, {row, token, head, b.index(p)}, /*locality=*/3);
  }

  /// The block's log-decays become decays. Lanes without a token are not read.
  void powers() {
    for (int64_t t = 0; t < blockTokens(); t += lanes) {
      Value logs = b.loadVector(lanes, decays, b.index(t), Value());
      b.storeVector(b.fastExp(logs), decays, b.index(t), Value());
    }
  }

  void storeOutput(Value first, Value t) {
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

  void zeroOutput(Value token) {
    overVectors(size, [&](Value p, Value mask) {
      b.storeVector(b.zeros(lanes), op.getOutput(), {row, token, head, p},
                    mask);
    });
  }

  //===--------------------------------------------------------------------===//
  // Parts of the state
  //===--------------------------------------------------------------------===//

  /// Runs `body` for all values of a head, as many vectors at a time as have
  /// registers.
  void overColumns(llvm::function_ref<void(const Columns &)> body) {
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

  /// Runs `body` for all rows of a state, in order.
  void overRows(llvm::function_ref<void(Value, int64_t)> body) {
    int64_t whole = keySize / rows * rows;
    b.loop(b.index(0), b.index(whole), [&](Value n) { body(n, rows); }, rows);
    if (whole != keySize)
      body(b.index(whole), keySize - whole);
  }

  /// The same with values that go from row to row.
  SmallVector<Value> overRows(
      ValueRange start,
      llvm::function_ref<SmallVector<Value>(Value, int64_t, ValueRange)> body) {
    int64_t whole = keySize / rows * rows;
    SmallVector<Value> end = b.loop(
        b.index(0), b.index(whole), start,
        [&](Value n, ValueRange old) { return body(n, rows, old); }, rows);
    return whole == keySize ? end : body(b.index(whole), keySize - whole, end);
  }

  Value columnOf(const Columns &columns, int64_t v) {
    return b.addi(columns.first, b.index(v * lanes));
  }
  static Value maskOf(const Columns &columns, int64_t v) {
    return v + 1 == columns.vectors ? columns.mask : Value();
  }
  SmallVector<Value> loadColumns(const Columns &columns, Value from, Value t) {
    SmallVector<Value> loaded;
    for (int64_t v = 0; v < columns.vectors; ++v)
      loaded.push_back(
          b.loadVector(lanes, from, {t, columnOf(columns, v)}, Value()));
    return loaded;
  }
  void storeColumns(const Columns &columns, ValueRange values, Value to,
                    Value t) {
    for (auto [v, value] : llvm::enumerate(values))
      b.storeVector(value, to, {t, columnOf(columns, v)}, Value());
  }
  SmallVector<Value> loadState(const Columns &columns, Value n) {
    SmallVector<Value> state;
    for (int64_t v = 0; v < columns.vectors; ++v)
      state.push_back(b.loadVector(lanes, op.getState(),
                                   {row, head, n, columnOf(columns, v)},
                                   maskOf(columns, v)));
    return state;
  }
  void storeState(const Columns &columns, Value n, ValueRange state) {
    for (auto [v, value] : llvm::enumerate(state))
      b.storeVector(value, op.getState(), {row, head, n, columnOf(columns, v)},
                    maskOf(columns, v));
  }

  Value rowOf(Value n, int64_t r) { return b.addi(n, b.index(r)); }
  Value element(Value from, Value t, Value n) {
    return b.broadcast(lanes, b.load(from, {t, n}));
  }

  //===--------------------------------------------------------------------===//
  // The equations
  //===--------------------------------------------------------------------===//

  /// The decay of row n of the state at token t; null without.
  Value decayOf(Value t, Value n, Value ofHead) {
    return op.hasChannelDecay() ? element(decays, t, n) : ofHead;
  }
  Value decayOfHead(Value t) {
    return hasDecayOfHead() ? b.broadcast(lanes, b.load(decays, t)) : Value();
  }

  /// S = decay S + k u, y = y + q S for row n.
  void stepRow(Value t, Value n, Value decay, ValueRange u,
               MutableArrayRef<Value> state, MutableArrayRef<Value> y) {
    decay = decayOf(t, n, decay);
    Value key = element(keys, t, n);
    Value query = element(queries, t, n);
    for (size_t v = 0; v < u.size(); ++v) {
      Value kept = decay ? b.mul(decay, state[v]) : state[v];
      state[v] = b.fma(key, u[v], kept);
      y[v] = b.fma(query, state[v], y[v]);
    }
  }

  /// Rows [n, n + states) of the state over the block's tokens.
  void tile(const Columns &columns, Value n, int64_t states, Value count) {
    SmallVector<Value> start;
    for (int64_t r = 0; r < states; ++r)
      llvm::append_range(start, loadState(columns, rowOf(n, r)));
    SmallVector<Value> end =
        b.loop(b.index(0), count, start, [&](Value t, ValueRange old) {
          SmallVector<Value> state(old);
          SmallVector<Value> u = loadColumns(columns, inputs, t);
          SmallVector<Value> y = loadColumns(columns, sums, t);
          Value decay = decayOfHead(t);
          for (int64_t r = 0; r < states; ++r)
            stepRow(t, rowOf(n, r), decay, u,
                    MutableArrayRef(state).slice(r * columns.vectors,
                                                 columns.vectors),
                    y);
          storeColumns(columns, y, sums, t);
          return state;
        });
    for (int64_t r = 0; r < states; ++r)
      storeState(columns, rowOf(n, r),
                 ArrayRef(end).slice(r * columns.vectors, columns.vectors));
  }

  /// All rows of the state at token `first` + t.
  void tokenOfColumns(const Columns &columns, Value first, Value t) {
    SmallVector<Value> u = loadColumns(columns, inputs, t);
    Value decay = decayOfHead(t);
    if (op.getDeltaRule())
      u = corrections(columns, b.addi(first, t), t, decay, u);
    SmallVector<Value> zeros(columns.vectors, b.zeros(lanes));
    SmallVector<Value> y =
        overRows(zeros, [&](Value n, int64_t states, ValueRange old) {
          SmallVector<Value> next(old);
          if (single && !op.getDeltaRule())
            prefetch(columns, n, states);
          for (int64_t r = 0; r < states; ++r) {
            SmallVector<Value> state = loadState(columns, rowOf(n, r));
            stepRow(t, rowOf(n, r), decay, u, state, next);
            storeState(columns, rowOf(n, r), state);
          }
          return next;
        });
    storeColumns(columns, y, sums, t);
  }

  /// beta (v - k^T S) with the decayed state.
  SmallVector<Value> corrections(const Columns &columns, Value token, Value t,
                                 Value decay, ValueRange values) {
    SmallVector<Value> zeros(columns.vectors, b.zeros(lanes));
    SmallVector<Value> read =
        overRows(zeros, [&](Value n, int64_t states, ValueRange old) {
          SmallVector<Value> next(old);
          if (single)
            prefetch(columns, n, states);
          for (int64_t r = 0; r < states; ++r) {
            Value key = element(keys, t, rowOf(n, r));
            if (op.hasChannelDecay())
              key = b.mul(key, element(decays, t, rowOf(n, r)));
            SmallVector<Value> state = loadState(columns, rowOf(n, r));
            for (auto [v, sum] : llvm::enumerate(next))
              sum = b.fma(key, state[v], sum);
          }
          return next;
        });
    Value beta = b.load(op.getBeta(), {row, token, head});
    SmallVector<Value> result;
    for (auto [value, sum] : llvm::zip(values, read)) {
      Value known = decay ? b.mul(decay, sum) : sum;
      result.push_back(b.mul(beta, b.sub(value, known)));
    }
    return result;
  }

  /// What is read some rows later; behind a head lies the next one.
  void prefetch(const Columns &columns, Value n, int64_t states) {
    int64_t ahead = std::max<int64_t>(kAheadBytes / (size * 4), rows);
    for (int64_t r = 0; r < states; ++r)
      for (int64_t at = 0; at < columns.vectors * lanes * 4; at += kCacheLine)
        b.prefetch(op.getState(),
                   {row, head, rowOf(n, r + ahead),
                    b.addi(columns.first, b.index(at / 4))},
                   /*locality=*/3);
  }

  KernelBuilder &b;
  LinearAttentionOp op;
  int64_t lanes, size, keySize; // P and N
  int64_t vectors, rows;        // of the state, in registers together
  bool single;                  // one token
  Value row, head, group;
  // Of the tokens of a block: queries times scale and keys [tokens, N], what
  // the keys write and what the queries read [tokens, P], decays [tokens] or
  // [tokens, N].
  Value queries, keys, inputs, sums, decays;
};

} // namespace

void mlir::marimba::populateLinearAttentionToVectorPatterns(
    RewritePatternSet &patterns, int64_t lanes) {
  patterns.add<EmitterPattern<LinearAttentionOp, LinearAttentionEmitter>>(
      patterns.getContext(), lanes);
}
