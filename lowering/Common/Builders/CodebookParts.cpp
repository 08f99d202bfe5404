//===- CodebookParts.cpp - Numbers of codebooks in code ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Builders/CodebookParts.h"

#include "dialects/Runtime/IR/Runtime.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

Value CodebookParts::table() const {
  formats::CodeValues values = layout.encoding.values;
  auto size = static_cast<int64_t>(formats::gridWords(values).size());
  return rt::CodebookOp::create(b, MemRefType::get({size}, b.getI32Type()),
                                formats::codeValuesName(values));
}

/// `word`, or each of a vector, shifted by an index.
Value CodebookParts::shiftedRight(Value word, Value bits) const {
  Value shift = arith::IndexCastOp::create(b, b.getI32Type(), bits);
  if (auto vector = dyn_cast<VectorType>(word.getType()))
    shift = vector::BroadcastOp::create(b, vector, shift);
  return arith::ShRUIOp::create(b, word, shift);
}

Value CodebookParts::element(const Words &from, Value block, Value lane,
                             Value k) const {
  auto divide = [&](Value a, int64_t by) -> Value {
    return arith::DivUIOp::create(b, a, b.index(by));
  };
  auto modulo = [&](Value a, int64_t by) -> Value {
    return arith::RemUIOp::create(b, a, b.index(by));
  };
  Value byte = b.muli(divide(modulo(k, 32), 8), b.index(8)); // its first bit
  // `count` bits from `bit` on of a word.
  auto bits = [&](Value words, Value word, Value bit, int64_t count) -> Value {
    Value loaded =
        memref::LoadOp::create(b, words, ValueRange{block, word, lane});
    loaded = shiftedRight(loaded, bit);
    return arith::AndIOp::create(b, loaded, b.like(loaded, (1 << count) - 1));
  };
  Value word = divide(k, 32);
  if (codes.width == 4)
    word = b.addi(b.muli(word, b.index(2)), modulo(divide(k, 4), 2));
  Value place = bits(from.places, word, byte, 8), upper;
  if (codes.upperBits) {
    int64_t perWord = 8 / codes.upperBits;
    Value plane = b.muli(modulo(word, perWord), b.index(codes.upperBits));
    upper = bits(from.upper, divide(word, perWord), b.addi(byte, plane),
                 codes.upperBits);
    int64_t mask = (1 << (codes.upperBits - codes.shifted)) - 1;
    Value top = arith::AndIOp::create(b, upper, b.like(upper, mask));
    top = arith::ShLIOp::create(b, top, b.like(top, 8));
    place = arith::OrIOp::create(b, place, top);
  }
  Value at = arith::IndexCastUIOp::create(b, b.getIndexType(), place);
  if (codes.width == 8)
    at = b.addi(b.muli(at, b.index(2)), divide(modulo(k, 8), 4));
  Value number = memref::LoadOp::create(b, table(), at);
  // Byte k % 4, with its sign.
  number = shiftedRight(number, b.muli(modulo(k, 4), b.index(8)));
  number = arith::ShLIOp::create(b, number, b.like(number, 24));
  number = arith::ShRSIOp::create(b, number, b.like(number, 24));
  Value other, flag;
  if (codes.signs) {
    flag = bits(from.signs, divide(k, 32), modulo(k, 32), 1);
    other = arith::SubIOp::create(b, b.like(number, 0), number);
  } else {
    flag = arith::ShRUIOp::create(b, upper, b.like(upper, codes.upperBits - 1));
    other = arith::SubIOp::create(b, number, b.like(number, 2));
  }
  Value isSet =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, flag, b.like(flag, 0));
  return arith::SelectOp::create(b, isSet, other, number);
}

Value CodebookParts::firstWord(Value step) const {
  if (codes.width == 4)
    return b.muli(step, b.index(2));
  return arith::DivUIOp::create(b, step, b.index(32 / this->step()));
}

Value CodebookParts::halfOf(Value word, Value step) const {
  if (this->step() == 32)
    return word;
  Value half = arith::RemUIOp::create(b, step, b.index(2));
  return shiftedRight(word, b.muli(half, b.index(16)));
}

Value CodebookParts::spread(Value words, int64_t byte) const {
  int64_t lanes = cast<VectorType>(words.getType()).getNumElements();
  auto type = VectorType::get({4 * lanes}, b.getI8Type());
  Value bytes = vector::BitCastOp::create(b, type, words);
  SmallVector<int64_t> from;
  for (int64_t i = 0; i < 4 * lanes; ++i)
    from.push_back(i / 4 * 4 + byte);
  return vector::ShuffleOp::create(b, bytes, bytes, from);
}

Value CodebookParts::choose(Value flags, ArrayRef<int64_t> bits, Value then,
                            Value otherwise) const {
  auto type = cast<VectorType>(flags.getType());
  SmallVector<int8_t> masks;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    masks.push_back(static_cast<int8_t>(1 << bits[i % 4]));
  Value mask = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<int8_t>(masks)));
  Value chosen = arith::AndIOp::create(b, flags, mask);
  Value isSet = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, chosen,
                                      b.like(chosen, 0));
  Value made = arith::SelectOp::create(b, isSet, then, otherwise);
  int64_t lanes = type.getNumElements() / 4;
  return vector::BitCastOp::create(b, VectorType::get({lanes}, b.getI32Type()),
                                   made);
}

SmallVector<Value, 8> CodebookParts::load(Value places, Value upper) const {
  auto type = cast<VectorType>(places.getType());
  int64_t lanes = type.getNumElements();
  Value from = table(), none = b.like(places, 0);
  Value all = arith::ConstantOp::create(
      b, DenseElementsAttr::get(VectorType::get({lanes}, b.getI1Type()), true));
  auto byteOf = [&](Value words, int64_t byte) -> Value {
    Value moved =
        byte ? arith::ShRUIOp::create(b, words, b.like(words, 8 * byte))
             : words;
    return arith::AndIOp::create(b, moved, b.like(words, 255));
  };
  SmallVector<Value, 8> words;
  for (int64_t byte = 0; byte < step() / 8; ++byte) {
    Value at = byteOf(places, byte);
    if (upper) {
      Value top = byteOf(upper, byte);
      top = arith::ShLIOp::create(b, top, b.like(top, 8));
      at = arith::OrIOp::create(b, at, top);
    }
    if (codes.width == 8)
      at = arith::ShLIOp::create(b, at, b.like(at, 1));
    for (int64_t half = 0; half < codes.width / 4; ++half)
      words.push_back(vector::GatherOp::create(b, type, from, b.index(half), at,
                                               all, none));
  }
  return words;
}

SmallVector<Value, 8> CodebookParts::fours(const Words &from,
                                           ArrayRef<Value> places, Value block,
                                           Value step, Value lane,
                                           const EntryLookUp &lookUp) const {
  auto type = cast<VectorType>(places.front().getType());
  auto loadWord = [&](Value words, Value index) -> Value {
    Value loaded =
        vector::LoadOp::create(b, type, words, ValueRange{block, index, lane});
    return halfOf(loaded, step);
  };
  Value signs, upper;
  if (codes.signs)
    signs =
        loadWord(from.signs,
                 arith::DivUIOp::create(b, step, b.index(32 / this->step())));
  if (codes.upperBits) {
    Value perWord = b.index(8 / codes.upperBits), first = firstWord(step);
    upper = loadWord(from.upper, arith::DivUIOp::create(b, first, perWord));
    Value plane = arith::RemUIOp::create(b, first, perWord);
    upper = shiftedRight(upper, b.muli(plane, b.index(codes.upperBits)));
  }
  // Words by their places in inputs: with entries of 4, those of both words
  // take turns.
  int64_t perPlace = codes.width / 4;
  SmallVector<Value, 8> fours(static_cast<size_t>(this->step() / 4));
  for (auto [w, word] : llvm::enumerate(places)) {
    Value top = upper, flags = upper;
    if (upper) {
      if (w)
        flags = arith::ShRUIOp::create(
            b, upper, b.like(upper, int64_t(w) * codes.upperBits));
      int64_t mask = (1 << (codes.upperBits - codes.shifted)) - 1;
      top = arith::AndIOp::create(b, flags, b.like(flags, mask * 0x01010101));
    }
    Value lower = halfOf(word, step);
    SmallVector<Value, 8> found;
    if (lookUp)
      found = lookUp(lower, top);
    if (found.empty())
      found = load(lower, top);
    for (int64_t i = 0; i < this->step() / 8 * perPlace; ++i) {
      int64_t byte = i / perPlace, half = perPlace == 2 ? i % 2 : int64_t(w);
      Value flag = spread(codes.signs ? signs : flags, byte);
      Value number = vector::BitCastOp::create(b, flag.getType(), found[i]);
      int64_t bit = codes.signs ? 4 * half : codes.upperBits - 1;
      SmallVector<int64_t> bits(4, bit);
      Value other;
      if (codes.signs) {
        for (int64_t j = 0; j < 4; ++j)
          bits[j] += j;
        other = arith::SubIOp::create(b, b.like(number, 0), number);
      } else {
        other = arith::SubIOp::create(b, number, b.like(number, 2));
      }
      fours[2 * byte + half] = choose(flag, bits, other, number);
    }
  }
  return fours;
}

Value CodebookParts::steps(Value bytes, Value group) const {
  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  if (auto vector = dyn_cast<VectorType>(bytes.getType())) {
    i32 = vector.clone(i32);
    f32 = vector.clone(f32);
  }
  Value pair = arith::ExtUIOp::create(b, i32, bytes);
  Value half = arith::RemUIOp::create(b, group, b.index(2));
  Value steps = shiftedRight(pair, b.muli(half, b.index(4)));
  steps = arith::AndIOp::create(b, steps, b.like(steps, 15));
  Value twice = arith::AddIOp::create(b, steps, steps);
  twice = arith::OrIOp::create(b, twice, b.like(twice, 1));
  return b.mul(arith::SIToFPOp::create(b, f32, twice),
               b.constant(static_cast<double>(codes.unit)));
}
