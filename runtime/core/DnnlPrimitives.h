//===- DnnlPrimitives.h - The calls into oneDNN's API -----------*- C++ -*-===//
//
// The only file (with its .cpp) that creates oneDNN primitives: versions 2 and
// 3 differ in how a primitive descriptor is made, and only here. Everything
// throws dnnl::error.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CORE_DNNLPRIMITIVES_H
#define MARIMBA_RUNTIME_CORE_DNNLPRIMITIVES_H

#include <dnnl.hpp>

#include <cstdint>
#include <string>

namespace marimba::rt::dnn {

/// A matmul Y[rows, n] = X[rows, k] * W[k, n] (+ bias) in f32 whose weights
/// have the layout that the library likes best.
struct Matmul {
  dnnl::matmul primitive;
  dnnl::memory::desc x, weights, bias, y;
  int64_t scratchBytes = 0;
  std::string implementation;
};

/// `xStride` and `yStride` are the distances of rows, in elements. The library
/// manages no scratch memory: the caller gives `scratchBytes`.
Matmul makeMatmul(const dnnl::engine &engine, int64_t rows, int64_t k,
                  int64_t n, int64_t xStride, int64_t yStride, bool bias);

/// Copies, converts and re-lays out `from` into `to`.
struct Reorder {
  dnnl::reorder primitive;
  int64_t scratchBytes = 0;
};
Reorder makeReorder(const dnnl::engine &engine, const dnnl::memory::desc &from,
                    const dnnl::memory::desc &to);

/// A [rows, columns] matrix of `type`, rows `stride` elements apart.
dnnl::memory::desc matrix(int64_t rows, int64_t columns, int64_t stride,
                          dnnl::memory::data_type type);
/// Stored [n, k] row-major weights, seen as the [k, n] that oneDNN wants.
dnnl::memory::desc storedWeights(int64_t k, int64_t n,
                                 dnnl::memory::data_type type);

} // namespace marimba::rt::dnn

#endif // MARIMBA_RUNTIME_CORE_DNNLPRIMITIVES_H
