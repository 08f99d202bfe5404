//===- LinalgChecks.cpp - Operands of linalg ops fit together ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Checks/CheckBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// The least and the largest value of an index.
struct Interval {
  Value least, most;
};

/// What values an indexing expression takes while each loop runs over its
/// sizes, none of them 0.
class Ranges {
public:
  Ranges(CheckBuilder &checks, ArrayRef<std::optional<Size>> loops)
      : checks(checks), loops(loops) {}

  std::optional<Interval> of(AffineExpr expr);

private:
  std::optional<Interval> ofBinary(AffineBinaryOpExpr expr);

  CheckBuilder &checks;
  ArrayRef<std::optional<Size>> loops;
};

} // namespace

std::optional<Interval> Ranges::of(AffineExpr expr) {
  if (auto number = dyn_cast<AffineConstantExpr>(expr)) {
    Value value = checks.constant(number.getValue());
    return Interval{value, value};
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    const std::optional<Size> &size = loops[dim.getPosition()];
    if (!size)
      return std::nullopt;
    return Interval{checks.constant(0),
                    checks.sub(size->value, checks.builder().getIndexAttr(1))};
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  return binary ? ofBinary(binary) : std::nullopt;
}

std::optional<Interval> Ranges::ofBinary(AffineBinaryOpExpr expr) {
  std::optional<Interval> left = of(expr.getLHS());
  if (!left)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add) {
    std::optional<Interval> right = of(expr.getRHS());
    if (!right)
      return std::nullopt;
    return Interval{checks.add(left->least, right->least),
                    checks.add(left->most, right->most)};
  }
  auto number = dyn_cast<AffineConstantExpr>(expr.getRHS());
  if (!number)
    return std::nullopt;
  int64_t value = number.getValue();
  Value by = checks.constant(value);
  OpBuilder &b = checks.builder();
  Location loc = checks.loc();
  switch (expr.getKind()) {
  case AffineExprKind::Mul: {
    Value least = checks.mul(left->least, by),
          most = checks.mul(left->most, by);
    return value < 0 ? Interval{most, least} : Interval{least, most};
  }
  case AffineExprKind::Mod:
    if (value <= 0)
      return std::nullopt;
    return Interval{checks.constant(0), checks.constant(value - 1)};
  case AffineExprKind::FloorDiv:
  case AffineExprKind::CeilDiv: {
    if (value <= 0)
      return std::nullopt;
    auto divide = [&](Value x) -> Value {
      if (expr.getKind() == AffineExprKind::FloorDiv)
        return arith::FloorDivSIOp::create(b, loc, x, by);
      return arith::CeilDivSIOp::create(b, loc, x, by);
    };
    return Interval{divide(left->least), divide(left->most)};
  }
  default:
    return std::nullopt;
  }
}

/// "operand #1", counted as a person writes them.
static std::string operandName(OpOperand &operand) {
  return "operand #" + std::to_string(operand.getOperandNumber());
}

/// An operand's dimension `dim` is read at what `expr` says.
static void checkExpression(CheckBuilder &checks, Ranges &ranges,
                            ArrayRef<std::optional<Size>> loops,
                            const Size &size, AffineExpr expr) {
  std::optional<Interval> range = ranges.of(expr);
  OpBuilder &b = checks.builder();
  if (!range) {
    Value never = arith::ConstantIntOp::create(b, checks.loc(), 0, 1);
    checks.require(
        never, size.name + " has an index that is known only at run time", {});
    return;
  }
  Value good = checks.both(checks.atMost(b.getIndexAttr(0), range->least),
                           checks.less(range->most, size.value));
  for (const std::optional<Size> &loop : loops)
    if (loop)
      good = checks.either(good, checks.equal(loop->value, b.getIndexAttr(0)));
  checks.require(good, size.name + " is {0}, and is read from {1} to {2}",
                 {size.value, range->least, range->most});
}

void mlir::marimba::checkLinalgOp(CheckBuilder &checks) {
  auto op = dyn_cast<linalg::LinalgOp>(checks.operation());
  if (!op || !op.hasPureTensorSemantics())
    return;
  SmallVector<std::optional<Size>> loops(op.getNumLoops());
  auto visit = [&](auto callback) {
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<RankedTensorType>(operand.get().getType()))
        continue;
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [dim, expr] : llvm::enumerate(map.getResults()))
        callback(operand, dim, expr);
    }
  };
  visit([&](OpOperand &operand, int64_t dim, AffineExpr expr) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop)
      return;
    Size size = checks.size(operandName(operand), operand.get(), dim);
    std::optional<Size> &known = loops[loop.getPosition()];
    if (known)
      checks.requireEqual(size, *known);
    if (!known || getConstantIntValue(size.value))
      known = size;
  });
  Ranges ranges(checks, loops);
  visit([&](OpOperand &operand, int64_t dim, AffineExpr expr) {
    if (!isa<AffineDimExpr>(expr))
      checkExpression(checks, ranges, loops,
                      checks.size(operandName(operand), operand.get(), dim),
                      expr);
  });
}
