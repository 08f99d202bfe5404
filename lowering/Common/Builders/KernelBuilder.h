//===- KernelBuilder.h - Loops, loads and arithmetic ------------*- C++ -*-===//
//
// Part of Marimba. A builder with short names for what kernels are made of:
// loops over memrefs, scalar and vector arithmetic in f32.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_BUILDERS_KERNELBUILDER_H
#define MARIMBA_LOWERING_COMMON_BUILDERS_KERNELBUILDER_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir::marimba {

/// exp(x) = 2^(x log2 e)
inline constexpr double kLog2E = 1.44269504088896341;

/// From here down silu is -0 in f32, because exp(-x) is infinite.
inline constexpr double kLeastSilu = -128.0;

/// From here down gelu is 0 in f32, because erf(x / sqrt(2)) is -1.
inline constexpr double kLeastGelu = -16.0;
/// The same of its approximation by tanh.
inline constexpr double kLeastGeluWithTanh = -16.0;

/// Values of type index, f32 or vector<...xf32>; memrefs of any stored float.
class KernelBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // Constants and sizes.
  Value index(int64_t value);
  Value constant(double value);
  /// Size of a memref's dimension; a constant where it is static.
  Value dim(Value memref, int64_t dimension);

  // Index arithmetic.
  Value addi(Value a, Value b);
  Value subi(Value a, Value b);
  Value muli(Value a, Value b);
  Value mini(Value a, Value b);
  Value maxi(Value a, Value b);
  Value cmpi(bool lessThan, Value a, Value b); // a < b, or a >= b
  Value isZero(Value a);
  /// An index below 2^31 as f32.
  Value toFloat(Value index);

  // f32, scalars or vectors. A scalar beside a vector is broadcast.
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value fma(Value a, Value b, Value c); // a * b + c
  Value max(Value a, Value b);
  Value neg(Value a);
  /// `bound` where x is less (more) than that, else x: NaN stays NaN.
  Value atLeast(Value x, double bound);
  Value atMost(Value x, double bound);
  /// c[0] + c[1] x + c[2] x^2 + ..., one fma for each power.
  Value polynomial(Value x, ArrayRef<double> c);
  Value exp(Value a);
  /// exp as --approximate-math makes it with `afn`: half of the operations.
  Value fastExp(Value a);
  Value exp2(Value a);
  /// cap * tanh(x / cap)
  Value softcap(Value x, double cap);
  /// x / (1 + exp(-x)), with fastExp; -0 where exp(-x) is infinite.
  Value silu(Value x);
  /// 1 / (1 + exp(-x)), with fastExp.
  Value sigmoid(Value x);
  /// max(x, 0)^2
  Value relu2(Value x);
  /// x / 2 * (1 + erf(x / sqrt(2)))
  Value gelu(Value x);
  Value geluWithTanh(Value x);
  /// max(x, 0) + log1p(exp(-|x|)), both with `afn`.
  Value softplus(Value x);

  // Memory. Loads widen bf16, f16 and i8 to f32, stores round to the memref's
  // type.
  Value load(Value memref, ValueRange indices);
  /// An i32 element as index.
  Value loadIndex(Value memref, ValueRange indices);
  void store(Value value, Value memref, ValueRange indices);
  void storeIndex(Value value, Value memref, ValueRange indices);

  /// `lanes` contiguous elements along the last dimension from `indices`, as
  /// f32. With a mask (vector<lanes x i1>) lanes that are off read as 0.
  Value loadVector(int64_t lanes, Value memref, ValueRange indices, Value mask);
  void storeVector(Value vector, Value memref, ValueRange indices, Value mask);
  /// Prefetches the cache line of an element for reading. Locality 3 brings it
  /// into the first-level cache, 2 into the second.
  void prefetch(Value memref, ValueRange indices, unsigned locality);
  /// Mask of the lanes below `count`.
  Value tailMask(int64_t lanes, Value count);
  /// Mask of the lanes from element `first` on that are below `count`, which
  /// may be none.
  Value maskFrom(int64_t lanes, Value first, int64_t count);
  Value broadcast(int64_t lanes, Value scalar);
  /// The integer in the type of `value`, an integer or a vector of them; bits
  /// that it has no place for are left out.
  Value like(Value value, int64_t constant);
  /// A vector of one i32.
  Value splat(int64_t lanes, int64_t value);
  Value zeros(int64_t lanes);
  /// Sum or maximum of a vector's lanes.
  Value reduceAdd(Value vector);
  Value reduceMax(Value vector);

  // Control.
  void loop(Value begin, Value end, llvm::function_ref<void(Value)> body,
            int64_t step = 1);
  SmallVector<Value>
  loop(Value begin, Value end, ValueRange inits,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body,
       int64_t step = 1);
  /// Iterations that may run in any order, on any thread. `step` is that of
  /// the last dimension.
  void parallel(ValueRange counts, llvm::function_ref<void(ValueRange)> body,
                int64_t step = 1);
  Value select(Value condition, Value a, Value b);
  void ifThen(Value condition, llvm::function_ref<void()> body);
  Value ifElse(Value condition, llvm::function_ref<Value()> yes,
               llvm::function_ref<Value()> no);

  /// How many of a row's tokens are real: valid[row], or `time` without it.
  Value rowTokens(Value valid, Value row, Value time);

private:
  /// Broadcasts the scalar of a mixed pair.
  void unify(Value &a, Value &b);
};

/// The indices of an element of a row, whose own indices are `row`.
inline SmallVector<Value> elementOf(ValueRange row, Value last) {
  SmallVector<Value> indices(row);
  indices.push_back(last);
  return indices;
}

/// Lanes of f32 in a vector of `vectorBits`; an error of `op` where that is no
/// power of two of at least 64.
FailureOr<int64_t> lanesOf(Operation *op, unsigned vectorBits);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_BUILDERS_KERNELBUILDER_H
