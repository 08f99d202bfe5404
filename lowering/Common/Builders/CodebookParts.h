//===- CodebookParts.h - Numbers of codebooks in code -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_BUILDERS_CODEBOOKPARTS_H
#define MARIMBA_LOWERING_COMMON_BUILDERS_CODEBOOKPARTS_H

#include "dialects/Marimba/IR/Quantized.h"
#include "lowering/Common/Builders/KernelBuilder.h"

#include <functional>

namespace mlir::marimba {

/// How the processor reads entries of codebooks, if it has a better way than
/// loads. `places` are words of four places' lower eight bits, `upper` their
/// other bits, each at the bottom of its byte, or null. It returns the entries'
/// words of four numbers, those of byte 0 first, or nothing.
using EntryLookUp =
    std::function<SmallVector<Value, 8>(Value places, Value upper)>;

/// Numbers of a matrix whose codes are places in a codebook (formats::Layout).
class CodebookParts {
public:
  CodebookParts(KernelBuilder &b, const formats::Layout &layout)
      : b(b), layout(layout), codes(*layout.encoding.grid()) {}

  /// The words of a channel.
  struct Words {
    Value places, upper, signs; // [blocks, words, 64] of i32, or null
  };
  /// The integer of one code as i32.
  Value element(const Words &from, Value block, Value lane, Value k) const;

  /// Of a step, all of one group: the integers of each channel of vectors as
  /// words of four signed bytes, in the order of inputs. `places` are loaded
  /// words of codes.
  SmallVector<Value, 8> fours(const Words &from, ArrayRef<Value> places,
                              Value block, Value step, Value lane,
                              const EntryLookUp &lookUp) const;

  /// Of a group's byte of scales (i8, scalar or vector): (2 s + 1) times the
  /// table's unit, as f32.
  Value steps(Value bytes, Value group) const;

  /// Inputs of a step, and the words of codes that have them.
  int64_t step() const { return std::min<int64_t>(32, layout.group); }
  int64_t wordsOfStep() const { return codes.width == 4 ? 2 : 1; }
  Value firstWord(Value step) const;

private:
  /// Half of a word's entries where a step has no more.
  Value halfOf(Value word, Value step) const;
  /// Bytes `byte` of words, four times each.
  Value spread(Value words, int64_t byte) const;
  /// Where the bytes of `flags` have a bit of those of `bits`, `then`, else
  /// `otherwise`: words.
  Value choose(Value flags, ArrayRef<int64_t> bits, Value then,
               Value otherwise) const;
  /// The entries' words, by loads.
  SmallVector<Value, 8> load(Value places, Value upper) const;
  Value table() const;
  Value shiftedRight(Value word, Value bits) const;

  KernelBuilder &b;
  const formats::Layout &layout;
  const formats::GridCodes &codes;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_BUILDERS_CODEBOOKPARTS_H
