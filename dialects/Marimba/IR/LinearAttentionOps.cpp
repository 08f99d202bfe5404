//===- LinearAttentionOps.cpp - Recurrences with a matrix state -----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/RecurrenceTiling.h"
#include "dialects/Marimba/IR/Verify.h"

using namespace mlir;
using namespace mlir::marimba;

static int64_t sizeOf(Value value, unsigned dim) {
  return cast<ShapedType>(value.getType()).getDimSize(dim);
}

static int64_t rankOf(Value value) {
  return cast<ShapedType>(value.getType()).getRank();
}

//===----------------------------------------------------------------------===//
// DiscretizeHeadsOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(DiscretizeHeadsOp op) {
  return {.values = {{"delta", op.getDelta(), "B T Hv"},
                     {"A", op.getA(), "Hv"},
                     {"u", op.getU(), "B T Hv P"},
                     {"log_decay", op.getLogDecay(), "B T Hv"},
                     {"values", op.getValues(), "B T Hv P"}}};
}

LogicalResult DiscretizeHeadsOp::verify() {
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}

OpWork DiscretizeHeadsOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  OpWork work;
  work.f32 = sizes("B T Hv") + sizes("B T Hv P");
  return work;
}

//===----------------------------------------------------------------------===//
// LogDecayOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(LogDecayOp op) {
  bool channels = rankOf(op.getInput()) == 4;
  std::string of = channels ? "B T Hv N" : "B T Hv";
  return {.values = {{"input", op.getInput(), of},
                     {"A", op.getA(), "Hv"},
                     {"bias", op.getBias(), channels ? "Hv N" : "Hv"},
                     {"result", op.getResult(), of}}};
}

LogicalResult LogDecayOp::verify() {
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}

/// Softplus, its bias and the product.
OpWork LogDecayOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double elements = sizes(rankOf(getInput()) == 4 ? "B T Hv N" : "B T Hv");
  OpWork work;
  work.exps = 2 * elements;
  work.f32 = (3 + bool(getBias())) * elements;
  return work;
}

//===----------------------------------------------------------------------===//
// LinearAttentionOp
//===----------------------------------------------------------------------===//

SmallVector<std::pair<Value, OperandShape>>
mlir::marimba::namedOperands(LinearAttentionOp op) {
  SmallVector<std::pair<Value, OperandShape>> operands{
      {op.getValues(), {"values", "B T Hv P"}},
      {op.getQueries(), {"queries", "B T G N"}},
      {op.getKeys(), {"keys", "B T G N"}}};
  auto add = [&](Value value, StringLiteral name, StringLiteral letters) {
    if (value)
      operands.push_back({value, {name, letters}});
  };
  if (Value decay = op.getDecay()) {
    StringLiteral ofRank[] = {"Hv", "B T Hv", "B T Hv N"};
    int64_t rank = rankOf(decay);
    add(decay, "decay", ofRank[rank == 1 ? 0 : rank == 4 ? 2 : 1]);
  }
  add(op.getStep(), "step", "B T Hv");
  add(op.getBeta(), "beta", "B T Hv");
  add(op.getD(), "D", "Hv");
  add(op.getX(), "x", "B T Hv P");
  add(op.getValid(), "valid", "B");
  static constexpr OperandShape inits[] = {{"output", "B T Hv P"},
                                           {"state", "B Hv N P"}};
  for (auto [value, shape] : llvm::zip(op.getInits(), inits))
    operands.emplace_back(value, shape);
  return operands;
}

OpShapes mlir::marimba::shapesOf(LinearAttentionOp op) {
  return shapesOfRecurrence(op);
}

/// What goes with what, by the equation of the description.
static LogicalResult verifyCombination(LinearAttentionOp op) {
  Value decay = op.getDecay();
  if (decay && !llvm::is_contained({1, 3, 4}, rankOf(decay)))
    return op.emitOpError() << "decay has rank " << rankOf(decay)
                            << ", expected 1, 3 or 4: [Hv], [B, T, Hv] or "
                               "[B, T, Hv, N]";
  if (op.getStep() && (!decay || rankOf(decay) != 1))
    return op.emitOpError()
           << "has a step and "
           << (decay ? "a decay of rank " + std::to_string(rankOf(decay))
                     : std::string("no decay"))
           << ", expected a decay [Hv]";
  if (op.getDeltaRule() != bool(op.getBeta()))
    return op.emitOpError() << "has "
                            << (op.getBeta() ? "beta without delta_rule"
                                             : "delta_rule without beta")
                            << ", expected both or none";
  if (op.getStep() && op.getDeltaRule())
    return op.emitOpError("has a step and delta_rule, expected one of them");
  return verifyPositive(op, "scale", op.getScale());
}

LogicalResult LinearAttentionOp::verify() {
  if (failed(verifyDestination(*this, {"output", "state"})) ||
      failed(verifyCombination(*this)))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this));
  for (StringRef letter : {"Hv", "G", "N", "P"})
    shapes.requireStatic(letter);
  int64_t heads = shapes.get("Hv"), groups = shapes.get("G");
  if (!ShapedType::isDynamic(heads) && !ShapedType::isDynamic(groups))
    shapes.require(groups > 0 && heads % groups == 0,
                   "has " + Twine(heads) +
                       " heads of values (Hv), expected a multiple of the " +
                       Twine(groups) + " groups of keys (G)");
  return shapes.result();
}

int64_t LinearAttentionOp::getHeads() { return sizeOf(getValues(), 2); }
int64_t LinearAttentionOp::getGroups() { return sizeOf(getKeys(), 2); }
int64_t LinearAttentionOp::getKeySize() { return sizeOf(getKeys(), 3); }
int64_t LinearAttentionOp::getValueSize() { return sizeOf(getValues(), 3); }

int64_t LinearAttentionOp::getChannelGroup() {
  // Of no heads no group has one.
  return std::max<int64_t>(getHeads() / std::max<int64_t>(getGroups(), 1), 1);
}

bool LinearAttentionOp::hasChannelDecay() {
  return getDecay() && rankOf(getDecay()) == 4;
}

OpWork LinearAttentionOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double states = sizes("B T Hv N P"), outputs = sizes("B T Hv P");
  OpWork work;
  // S + k u^T and S^T q, two operations each, and S^T k of the delta rule. The
  // decay of a state is not counted: forms that keep it apart need none.
  work.f32 = (getDeltaRule() ? 6 : 4) * states;
  if (getDecay())
    work.exps = sizes("B T Hv") * (hasChannelDecay() ? sizes("N") : 1);
  if (getStep())
    work.f32 += outputs + sizes("B T Hv");
  if (getDeltaRule())
    work.f32 += 2 * outputs;
  if (getD())
    work.f32 += 2 * outputs;
  if (!getScale().isExactlyValue(1.0))
    work.f32 += outputs;
  return work;
}
