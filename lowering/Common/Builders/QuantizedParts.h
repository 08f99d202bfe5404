//===- QuantizedParts.h - Views of a quantised matrix -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_BUILDERS_QUANTIZEDPARTS_H
#define MARIMBA_LOWERING_COMMON_BUILDERS_QUANTIZEDPARTS_H

#include "dialects/Marimba/IR/Quantized.h"
#include "lowering/Common/Builders/CodebookParts.h"
#include "lowering/Common/Builders/KernelBuilder.h"

#include <functional>

namespace mlir::marimba {

/// The parts of one matrix as memrefs (formats::Layout), from its bytes.
class QuantizedParts {
public:
  /// `bytes` is the memref of the whole tensor, of the type `stored`; `matrix`
  /// picks one of a stack and may be null.
  QuantizedParts(KernelBuilder &b, Value bytes, RankedTensorType stored,
                 Value matrix);

  const formats::Layout layout;
  Value words; // [blocks, words, 64] of i32
  // Null where there are none:
  Value highWords;     // [blocks, high words, 64] of i32
  Value signWords;     // likewise, of codebooks
  Value scales;        // [blocks, groups, 64], of i8 with super-blocks; of
                       // codebooks [blocks, groups / 2, 64] of i8
  Value zeros;         // [blocks, groups, 64] of i8
  Value minimums;      // as scales
  Value superScales;   // [blocks, super-blocks, 64]
  Value superMinimums; // as super-scales

  /// W[n, k] in f32: the definition.
  Value element(Value n, Value k) const;
  /// What is subtracted from the codes of `lanes` channels from `lane` on:
  /// their zero points or the center, in f32. Null where nothing is.
  Value zeroPoints(int64_t lanes, Value block, Value group, Value lane) const;

  /// Scales, and minimums, of such channels in f32: of what unpack() gives.
  /// Minimums are null where there are none.
  Value loadScales(int64_t lanes, Value block, Value group, Value lane) const;
  Value loadMinimums(int64_t lanes, Value block, Value group, Value lane) const;

  /// Inputs that kernels take at once: whole words of codes, all of one group.
  int64_t step() const;
  /// Words of codes that have those inputs, and the first of them. Of some
  /// codebooks two steps are in one word.
  int64_t wordsOfStep() const;
  Value firstWord(Value step) const;
  /// The bits of the codes of a step of each channel, as vectors of i32.
  struct Step {
    SmallVector<Value, 4> words;
    Value high; // from the lowest bit on; null where there are none
    SmallVector<Value, 8> fours; // of codebooks: what four() gives
  };
  /// Those of `lanes` channels from `lane` on.
  Step loadStep(int64_t lanes, Value block, Value step, Value lane) const;
  /// The same with its words, which have been loaded.
  Step withHighBits(SmallVector<Value, 4> words, int64_t lanes, Value block,
                    Value step, Value lane) const;

  /// Codes 4f to 4f + 3 of a step as the bytes of words, without a sign where
  /// they have fewer than 8 bits; of codebooks, what they stand for.
  Value four(const Step &step, int64_t f) const;
  /// Code `j` of a step as f32: what it stands for (twice that of E2M1, whose
  /// scales are halved), minus the encoding's center or, where it has none,
  /// minus `zero` if that is not null.
  Value unpack(const Step &step, int64_t j, Value zero) const;
  /// `sum` plus the four signed bytes of a word, or of each of a vector of
  /// words.
  Value addBytes(Value words, Value sum) const;

  /// How the processor looks the bytes of words up in formats::codeTable, if it
  /// has a better way than arithmetic; it may return null.
  std::function<Value(Value words)> lookUp;
  /// The same for entries of codebooks.
  EntryLookUp lookUpEntries;

private:
  CodebookParts::Words gridWords() const {
    return {words, highWords, signWords};
  }
  Value view(Value bytes, Value base, formats::PartKind kind);
  /// Codes (i32, scalar or vector, without a sign but of 8 bits) as f32.
  Value valueOf(Value code, Value zero) const;
  /// The table's numbers for codes of 4 bits.
  Value fromTable(Value code) const;
  /// Numbers of 8 bits in the low bytes.
  Value fromE4M3(Value code, bool asScale) const;
  /// What a part of groups has, in f32, as `lanes` numbers or, with 0, one.
  Value loadTerm(Value groups, Value supers, int64_t lanes, Value block,
                 Value group, Value lane) const;
  Value likeFloat(Value value, double constant) const;

  KernelBuilder &b;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_BUILDERS_QUANTIZEDPARTS_H
