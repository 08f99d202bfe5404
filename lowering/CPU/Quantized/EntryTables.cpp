//===- EntryTables.cpp - Entries of codebooks by permutations ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/EntryTables.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

static constexpr int64_t kLanes = 16;
static constexpr int64_t kBytes = 4 * kLanes; // of a register
/// Bytes of a table that one vpermi2b looks up in.
static constexpr int64_t kSlice = 2 * kBytes;

namespace {

/// A codebook as tables of bytes.
class EntryTables {
public:
  EntryTables(KernelBuilder &b, formats::CodeValues values)
      : b(b), codes(*formats::gridCodes(values)),
        words(formats::gridWords(values)), bits(codes.width == 8 ? 2 : 4),
        bytes(VectorType::get({kBytes}, b.getI8Type())) {
    for (uint32_t word : words)
      for (int64_t j = 0; j < 4; ++j)
        levels.push_back(static_cast<int8_t>(word >> 8 * j));
    llvm::sort(levels);
    levels.erase(llvm::unique(levels), levels.end());
  }

  SmallVector<Value, 8> lookUp(Value places, Value upper) const {
    Value index = vector::BitCastOp::create(b, bytes, places);
    // Which of two slices of a table, or of two times as many: bit by bit.
    SmallVector<Value> choices{
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, index, splat(0))};
    if (upper) {
      upper = vector::BitCastOp::create(b, bytes, upper);
      for (int64_t bit = 0; kSlice << choices.size() < entries(); ++bit) {
        Value chosen = arith::AndIOp::create(b, upper, splat(1 << bit));
        choices.push_back(arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                                chosen, splat(0)));
      }
    }
    Value packed[2];
    for (int64_t t = 0; t < 2; ++t)
      packed[t] = packedByte(t, index, choices);
    SmallVector<Value, 8> made;
    if (codes.width == 8) { // the halves of an entry are bytes
      for (int64_t byte = 0; byte < 4; ++byte)
        for (Value half : packed)
          made.push_back(apart(half, 8 * byte));
      return made;
    }
    // Of an entry of 4, both bytes side by side.
    for (int64_t byte = 0; byte < 4; ++byte) {
      SmallVector<int64_t> from;
      for (int64_t i = 0; i < kBytes; ++i)
        from.push_back(i / 4 * 4 + byte / 2 * 2 + i % 4 / 2 + i % 2 * kBytes);
      Value pairs = vector::ShuffleOp::create(b, packed[0], packed[1], from);
      made.push_back(apart(pairs, 16 * (byte % 2)));
    }
    return made;
  }

private:
  int64_t entries() const {
    return static_cast<int64_t>(words.size()) * 4 / codes.width;
  }
  Value constant(ArrayRef<int8_t> values) const {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(bytes, values));
  }
  Value splat(int64_t value) const {
    return constant(SmallVector<int8_t>(kBytes, static_cast<int8_t>(value)));
  }
  Value call(StringRef name, ArrayRef<Value> operands) const {
    return LLVM::CallIntrinsicOp::create(b, b.getLoc(), Type(bytes),
                                         b.getStringAttr(name), operands)
        .getResult(0);
  }

  /// Byte `t` of an entry in fewer bits: places of its numbers in `levels`.
  int8_t packedEntry(int64_t entry, int64_t t) const {
    int made = 0;
    for (int64_t i = 0; i < 8 / bits; ++i) {
      int64_t at = entry * codes.width + t * (8 / bits) + i;
      auto number = static_cast<int8_t>(words[static_cast<size_t>(at / 4)] >>
                                        8 * (at % 4));
      made |= int(llvm::find(levels, number) - levels.begin()) << bits * i;
    }
    return static_cast<int8_t>(made);
  }

  Value packedByte(int64_t t, Value index, ArrayRef<Value> choices) const {
    SmallVector<Value> found;
    for (int64_t first = 0; first < entries(); first += kSlice) {
      SmallVector<int8_t> table[2];
      for (int64_t i = 0; i < kSlice; ++i)
        table[i / kBytes].push_back(packedEntry(first + i, t));
      found.push_back(call("llvm.x86.avx512.vpermi2var.qi.512",
                           {constant(table[0]), index, constant(table[1])}));
    }
    for (Value choice : choices) {
      SmallVector<Value> next;
      for (size_t i = 0; i + 1 < found.size(); i += 2)
        next.push_back(
            arith::SelectOp::create(b, choice, found[i + 1], found[i]));
      found = std::move(next);
    }
    return found.front();
  }

  /// Words of the four numbers whose bits begin at `first` of each word.
  Value apart(Value packed, int64_t first) const {
    SmallVector<int8_t> from, table;
    for (int64_t i = 0; i < kBytes; ++i) {
      from.push_back(
          static_cast<int8_t>(i % 8 / 4 * 32 + first + i % 4 * bits));
      // Of six bits the upper ones are the next number's.
      auto level = static_cast<size_t>(i & (bits == 2 ? 3 : 7));
      table.push_back(levels[std::min(level, levels.size() - 1)]);
    }
    Value fields =
        call("llvm.x86.avx512.pmultishift.qb.512", {constant(from), packed});
    Value numbers =
        call("llvm.x86.avx512.permvar.qi.512", {constant(table), fields});
    return vector::BitCastOp::create(
        b, VectorType::get({kLanes}, b.getI32Type()), numbers);
  }

  KernelBuilder &b;
  const formats::GridCodes &codes;
  std::vector<uint32_t> words;
  SmallVector<int8_t> levels;
  int64_t bits; // of a number's place in them
  VectorType bytes;
};

} // namespace

EntryLookUp mlir::marimba::lookUpByPermutation(KernelBuilder &b,
                                               formats::CodeValues values) {
  return [tables = EntryTables(b, values)](Value places, Value upper) {
    if (cast<VectorType>(places.getType()).getNumElements() != kLanes)
      return SmallVector<Value, 8>();
    return tables.lookUp(places, upper);
  };
}
