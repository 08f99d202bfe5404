//===- IntegerProducts.h - Sums of products of bytes ------------*- C++ -*-===//
//
// Part of Marimba. What kernels of few and of many rows share.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_INTEGERPRODUCTS_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_INTEGERPRODUCTS_H

#include "dialects/Marimba/IR/Quantized.h"
#include "lowering/Common/Builders/QuantizedParts.h"
#include "lowering/Target/IntegerUnit.h"

namespace mlir::marimba {

/// Exact sums of codes times activations, a channel in each lane of 32 bits, by
/// what the target has. The order within a sum does not matter.
///
/// vpdpbusd adds four products. Its first factor is unsigned, so codes of 8
/// bits get an offset of 128.
///
/// vpmaddubsw adds pairs of products in 16 bits. Of codes of 4 bits eight pairs
/// fit there, of E2M1's numbers, which get an offset too, five. Of those of 8
/// bits one pair of magnitudes does, times activations with the codes' signs.
class IntegerProducts {
public:
  IntegerProducts(KernelBuilder &b, IntegerUnit unit,
                  const formats::Encoding &encoding, int64_t lanes);

  /// Whether the unit has an instruction for that many lanes.
  static bool has(IntegerUnit unit, int64_t lanes);

  /// Four codes of each channel, a factor of the instruction.
  struct Codes {
    Value bytes;
    Value signs; // the codes themselves, where `bytes` are magnitudes
  };
  /// A step of each channel as words of four codes. What they become for each
  /// use is left to `codesOf`.
  SmallVector<Value, 8> prepare(const QuantizedParts &parts,
                                const QuantizedParts::Step &step);
  Codes codesOf(Value prepared);
  /// Activations [k, k + 4) of a row of i8, in each lane.
  Value activations(Value input, ValueRange row, Value k);

  /// Into how many sums products of a sum go by turns: vpdpbusd takes a few
  /// cycles, so that one chain of them is too slow where there are few sums.
  size_t chainsOfSum = 2;

  /// A sum in the making.
  struct Sum {
    SmallVector<Value, 2> chains; // in 32 bits
    Value pairs;                  // in 16 bits
    int64_t added = 0;
  };
  /// Adds four codes times `activations`.
  void add(Sum &sum, const Codes &codes, Value activations);
  /// The sum, a vector of i32.
  Value total(Sum &sum);

  /// What is added to the codes, which a sum of activations takes off again.
  double offset() const { return double(shift); }

  /// Whether sums begin in 16 bits.
  bool hasPairs() const {
    return mostPairs > 1 && unit == IntegerUnit::MAddUBS;
  }

private:
  bool magnitudes() const { return isSigned && shift == 0; }
  Value bytes(Value words) { return cast(words, 8); }
  Value cast(Value vector, int64_t bits);
  /// The intrinsic for the vector's width, one of `names` for 128, 256 and 512
  /// bits.
  Value call(ArrayRef<StringRef> names, int64_t resultBits,
             ArrayRef<Value> operands);
  Value addPairs(Value pairs);
  Value withSigns(Value activations, Value signs);

  KernelBuilder &b;
  IntegerUnit unit;
  int64_t lanes;
  const signed char *table; // formats::codeTable
  bool isSigned;            // bytes around 0
  int64_t shift = 0;        // offset()
  /// Of how many products of codes and activations 16 bits hold the sum, in
  /// each half of a word.
  int64_t mostPairs;
};

/// Codes of 4 bits in the bytes of words, looked up in a formats::codeTable;
/// `shift` is added to each. Of vectors that IntegerProducts::has() lanes for.
Value lookUpBytes(KernelBuilder &b, const signed char *table, Value words,
                  int64_t shift = 0);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_INTEGERPRODUCTS_H
