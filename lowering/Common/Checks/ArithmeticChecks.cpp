//===- ArithmeticChecks.cpp - Elements, divisions and loops -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Checks/CheckBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::marimba;

/// Ops element by element: tensors of one shape.
static void checkElementwise(CheckBuilder &checks) {
  Operation *op = checks.operation();
  Value first;
  std::string firstName;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    if (!type)
      continue;
    std::string name = "operand #" + std::to_string(operand.getOperandNumber());
    if (!first) {
      first = operand.get();
      firstName = name;
      continue;
    }
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      checks.requireEqual(checks.size(name, operand.get(), dim),
                          checks.size(firstName, first, dim));
  }
  // arith.select and casts may make sizes known that were not.
  for (OpResult result : op->getResults())
    if (auto type = dyn_cast<RankedTensorType>(result.getType()); type && first)
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (!type.isDynamicDim(dim))
          checks.requireEqual(
              checks.size(firstName, first, dim),
              {checks.builder().getIndexAttr(type.getDimSize(dim)),
               "the result's"});
}

/// The processor traps where it divides by 0, and where a signed quotient does
/// not fit.
static void checkDivision(CheckBuilder &checks) {
  Operation *op = checks.operation();
  bool isSigned = isa<arith::DivSIOp, arith::RemSIOp, arith::CeilDivSIOp,
                      arith::FloorDivSIOp>(op);
  if (!isSigned && !isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp>(op))
    return;
  OpBuilder &b = checks.builder();
  Location loc = op->getLoc();
  APInt constant;
  if (matchPattern(op->getOperand(1), m_ConstantInt(&constant)) &&
      !constant.isZero() && !constant.isAllOnes())
    return;
  checks.forEach(op->getOperand(1), [&](Value divisor, ValueRange place) {
    Type type = divisor.getType();
    auto number = [&](const APInt &value) -> Value {
      return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
    };
    unsigned bits = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
    Value good = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne,
                                       divisor, number(APInt::getZero(bits)));
    Value dividend = op->getOperand(0);
    if (isa<RankedTensorType>(dividend.getType()))
      dividend = tensor::ExtractOp::create(b, loc, dividend, place);
    if (isSigned) {
      Value fits = checks.either(
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, divisor,
                                number(APInt::getAllOnes(bits))),
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, dividend,
                                number(APInt::getSignedMinValue(bits))));
      good = checks.both(good, fits);
    }
    checks.require(good, "divides {0} by {1}, which has no result",
                   {asIndex(b, loc, dividend), asIndex(b, loc, divisor)});
  });
}

/// A loop whose step is not above 0 has no end.
static void checkSteps(CheckBuilder &checks) {
  OpBuilder &b = checks.builder();
  auto require = [&](OpFoldResult step) {
    if (std::optional<int64_t> known = getConstantIntValue(step);
        known && *known > 0)
      return;
    OpFoldResult value = step;
    if (auto dynamic = dyn_cast<Value>(step))
      value = asIndex(b, checks.loc(), dynamic);
    checks.require(checks.less(b.getIndexAttr(0), value),
                   "the step of a loop is {0}, expected more than 0", {value});
  };
  Operation *op = checks.operation();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    require(loop.getStep());
  if (auto loop = dyn_cast<scf::ForallOp>(op))
    for (OpFoldResult step : loop.getMixedStep())
      require(step);
  if (auto loop = dyn_cast<scf::ParallelOp>(op))
    for (Value step : loop.getStep())
      require(step);
}

void mlir::marimba::checkArithmeticOp(CheckBuilder &checks) {
  if (checks.operation()->hasTrait<OpTrait::Elementwise>() ||
      isa<arith::SelectOp>(checks.operation()))
    checkElementwise(checks);
  checkDivision(checks);
  checkSteps(checks);
}
