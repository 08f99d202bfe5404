//===- DnnlPrimitives.h - The calls into oneDNN's API -----------*- C++ -*-===//
//
// The only file (with its .cpp) that creates oneDNN primitives: versions 2 and
// 3 differ in how a primitive descriptor is made, and only here. Everything
// throws dnnl::error, or std::runtime_error for a type that no matmul takes.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CORE_DNNLPRIMITIVES_H
#define MARIMBA_RUNTIME_CORE_DNNLPRIMITIVES_H

#include "marimba/abi.h"

#include <dnnl.hpp>

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace marimba::rt::dnn {

/// A post-op as the primitive has to know it: operands come with each call.
struct PostOp {
  int32_t kind = -1;  // MarimbaPostOpKind; -1: none
  int32_t type = 0;   // MarimbaDType of the operand
  int64_t stride = 0; // distance of its rows, in elements; 0: no operand
  auto operator<=>(const PostOp &) const = default;
};

/// Y[rows, n] = X[rows, k] * W[k, n] (+ bias), then post-ops. `xStride` and
/// `yStride` are the distances of rows, in elements. Primitives are made for a
/// team of `team` threads.
struct MatmulSpec {
  int64_t rows = 0, k = 0, n = 0, xStride = 0, yStride = 0;
  int32_t xType = MARIMBA_F32, yType = MARIMBA_F32; // of W: xType
  bool bias = false;
  bool plainWeights = false; // [k, n], row-major, whatever the library likes
  int team = 1;
  std::array<PostOp, MARIMBA_MAX_POST_OPS> postOps = {};
  auto operator<=>(const MatmulSpec &) const = default;
};

/// A kernel for a matmul, and how its weights lie. The library manages no
/// scratch memory: the caller gives `scratchBytes`.
struct Matmul {
  dnnl::matmul::primitive_desc kernel;
  dnnl::matmul primitive; // where makePrimitive() has made it
  dnnl::memory::desc x, weights, bias, y;
  int64_t scratchBytes = 0;
  std::string implementation;

  /// Whether it reads weights in blocks: the library's best kernels.
  bool blocked() const { return implementation.starts_with("brg"); }
  /// Writes the kernel's code, which takes a millisecond.
  void makePrimitive();
};

/// The kernel for `spec`, its weights as the library likes them best. Nothing
/// where it has none: what it refuses, and what its reference implementation
/// would compute, hundreds of times slower than any other way.
std::optional<Matmul> findMatmul(const dnnl::engine &engine,
                                 const MatmulSpec &spec);

/// As findMatmul(), of bytes: x without a sign, weights with one in blocks of
/// 64 channels, y i32.
std::optional<Matmul> findIntegerMatmul(const dnnl::engine &engine,
                                        const MatmulSpec &spec);

/// Copies, converts and re-lays out `from` into `to`.
struct Reorder {
  dnnl::reorder primitive;
  int64_t scratchBytes = 0;
  /// Whether it is slow: one element after the other.
  bool elementwise = false;
};
Reorder makeReorder(const dnnl::engine &engine, const dnnl::memory::desc &from,
                    const dnnl::memory::desc &to);

/// See pretendOnlyReferences().
extern std::atomic<bool> onlyReferences;

/// The library's name of a MarimbaDType: f32, f16 and bf16 only.
dnnl::memory::data_type dataType(int32_t type);

dnnl::memory::data_type typeOf(const dnnl::memory::desc &desc);

/// A [rows, columns] matrix of `type`, rows `stride` elements apart.
dnnl::memory::desc matrix(int64_t rows, int64_t columns, int64_t stride,
                          int32_t type);
/// Stored [n, k] row-major weights, seen as the [k, n] that oneDNN wants.
dnnl::memory::desc storedWeights(int64_t k, int64_t n, int32_t type);
/// Where the operand of post-op `index` goes in a primitive's arguments.
int postOpArgument(const MatmulSpec &spec, size_t index);

/// [blocks, inputs, 64]: what generated code reads (marimba_packed_weights),
/// and what matmuls like best with AVX-512 and 64 channels or more.
dnnl::memory::desc blockedWeights(int64_t k, int64_t n, int32_t type);
/// Bytes of weights [k, n] as docs/quantization.md has them; k is a multiple of
/// 64.
dnnl::memory::desc blockedBytes(int64_t k, int64_t n);
/// A layout in words, the same for two only where the bytes have the same
/// meaning; empty where the library does not say how they lie.
std::string layoutText(const dnnl::memory::desc &desc);
/// The library's version and the instructions it uses: both decide layouts.
std::string libraryText();
/// The instructions that it uses, for a message: "AVX2", "AVX512_CORE".
std::string instructionsText();

} // namespace marimba::rt::dnn

#endif // MARIMBA_RUNTIME_CORE_DNNLPRIMITIVES_H
