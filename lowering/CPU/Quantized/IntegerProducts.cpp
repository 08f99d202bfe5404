//===- IntegerProducts.cpp - Sums of products of bytes ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/IntegerProducts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cstdlib>

using namespace mlir;
using namespace mlir::marimba;

/// Of sums of pairs of products, which are added in 16 bits.
static constexpr int64_t kLargestSum = 32767;

/// The largest magnitude of a code, or of what it stands for.
static int64_t largestOf(const formats::Encoding &encoding) {
  const signed char *table = formats::codeTable(encoding.values);
  if (encoding.hasGrid()) {
    int64_t largest = 0;
    for (uint32_t word : formats::gridWords(encoding.values))
      for (int bit = 0; bit < 32; bit += 8)
        largest =
            std::max<int64_t>(largest, std::abs(int(int8_t(word >> bit))));
    return largest; // 9 of IQ1, whose numbers are -9 to 9
  }
  if (!table)
    return encoding.isSigned() ? 128 : (1 << encoding.bits) - 1;
  int64_t largest = 0;
  for (int64_t i = 0; i < 16; ++i)
    largest = std::max<int64_t>(largest, std::abs(int(table[i])));
  return largest;
}

IntegerProducts::IntegerProducts(KernelBuilder &b, IntegerUnit unit,
                                 const formats::Encoding &encoding,
                                 int64_t lanes)
    : b(b), unit(unit), lanes(lanes),
      table(formats::codeTable(encoding.values)),
      isSigned(encoding.isSigned() || table || encoding.hasGrid()),
      mostPairs(kLargestSum / (2 * 127 * largestOf(encoding))) {
  if (unit == IntegerUnit::VNNI) {
    shift = isSigned ? 128 : 0;
  } else if (table) {
    auto [least, most] = std::minmax_element(table, table + 16);
    if (int64_t pairs = kLargestSum / (2 * 127 * (*most - *least))) {
      shift = -*least;
      mostPairs = pairs;
    }
  }
}

bool IntegerProducts::has(IntegerUnit unit, int64_t lanes) {
  return unit != IntegerUnit::None && (lanes == 4 || lanes == 8 || lanes == 16);
}

Value IntegerProducts::cast(Value vector, int64_t bits) {
  auto type =
      VectorType::get({lanes * 32 / bits}, b.getIntegerType(unsigned(bits)));
  return vector::BitCastOp::create(b, type, vector);
}

Value IntegerProducts::call(ArrayRef<StringRef> names, int64_t resultBits,
                            ArrayRef<Value> operands) {
  auto type = VectorType::get({lanes * 32 / resultBits},
                              b.getIntegerType(unsigned(resultBits)));
  StringRef name = names[llvm::Log2_64(lanes / 4)];
  return LLVM::CallIntrinsicOp::create(b, b.getLoc(), Type(type),
                                       b.getStringAttr(name), operands)
      .getResult(0);
}

Value mlir::marimba::lookUpBytes(KernelBuilder &b, const signed char *table,
                                 Value words, int64_t shift) {
  int64_t lanes = mlir::cast<VectorType>(words.getType()).getNumElements();
  auto type = VectorType::get({4 * lanes}, b.getI8Type());
  SmallVector<int8_t> entries;
  for (int64_t byte = 0; byte < 4 * lanes; ++byte)
    entries.push_back(static_cast<int8_t>(table[byte % 16] + shift));
  Value all = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef(entries)));
  StringRef names[] = {"llvm.x86.ssse3.pshuf.b.128", "llvm.x86.avx2.pshuf.b",
                       "llvm.x86.avx512.pshuf.b.512"};
  Value codes = vector::BitCastOp::create(b, type, words);
  Value found =
      LLVM::CallIntrinsicOp::create(
          b, b.getLoc(), Type(type),
          b.getStringAttr(names[llvm::Log2_64(lanes / 4)]), {all, codes})
          .getResult(0);
  return vector::BitCastOp::create(b, words.getType(), found);
}

SmallVector<Value, 8>
IntegerProducts::prepare(const QuantizedParts &parts,
                         const QuantizedParts::Step &step) {
  SmallVector<Value, 8> fours;
  for (int64_t f = 0; f < parts.step() / 4; ++f) {
    Value codes = parts.four(step, f);
    if (table)
      codes = lookUpBytes(b, table, codes, shift);
    else if (shift) // of 128
      codes = arith::XOrIOp::create(b, codes, b.splat(lanes, 0x80808080));
    fours.push_back(codes);
  }
  return fours;
}

IntegerProducts::Codes IntegerProducts::codesOf(Value prepared) {
  Value codes = bytes(prepared);
  if (!magnitudes())
    return {codes, Value()};
  // That of -128 is an unsigned byte, too.
  Value magnitude = LLVM::AbsOp::create(b, codes.getType(), codes,
                                        /*is_int_min_poison=*/false);
  return {magnitude, codes};
}

Value IntegerProducts::activations(Value input, ValueRange row, Value k) {
  auto four = VectorType::get({4}, b.getI8Type());
  Value loaded = vector::LoadOp::create(b, four, input, elementOf(row, k));
  Value word = vector::BitCastOp::create(
      b, VectorType::get({1}, b.getI32Type()), loaded);
  return bytes(vector::BroadcastOp::create(
      b, VectorType::get({lanes}, b.getI32Type()), word));
}

Value IntegerProducts::withSigns(Value activations, Value signs) {
  if (lanes < 16)
    return call({"llvm.x86.ssse3.psign.b.128", "llvm.x86.avx2.psign.b"}, 8,
                {activations, signs});
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(signs.getType()));
  Value negative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, signs, zero);
  Value negated = arith::SubIOp::create(b, zero, activations);
  return arith::SelectOp::create(b, negative, negated, activations);
}

/// Pairs of neighbours among sums in 16 bits, in 32.
Value IntegerProducts::addPairs(Value pairs) {
  Value ones = arith::ConstantOp::create(
      b,
      DenseElementsAttr::get(cast<VectorType>(pairs.getType()), APInt(16, 1)));
  return call({"llvm.x86.sse2.pmadd.wd", "llvm.x86.avx2.pmadd.wd",
               "llvm.x86.avx512.pmaddw.d.512"},
              32, {pairs, ones});
}

void IntegerProducts::add(Sum &sum, const Codes &codes, Value activations) {
  auto &chains = sum.chains;
  if (unit == IntegerUnit::VNNI) {
    size_t chain = sum.added++ % chainsOfSum;
    if (chains.size() <= chain)
      chains.push_back(b.splat(lanes, 0));
    chains[chain] =
        call({"llvm.x86.avx512.vpdpbusd.128", "llvm.x86.avx512.vpdpbusd.256",
              "llvm.x86.avx512.vpdpbusd.512"},
             32, {chains[chain], codes.bytes, activations});
    return;
  }
  auto toChain = [&](Value pairs) {
    Value added = addPairs(pairs);
    if (chains.empty())
      chains.push_back(added);
    else
      chains[0] = arith::AddIOp::create(b, chains[0], added);
  };
  if (codes.signs)
    activations = withSigns(activations, codes.signs);
  Value pairs =
      call({"llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.avx2.pmadd.ub.sw",
            "llvm.x86.avx512.pmaddubs.w.512"},
           16, {codes.bytes, activations});
  if (mostPairs < 2)
    return toChain(pairs);
  sum.pairs =
      sum.pairs ? Value(arith::AddIOp::create(b, sum.pairs, pairs)) : pairs;
  if (++sum.added % mostPairs == 0) {
    toChain(sum.pairs);
    sum.pairs = Value();
  }
}

Value IntegerProducts::total(Sum &sum) {
  if (sum.pairs) {
    Value added = addPairs(sum.pairs);
    sum.chains.push_back(added);
    sum.pairs = Value();
  }
  Value total = sum.chains.front();
  for (Value chain : ArrayRef(sum.chains).drop_front())
    total = arith::AddIOp::create(b, total, chain);
  return total;
}
