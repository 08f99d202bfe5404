//===- Producers.cpp - Weights as a micro-kernel reads them -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Contraction/Producers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

Value mlir::marimba::widenHalf(KernelBuilder &b, Value words, bool high) {
  auto type = cast<VectorType>(words.getType());
  int64_t lanes = type.getNumElements();
  Value bits =
      high ? Value(arith::AndIOp::create(b, words, b.splat(lanes, 0xffff0000)))
           : Value(arith::ShLIOp::create(b, words, b.splat(lanes, 16)));
  return vector::BitCastOp::create(b, type.clone(b.getF32Type()), bits);
}

/// ceil(a / by)
static Value ceilDiv(KernelBuilder &b, Value a, int64_t by) {
  return arith::DivUIOp::create(b, b.addi(a, b.index(by - 1)), b.index(by));
}

void Producer::overWords(Value begin, Value end,
                         llvm::function_ref<void(Value, Value)> body) {
  b.loop(begin, end, [&](Value word) {
    for (int64_t lane = 0; lane < formats::Layout::kChannels; lane += lanes)
      body(word, b.index(lane));
  });
}

void PackedProducer::produce(Value block, Value first, Value count,
                             Store store) {
  Type element = cast<MemRefType>(words.getType()).getElementType();
  auto type = VectorType::get({lanes}, element);
  int64_t perWord = element.isF32() ? 1 : 2;
  Value begin = arith::DivUIOp::create(b, first, b.index(perWord));
  Value end = b.addi(begin, ceilDiv(b, count, perWord));
  overWords(begin, end, [&](Value word, Value lane) {
    Value bits =
        vector::LoadOp::create(b, type, words, ValueRange{block, word, lane});
    Value k = b.muli(word, b.index(perWord));
    if (element.isF32())
      return store(bits, k, lane);
    store(widenHalf(b, bits, /*high=*/false), k, lane);
    store(widenHalf(b, bits, /*high=*/true), b.addi(k, b.index(1)), lane);
  });
}

void QuantizedProducer::produce(Value block, Value first, Value count,
                                Store store) {
  const formats::Layout &layout = parts.layout;
  int64_t perStep = parts.step();
  auto divide = [&](Value a, int64_t by) -> Value {
    return arith::DivUIOp::create(b, a, b.index(by));
  };
  Value end = b.addi(first, count);
  // Steps [begin, stop) of a group, one vector of channels after the other:
  // its scales stay in registers.
  auto steps = [&](Value group, Value begin, Value stop) {
    b.loop(
        b.index(0), b.index(formats::Layout::kChannels),
        [&](Value lane) {
          Value scale = parts.loadScales(lanes, block, group, lane);
          Value minimum = parts.loadMinimums(lanes, block, group, lane);
          Value zero = parts.zeroPoints(lanes, block, group, lane);
          b.loop(begin, stop, [&](Value step) {
            QuantizedParts::Step bits =
                parts.loadStep(lanes, block, step, lane);
            Value k = b.muli(step, b.index(perStep));
            for (int64_t j = 0; j < perStep; ++j) {
              Value weight = b.mul(parts.unpack(bits, j, zero), scale);
              if (minimum) // one rounding: the product is exact
                weight = b.add(weight, minimum);
              store(weight, b.addi(k, b.index(j)), lane);
            }
          });
        },
        lanes);
  };
  Value firstStep = divide(first, perStep), endStep = ceilDiv(b, end, perStep);
  if (layout.groups == 1)
    return steps(b.index(0), firstStep, endStep);
  b.loop(divide(first, layout.group), ceilDiv(b, end, layout.group),
         [&](Value group) {
           Value perGroup = b.index(layout.group / perStep);
           Value begin = b.muli(group, perGroup);
           steps(group, begin, b.mini(b.addi(begin, perGroup), endStep));
         });
}
