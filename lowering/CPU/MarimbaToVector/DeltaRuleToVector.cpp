//===- DeltaRuleToVector.cpp - linear_attention with delta rule -*- C++ -*-===//
//
// Part of Marimba. The recurrence by groups of tokens: one walk over the state
// gives what the keys and the queries of a group read of it, then the group's
// tokens are solved one by one, and one walk writes what they write.
//
// With S the state before the group, P_r the product of its decays up to token
// r, and P_rj of those after token j up to r:
//
//   u_r = beta_r (v_r - P_r S^T k_r - sum_{j<r} P_rj (k_r . k_j) u_j)
//   y_r = P_r S^T q_r + sum_{j<=r} P_rj (q_r . k_j) u_j
//   S   = P_last S + sum_j P_lastj k_j u_j^T
//
// Groups are counted from the first token of a block; tokens that do not fill
// one are a group each. A sum is one chain, whatever is in registers together:
// the bits of a token depend on tokens before it and on its place in the block.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToVector/LinearAttentionKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Tokens of a group. Each needs registers for two sums of each column, and
/// shares loads and decays of the state.
constexpr int64_t kGroup = 4;

bool isSingle(LinearAttentionOp op) {
  return cast<MemRefType>(op.getValues().getType()).getDimSize(1) == 1;
}

class DeltaRuleKernel : public LinearAttentionKernel {
public:
  // The sums of a group are in 16 of 32 registers, or in 8 of 16. One token has
  // fewer, and takes more columns, because the state may come from memory.
  DeltaRuleKernel(KernelBuilder &b, LinearAttentionOp op, int64_t lanes)
      : LinearAttentionKernel(
            b, op, lanes, (lanes >= 16 ? 2 : 1) * (isSingle(op) ? kGroup : 1),
            4) {}

private:
  void allocate() override {
    LinearAttentionKernel::allocate();
    int64_t tokens = blockTokens();
    keyFactors = scratch({tokens, kGroup});
    queryFactors = scratch({tokens, kGroup});
    written = keys;
    if (op.hasChannelDecay())
      written = scratch({tokens, keysPadded});
    if (hasDecayOfHead()) {
      readDecays = scratch({tokens});
      writeDecays = scratch({tokens});
    }
  }

  void prepare(Value count) override {
    overGroups(count, [&](Value t, int64_t tokens) {
      multiplyTokens(t, tokens);
      if (hasDecayOfHead())
        multiplyDecays(t, tokens);
    });
  }

  void compute(const Columns &columns, Value count) override {
    overGroups(count, [&](Value t, int64_t tokens) {
      SmallVector<Value> read = readState(columns, t, tokens);
      writeState(columns, t, solve(columns, t, tokens, read));
    });
  }

  /// Runs `body` for the groups of `count` tokens: the first one, and how many.
  void overGroups(Value count, llvm::function_ref<void(Value, int64_t)> body) {
    if (single)
      return body(b.index(0), 1);
    Value size = b.index(kGroup);
    Value whole = b.muli(arith::DivUIOp::create(b, count, size), size);
    b.loop(b.index(0), whole, [&](Value t) { body(t, kGroup); }, kGroup);
    b.loop(whole, count, [&](Value t) { body(t, 1); });
  }

  //===--------------------------------------------------------------------===//
  // Keys, queries and decays of a group
  //===--------------------------------------------------------------------===//

  /// queryFactors[r, j] = q_r . k_j, keyFactors[r, j] = k_r . k_j. Decays of
  /// key channels become a part of them, and of queries, keys and `written`.
  void multiplyTokens(Value t, int64_t tokens) {
    SmallVector<Value> zeros(tokens * tokens, b.zeros(lanes));
    SmallVector<Value> products = b.loop(
        b.index(0), b.index(keysPadded), zeros,
        [&](Value n, ValueRange old) {
          SmallVector<Value> next(old);
          multiplyChannels(t, tokens, n, next);
          return next;
        },
        lanes);
    const Value *product = products.begin();
    for (int64_t j = 0; j < tokens; ++j)
      for (int64_t r = j; r < tokens; ++r) {
        SmallVector<Value> at{rowOf(t, r), b.index(j)};
        b.store(b.reduceAdd(*product++), queryFactors, at);
        if (r > j)
          b.store(b.reduceAdd(*product++), keyFactors, at);
      }
  }

  /// Adds the products of a vector of key channels to `sums`.
  void multiplyChannels(Value t, int64_t tokens, Value n,
                        MutableArrayRef<Value> sums) {
    SmallVector<Value> q, k, d;
    auto load = [&](Value from, int64_t r) {
      return b.loadVector(lanes, from, {rowOf(t, r), n}, Value());
    };
    for (int64_t r = 0; r < tokens; ++r) {
      q.push_back(load(queries, r));
      k.push_back(load(keys, r));
      if (op.hasChannelDecay())
        d.push_back(load(decays, r));
    }
    Value *sum = sums.begin();
    auto add = [&](Value x, Value y) {
      *sum = b.fma(x, y, *sum);
      ++sum;
    };
    for (int64_t j = 0; j < tokens; ++j) {
      Value key = k[j];
      for (int64_t r = j; r < tokens; ++r) {
        if (r > j && !d.empty())
          key = b.mul(key, d[r]);
        add(q[r], key);
        if (r > j)
          add(k[r], key);
      }
      if (!d.empty())
        b.storeVector(key, written, {rowOf(t, j), n}, Value());
    }
    Value product;
    for (int64_t r = 0; r < int64_t(d.size()); ++r) {
      product = product ? b.mul(product, d[r]) : d[r];
      SmallVector<Value> at{rowOf(t, r), n};
      b.storeVector(b.mul(q[r], product), queries, at, Value());
      b.storeVector(b.mul(k[r], product), keys, at, Value());
      b.storeVector(product, decays, at, Value());
    }
  }

  /// Puts a head's decays into the factors, readDecays (P_r) and writeDecays
  /// (P_lastj).
  void multiplyDecays(Value t, int64_t tokens) {
    Value product;
    for (int64_t r = 0; r < tokens; ++r) {
      Value decay = b.load(decays, rowOf(t, r));
      product = product ? b.mul(product, decay) : decay;
      b.store(product, readDecays, rowOf(t, r));
    }
    for (int64_t j = 0; j < tokens; ++j) {
      Value product = b.constant(1.0);
      for (int64_t r = j + 1; r < tokens; ++r) {
        product = b.mul(product, b.load(decays, rowOf(t, r)));
        SmallVector<Value> at{rowOf(t, r), b.index(j)};
        for (Value factors : {queryFactors, keyFactors})
          b.store(b.mul(product, b.load(factors, at)), factors, at);
      }
      b.store(product, writeDecays, rowOf(t, j));
    }
  }

  //===--------------------------------------------------------------------===//
  // The equations
  //===--------------------------------------------------------------------===//

  /// Of the state before the group, what keys read and then what queries read:
  /// the columns of each token in turn.
  SmallVector<Value> readState(const Columns &columns, Value t,
                               int64_t tokens) {
    SmallVector<Value> zeros(2 * tokens * columns.vectors, b.zeros(lanes));
    return overRows(zeros, [&](Value n, int64_t states, ValueRange old) {
      SmallVector<Value> next(old);
      prefetchNext(columns, n, states, 0);
      for (int64_t i = 0; i < states; ++i) {
        SmallVector<Value> state = loadState(columns, rowOf(n, i));
        Value *sum = next.begin();
        for (Value from : {keys, queries})
          for (int64_t r = 0; r < tokens; ++r) {
            Value factor = element(from, rowOf(t, r), rowOf(n, i));
            for (Value column : state) {
              *sum = b.fma(factor, column, *sum);
              ++sum;
            }
          }
      }
      return next;
    });
  }

  /// Of one token, a half of the next head's rows in each walk: memory would
  /// rest in the second one, for which the state is in the cache.
  void prefetchNext(const Columns &columns, Value n, int64_t states,
                    int64_t from) {
    if (!single)
      return;
    Value half = arith::DivUIOp::create(b, n, b.index(2));
    prefetchState(columns, rowOf(half, keySize + from), (states + 1) / 2,
                  /*locality=*/2);
  }

  /// y to `sums`; returns the columns of u of each token in turn.
  SmallVector<Value> solve(const Columns &columns, Value t, int64_t tokens,
                           ArrayRef<Value> read) {
    int64_t width = columns.vectors;
    SmallVector<Value> u;
    for (int64_t r = 0; r < tokens; ++r) {
      Value token = rowOf(t, r);
      SmallVector<Value> known(read.slice(r * width, width));
      SmallVector<Value> y(read.slice((tokens + r) * width, width));
      if (hasDecayOfHead()) {
        Value decay = b.load(readDecays, token);
        for (Value &sum : llvm::concat<Value>(known, y))
          sum = b.mul(decay, sum);
      }
      for (int64_t j = 0; j < r; ++j)
        add(keyFactors, token, b.index(j), ArrayRef(u).slice(j * width, width),
            known);
      Value beta = b.load(op.getBeta(), {row, b.addi(first, token), head});
      SmallVector<Value> values = loadColumns(columns, inputs, token);
      for (auto [value, sum] : llvm::zip(values, known))
        u.push_back(b.mul(beta, b.sub(value, sum)));
      for (int64_t j = 0; j <= r; ++j)
        add(queryFactors, token, b.index(j),
            ArrayRef(u).slice(j * width, width), y);
      storeColumns(columns, y, sums, token);
    }
    return u;
  }

  /// sum += factors[token, j] * u
  void add(Value factors, Value token, Value j, ArrayRef<Value> u,
           MutableArrayRef<Value> sum) {
    Value factor = element(factors, token, j);
    for (auto [to, from] : llvm::zip(sum, u))
      to = b.fma(factor, from, to);
  }

  /// S = P_last S + sum_j P_lastj k_j u_j^T
  void writeState(const Columns &columns, Value t, SmallVector<Value> u) {
    int64_t width = columns.vectors, tokens = u.size() / width;
    Value last = rowOf(t, tokens - 1), decay;
    if (hasDecayOfHead()) {
      for (auto [i, column] : llvm::enumerate(u))
        if (int64_t(i) / width + 1 < tokens)
          column = b.mul(b.load(writeDecays, rowOf(t, i / width)), column);
      decay = b.broadcast(lanes, b.load(readDecays, last));
    }
    overRows([&](Value n, int64_t states) {
      prefetchNext(columns, n, states, keySize / 2);
      for (int64_t i = 0; i < states; ++i) {
        Value at = rowOf(n, i);
        SmallVector<Value> state = loadState(columns, at);
        if (op.hasChannelDecay())
          decay = element(decays, last, at);
        for (Value &column : state)
          column = decay ? b.mul(decay, column) : column;
        for (int64_t j = 0; j < tokens; ++j)
          add(written, rowOf(t, j), at, ArrayRef(u).slice(j * width, width),
              state);
        storeState(columns, at, state);
      }
    });
  }

  // Of the tokens of a block: factors [tokens, kGroup] for the tokens of their
  // group, keys as they are written [tokens, N], decays [tokens].
  Value keyFactors, queryFactors, written, readDecays, writeDecays;
};

} // namespace

void mlir::marimba::emitDeltaRule(KernelBuilder &b, LinearAttentionOp op,
                                  int64_t lanes) {
  DeltaRuleKernel(b, op, lanes).emit();
}
