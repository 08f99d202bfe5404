//===- QuantizedParts.cpp - Views of a quantised matrix ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Builders/QuantizedParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;
using ::marimba::formats::CodeValues;
using ::marimba::formats::PartKind;
using ::marimba::formats::Scalar;

QuantizedParts::QuantizedParts(KernelBuilder &b, Value bytes,
                               RankedTensorType stored, Value matrix)
    : layout(layoutOf(stored)), b(b) {
  Value base =
      matrix ? b.muli(matrix, b.index(layout.matrixBytes())) : b.index(0);
  words = view(bytes, base, PartKind::Codes);
  highWords = view(bytes, base, PartKind::HighBits);
  signWords = view(bytes, base, PartKind::Signs);
  scales = view(bytes, base, PartKind::Scales);
  zeros = view(bytes, base, PartKind::Zeros);
  minimums = view(bytes, base, PartKind::Minimums);
  superScales = view(bytes, base, PartKind::SuperScales);
  superMinimums = view(bytes, base, PartKind::SuperMinimums);
}

Value QuantizedParts::view(Value bytes, Value base, PartKind kind) {
  if (!layout.hasPart(kind))
    return {};
  Type element = typeOf(b.getContext(), layout.encoding.scale);
  int64_t unit = layout.partUnit(kind);
  if (isWords(kind))
    element = b.getI32Type();
  else if (unit == 1) // also numbers of one byte: they are loaded as bits
    element = b.getI8Type();
  SmallVector<int64_t> shape{layout.blocks, layout.perChannel(kind),
                             formats::Layout::kChannels};
  return memref::ViewOp::create(b, MemRefType::get(shape, element), bytes,
                                b.addi(base, b.index(layout.partOffset(kind))),
                                ValueRange());
}

Value QuantizedParts::likeFloat(Value value, double constant) const {
  Value number = b.constant(constant);
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    return b.broadcast(vector.getNumElements(), number);
  return number;
}

/// The type of `type`'s shape with elements of f32.
static Type floatsOf(KernelBuilder &b, Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(b.getF32Type());
  return b.getF32Type();
}

Value QuantizedParts::element(Value n, Value k) const {
  auto divide = [&](Value a, int64_t by) -> Value {
    return arith::DivUIOp::create(b, a, b.index(by));
  };
  auto modulo = [&](Value a, int64_t by) -> Value {
    return arith::RemUIOp::create(b, a, b.index(by));
  };
  const formats::Encoding &encoding = layout.encoding;
  Value block = divide(n, formats::Layout::kChannels);
  Value lane = modulo(n, formats::Layout::kChannels);
  Value group = divide(k, layout.group);
  if (encoding.hasGrid()) {
    Value code = CodebookParts(b, layout).element(gridWords(), block, lane, k);
    return b.mul(arith::SIToFPOp::create(b, b.getF32Type(), code),
                 loadTerm(scales, superScales, 0, block, group, lane));
  }
  // The bits of a code in a word with `bits` of each.
  auto bitsOf = [&](Value memref, int64_t bits) -> Value {
    int64_t perWord = 32 / bits;
    Value word = memref::LoadOp::create(
        b, memref, ValueRange{block, divide(k, perWord), lane});
    Value within = modulo(k, perWord);
    Value bit = b.addi(b.muli(modulo(within, 4), b.index(8)),
                       b.muli(divide(within, 4), b.index(bits)));
    Value shift = arith::IndexCastOp::create(b, b.getI32Type(), bit);
    Value low = arith::ShRUIOp::create(b, word, shift);
    return arith::AndIOp::create(b, low, b.like(low, (1 << bits) - 1));
  };
  Value code = bitsOf(words, encoding.lowBits());
  if (highWords) {
    Value high = bitsOf(highWords, encoding.highBits());
    high = arith::ShLIOp::create(b, high, b.like(high, encoding.lowBits()));
    code = arith::OrIOp::create(b, code, high);
  }
  if (encoding.isSigned()) {
    code = arith::ShLIOp::create(b, code, b.like(code, 24));
    code = arith::ShRSIOp::create(b, code, b.like(code, 24));
  }
  Value zero;
  if (zeros)
    zero = zeroPoints(0, block, group, lane);
  Value product = b.mul(valueOf(code, zero),
                        loadTerm(scales, superScales, 0, block, group, lane));
  if (!minimums)
    return product;
  return b.add(product,
               loadTerm(minimums, superMinimums, 0, block, group, lane));
}

Value QuantizedParts::fromTable(Value code) const {
  // Four words of four entries each: one is chosen, then its byte.
  const signed char *table = formats::codeTable(layout.encoding.values);
  SmallVector<Value> words;
  for (int64_t w = 0; w < 4; ++w) {
    uint32_t word = 0;
    for (int64_t j = 0; j < 4; ++j)
      word |= uint32_t(static_cast<unsigned char>(table[4 * w + j])) << 8 * j;
    words.push_back(b.like(code, word));
  }
  auto bit = [&](int64_t mask) -> Value {
    Value part = arith::AndIOp::create(b, code, b.like(code, mask));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, part,
                                 b.like(code, 0));
  };
  Value second = bit(4), upper = bit(8);
  auto choose = [&](Value which, Value yes, Value no) -> Value {
    return arith::SelectOp::create(b, which, yes, no);
  };
  Value word = choose(upper, choose(second, words[3], words[2]),
                      choose(second, words[1], words[0]));
  Value place = arith::AndIOp::create(b, code, b.like(code, 3));
  place = arith::SubIOp::create(b, b.like(code, 3), place);
  place =
      arith::ShLIOp::create(b, place, b.like(code, 3)); // in bits, from above
  word = arith::ShLIOp::create(b, word, place);
  word = arith::ShRSIOp::create(b, word, b.like(code, 24));
  return arith::SIToFPOp::create(b, floatsOf(b, code.getType()), word);
}

Value QuantizedParts::fromE4M3(Value code, bool asScale) const {
  Type f32 = floatsOf(b, code.getType());
  Value size = arith::AndIOp::create(b, code, b.like(code, 0x7f));
  Value isNone = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, size,
                                       b.like(code, 0x7f));
  // Another bias of the exponent, exact for denormal numbers, too.
  Value bits = arith::ShLIOp::create(b, size, b.like(code, 20));
  Value number = arith::BitcastOp::create(b, f32, bits);
  number = b.mul(number, likeFloat(number, 0x1p120));
  Value none = likeFloat(number, asScale ? 0 : NAN);
  number = arith::SelectOp::create(b, isNone, none, number);
  if (asScale)
    return number;
  Value sign = arith::AndIOp::create(b, code, b.like(code, 0x80));
  sign = arith::ShLIOp::create(b, sign, b.like(code, 24));
  bits = arith::BitcastOp::create(b, code.getType(), number);
  return arith::BitcastOp::create(b, f32, arith::OrIOp::create(b, bits, sign));
}

Value QuantizedParts::valueOf(Value code, Value zero) const {
  const formats::Encoding &encoding = layout.encoding;
  if (encoding.values == CodeValues::E4M3)
    return fromE4M3(code, /*asScale=*/false);
  if (formats::codeTable(encoding.values))
    return fromTable(code);
  if (int center = encoding.center())
    code = arith::SubIOp::create(b, code, b.like(code, center));
  Value number = arith::SIToFPOp::create(b, floatsOf(b, code.getType()), code);
  return zero ? b.sub(number, zero) : number;
}

Value QuantizedParts::zeroPoints(int64_t lanes, Value block, Value group,
                                 Value lane) const {
  if (!zeros) {
    int center = layout.encoding.center();
    return center ? b.broadcast(lanes, b.constant(center)) : Value();
  }
  Value loaded;
  if (lanes)
    loaded = vector::LoadOp::create(b, VectorType::get({lanes}, b.getI8Type()),
                                    zeros, ValueRange{block, group, lane});
  else
    loaded = memref::LoadOp::create(b, zeros, ValueRange{block, group, lane});
  Type f32 = floatsOf(b, loaded.getType());
  if (layout.encoding.isSigned())
    return arith::SIToFPOp::create(b, f32, loaded);
  return arith::UIToFPOp::create(b, f32, loaded);
}

Value QuantizedParts::loadTerm(Value groups, Value supers, int64_t lanes,
                               Value block, Value group, Value lane) const {
  bool half = layout.encoding.values == CodeValues::E2M1;
  auto load = [&](Value memref, Value index) {
    SmallVector<Value> at{block, index, lane};
    return lanes ? b.loadVector(lanes, memref, at, Value())
                 : b.load(memref, at);
  };
  auto halved = [&](Value term) {
    return half ? b.mul(term, likeFloat(term, 0.5)) : term;
  };
  if (supers && layout.encoding.hasGrid()) {
    Value pair = arith::DivUIOp::create(b, group, b.index(2));
    Value super = arith::DivUIOp::create(
        b, group, b.index(layout.encoding.superBlock / layout.group));
    SmallVector<Value> at{block, pair, lane};
    Value bytes;
    if (lanes)
      bytes = vector::LoadOp::create(b, VectorType::get({lanes}, b.getI8Type()),
                                     groups, at);
    else
      bytes = memref::LoadOp::create(b, groups, at);
    return b.mul(CodebookParts(b, layout).steps(bytes, group),
                 load(supers, super));
  }
  if (supers) {
    Value per = b.index(layout.encoding.superBlock / layout.group);
    Value super = arith::DivUIOp::create(b, group, per);
    return halved(b.mul(load(groups, group), load(supers, super)));
  }
  Scalar type = layout.encoding.scale;
  if (type != Scalar::E8M0 && type != Scalar::E4M3)
    return halved(load(groups, group));
  SmallVector<Value> at{block, group, lane};
  Value byte;
  Type i32 = b.getI32Type();
  if (lanes) {
    auto bytes = VectorType::get({lanes}, b.getI8Type());
    byte = vector::LoadOp::create(b, bytes, groups, at);
    i32 = bytes.clone(i32);
  } else {
    byte = memref::LoadOp::create(b, groups, at);
  }
  Value bits = arith::ExtUIOp::create(b, i32, byte);
  if (type == Scalar::E4M3)
    return halved(fromE4M3(bits, /*asScale=*/true));
  // Half of it, 2^(e - 128), is an f32 for every e (formats::halfOfE8M0).
  Value less = arith::SubIOp::create(b, bits, b.like(bits, 1));
  Value number = arith::ShLIOp::create(b, less, b.like(bits, 23));
  Value denormal = arith::ShLIOp::create(b, b.like(bits, 0x00200000), bits);
  Value isSmall = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, bits,
                                        b.like(bits, 2));
  number = arith::SelectOp::create(b, isSmall, denormal, number);
  number = arith::BitcastOp::create(b, floatsOf(b, number.getType()), number);
  return half ? number : b.add(number, number);
}

Value QuantizedParts::loadScales(int64_t lanes, Value block, Value group,
                                 Value lane) const {
  return loadTerm(scales, superScales, lanes, block, group, lane);
}

Value QuantizedParts::loadMinimums(int64_t lanes, Value block, Value group,
                                   Value lane) const {
  if (!minimums)
    return {};
  return loadTerm(minimums, superMinimums, lanes, block, group, lane);
}

int64_t QuantizedParts::step() const {
  return std::min(layout.encoding.step(), layout.group);
}

int64_t QuantizedParts::wordsOfStep() const {
  if (layout.encoding.hasGrid())
    return CodebookParts(b, layout).wordsOfStep();
  return step() / layout.encoding.codesPerWord();
}

Value QuantizedParts::firstWord(Value step) const {
  if (layout.encoding.hasGrid())
    return CodebookParts(b, layout).firstWord(step);
  return b.muli(step, b.index(wordsOfStep()));
}

QuantizedParts::Step QuantizedParts::loadStep(int64_t lanes, Value block,
                                              Value step, Value lane) const {
  auto type = VectorType::get({lanes}, b.getI32Type());
  Value first = firstWord(step);
  SmallVector<Value, 4> loaded;
  for (int64_t w = 0; w < wordsOfStep(); ++w)
    loaded.push_back(vector::LoadOp::create(
        b, type, words, ValueRange{block, b.addi(first, b.index(w)), lane}));
  return withHighBits(std::move(loaded), lanes, block, step, lane);
}

QuantizedParts::Step QuantizedParts::withHighBits(SmallVector<Value, 4> words,
                                                  int64_t lanes, Value block,
                                                  Value step,
                                                  Value lane) const {
  Step made{std::move(words), Value(), {}};
  if (layout.encoding.hasGrid()) {
    made.fours = CodebookParts(b, layout).fours(gridWords(), made.words, block,
                                                step, lane, lookUpEntries);
    return made;
  }
  if (!highWords)
    return made;
  auto type = VectorType::get({lanes}, b.getI32Type());
  // A word may have those of several steps.
  int64_t steps = layout.encoding.step() / this->step();
  Value index = arith::DivUIOp::create(b, step, b.index(steps));
  made.high = vector::LoadOp::create(b, type, highWords,
                                     ValueRange{block, index, lane});
  if (steps == 1)
    return made;
  Value bits = b.muli(arith::RemUIOp::create(b, step, b.index(steps)),
                      b.index(this->step() / 4 * layout.encoding.highBits()));
  Value shift = arith::IndexCastOp::create(b, b.getI32Type(), bits);
  made.high = arith::ShRUIOp::create(
      b, made.high, vector::BroadcastOp::create(b, type, shift));
  return made;
}

Value QuantizedParts::four(const Step &step, int64_t f) const {
  if (!step.fours.empty())
    return step.fours[static_cast<size_t>(f)];
  int64_t low = layout.encoding.lowBits(), high = layout.encoding.highBits();
  int64_t perWord = 8 / low;
  Value word = step.words[static_cast<size_t>(f / perWord)];
  if (low == 8)
    return word;
  // `bits` from `from` on of each byte, moved to bit `to`.
  auto move = [&](Value word, int64_t from, int64_t bits, int64_t to) -> Value {
    if (from > to)
      word = arith::ShRUIOp::create(b, word, b.like(word, from - to));
    if (from < to)
      word = arith::ShLIOp::create(b, word, b.like(word, to - from));
    int64_t mask = ((1 << bits) - 1) << to;
    return arith::AndIOp::create(b, word, b.like(word, mask * 0x01010101));
  };
  Value codes = move(word, f % perWord * low, low, 0);
  if (!step.high)
    return codes;
  return arith::OrIOp::create(b, codes, move(step.high, f * high, high, low));
}

Value QuantizedParts::unpack(const Step &step, int64_t j, Value zero) const {
  const formats::Encoding &encoding = layout.encoding;
  int64_t f = j / 4, byte = j % 4;
  auto signedByte = [&](Value word, int64_t bits, int64_t bit) -> Value {
    Value high = word;
    if (int64_t up = 32 - bits - bit)
      high = arith::ShLIOp::create(b, word, b.like(word, up));
    return arith::ShRSIOp::create(b, high, b.like(word, 32 - bits));
  };
  auto toFloat = [&](Value code) -> Value {
    return arith::SIToFPOp::create(b, floatsOf(b, code.getType()), code);
  };
  if (encoding.isSigned() || encoding.hasGrid()) {
    Value number = toFloat(signedByte(four(step, f), 8, 8 * byte));
    return zero ? b.sub(number, zero) : number;
  }
  // With its top bit flipped a code around 8 is a signed one around 0.
  if (encoding.bits == 4 && encoding.center()) {
    Value word = step.words[static_cast<size_t>(j / 8)];
    word = arith::XOrIOp::create(b, word, b.like(word, 0x88888888));
    return toFloat(signedByte(word, 4, 8 * byte + j % 8 / 4 * 4));
  }
  if (lookUp && formats::codeTable(encoding.values))
    if (Value found = lookUp(four(step, f)))
      return toFloat(signedByte(found, 8, 8 * byte));
  Value code = four(step, f);
  if (byte)
    code = arith::ShRUIOp::create(b, code, b.like(code, 8 * byte));
  if (byte < 3)
    code = arith::AndIOp::create(b, code, b.like(code, 0xff));
  // Zero points are what valueOf() takes off; the center it takes off itself.
  return valueOf(code, encoding.center() ? Value() : zero);
}

Value QuantizedParts::addBytes(Value words, Value sum) const {
  for (int64_t j = 0; j < 4; ++j) {
    Value byte = arith::ShLIOp::create(b, words, b.like(words, 24 - 8 * j));
    byte = arith::ShRSIOp::create(b, byte, b.like(words, 24));
    sum = arith::AddIOp::create(b, sum, byte);
  }
  return sum;
}
