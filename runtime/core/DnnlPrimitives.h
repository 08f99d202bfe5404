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
#include <compare>
#include <cstdint>
#include <string>

namespace marimba::rt::dnn {

/// A post-op as the primitive has to know it: operands come with each call.
struct PostOp {
  int32_t kind = -1; // MarimbaPostOpKind; -1: none
  int32_t type = 0;  // MarimbaDType of the operand
  auto operator<=>(const PostOp &) const = default;
};

/// Y[rows, n] = X[rows, k] * W[k, n] (+ bias), then post-ops. `xStride` and
/// `yStride` are the distances of rows, in elements; operands of post-ops are
/// dense. Primitives are made for a team of `team` threads.
struct MatmulSpec {
  int64_t rows = 0, k = 0, n = 0, xStride = 0, yStride = 0;
  int32_t xType = MARIMBA_F32, yType = MARIMBA_F32; // of W: xType
  bool bias = false;
  bool plainWeights = false; // [k, n], row-major, whatever the library likes
  int team = 1;
  std::array<PostOp, MARIMBA_MAX_POST_OPS> postOps = {};
  auto operator<=>(const MatmulSpec &) const = default;
};

/// A matmul whose weights have the layout that the library likes best.
struct Matmul {
  dnnl::matmul primitive;
  dnnl::memory::desc x, weights, bias, y;
  int64_t scratchBytes = 0;
  std::string implementation;
};

/// As matmul(), of bytes: x without a sign, weights with one in blocks of 64
/// channels, y i32. Throws where the library has no fast kernel for that.
Matmul makeIntegerMatmul(const dnnl::engine &engine, const MatmulSpec &spec);

/// The library manages no scratch memory: the caller gives `scratchBytes`.
Matmul makeMatmul(const dnnl::engine &engine, const MatmulSpec &spec);

/// Copies, converts and re-lays out `from` into `to`.
struct Reorder {
  dnnl::reorder primitive;
  int64_t scratchBytes = 0;
};
Reorder makeReorder(const dnnl::engine &engine, const dnnl::memory::desc &from,
                    const dnnl::memory::desc &to);

/// The library's name of a MarimbaDType: f32, f16 and bf16 only.
dnnl::memory::data_type dataType(int32_t type);

dnnl::memory::data_type typeOf(const dnnl::memory::desc &desc);

/// A [rows, columns] matrix of `type`, rows `stride` elements apart.
dnnl::memory::desc matrix(int64_t rows, int64_t columns, int64_t stride,
                          int32_t type);
/// Stored [n, k] row-major weights, seen as the [k, n] that oneDNN wants.
dnnl::memory::desc storedWeights(int64_t k, int64_t n, int32_t type);
/// Where the operand of post-op `index` goes in a primitive's arguments.
int postOpArgument(size_t index);

/// The layout that matmuls computing in `type` like best for their weights; it
/// does not depend on the number of rows (docs/cache.md).
dnnl::memory::desc packedWeights(const dnnl::engine &engine, int64_t k,
                                 int64_t n, int32_t type);
/// [blocks, inputs, 64]: what generated code reads (marimba_packed_weights),
/// and what packedWeights() is with AVX-512 and 64 channels or more.
dnnl::memory::desc blockedWeights(int64_t k, int64_t n, int32_t type);
/// A layout in words, the same for two only where the bytes have the same
/// meaning; empty where the library does not say how they lie.
std::string layoutText(const dnnl::memory::desc &desc);
/// The library's version and the instructions it uses: both decide layouts.
std::string libraryText();

} // namespace marimba::rt::dnn

#endif // MARIMBA_RUNTIME_CORE_DNNLPRIMITIVES_H
