//===- MarimbaChecks.cpp - Letters and indices of the dialect ---*- C++ -*-===//
//
// Part of Marimba. From the same tables that the verifiers use.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Checks/CheckBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// The sizes of an op's letters.
class Letters {
public:
  Letters(CheckBuilder &checks, const OpShapes &shapes)
      : checks(checks), shapes(shapes) {}

  void run();

private:
  void bind(StringRef letter, Size size);
  /// The size of a letter, or of what follows from others.
  std::optional<Size> find(StringRef letter);
  void checkIndices(const IndexRange &range);

  CheckBuilder &checks;
  const OpShapes &shapes;
  llvm::StringMap<Size> sizes;
};

} // namespace

std::optional<Size> Letters::find(StringRef letter) {
  auto it = sizes.find(letter);
  if (it != sizes.end())
    return it->second;
  size_t sign = letter.find_first_of("+-*");
  if (sign == StringRef::npos)
    return std::nullopt;
  std::optional<Size> left = find(letter.take_front(sign));
  StringRef rest = letter.drop_front(sign + 1);
  int64_t number = 0;
  std::optional<Size> right;
  if (!rest.getAsInteger(10, number))
    right = Size{checks.builder().getIndexAttr(number), ""};
  else
    right = find(rest);
  if (!left || !right)
    return std::nullopt;
  Value value = letter[sign] == '+'   ? checks.add(left->value, right->value)
                : letter[sign] == '-' ? checks.sub(left->value, right->value)
                                      : checks.mul(left->value, right->value);
  return Size{value, letter.str() + ", of " + left->name};
}

void Letters::bind(StringRef letter, Size size) {
  size.name += (" (" + letter + ")").str();
  std::optional<Size> known = find(letter);
  if (!known) {
    sizes[letter] = size;
    return;
  }
  checks.requireEqual(size, *known);
  // A size that is known at compile time is the better one to compare with.
  if (getConstantIntValue(size.value))
    sizes[letter] = size;
}

void Letters::checkIndices(const IndexRange &range) {
  std::optional<Size> size = find(range.letter);
  OpBuilder &b = checks.builder();
  Operation *op = checks.operation();
  if (!size || !range.values)
    return;
  Value end = checks.index(size->value);
  if (range.factor != 1)
    end = checks.mul(end, b.getIndexAttr(range.factor));
  end = checks.add(end, b.getIndexAttr(range.offset));
  std::optional<Size> time =
      range.plusLetter.empty() ? std::nullopt : find(range.plusLetter);
  checks.forEach(range.values, [&](Value element, ValueRange place) {
    Value value = asIndex(b, op->getLoc(), element);
    SmallVector<OpFoldResult> shown = {value, end};
    std::string where;
    for (Value at : place) {
      where +=
          (where.empty() ? "" : ", ") + ("{" + Twine(shown.size()) + "}").str();
      shown.push_back(at);
    }
    std::string what = range.name.str();
    if (!where.empty())
      what += "[" + where + "]";
    Value good = checks.atMost(b.getIndexAttr(0), value);
    Value last = value;
    std::string sum;
    if (range.plus || time) {
      Value more = range.plus ? asIndex(b, op->getLoc(),
                                        tensor::ExtractOp::create(
                                            b, op->getLoc(), range.plus, place))
                              : checks.index(time->value);
      last = checks.add(value, more);
      sum = (" with {" + Twine(shown.size()) + "} more tokens").str();
      shown.push_back(more);
    }
    good = checks.both(good, checks.less(last, end));
    std::string multiple;
    if (range.multipleOf != 1) {
      Value rest = arith::RemSIOp::create(b, op->getLoc(), value,
                                          checks.constant(range.multipleOf));
      good = checks.both(good, checks.equal(rest, b.getIndexAttr(0)));
      multiple = (", a multiple of " + Twine(range.multipleOf)).str();
    }
    checks.require(good,
                   what + " is {0}" + sum +
                       ", expected at least 0 and less than {1}" + multiple +
                       ": " + range.letter + " is " + size->name,
                   shown);
  });
}

void Letters::run() {
  for (auto [letter, size] : shapes.sizes)
    sizes[letter] = {checks.builder().getIndexAttr(size), letter.str()};
  // Letters of their own first, then those that follow from others.
  for (bool follows : {false, true})
    for (const NamedShape &shape : shapes.values) {
      if (!shape.value)
        continue;
      auto type = dyn_cast<RankedTensorType>(shape.value.getType());
      bool isResult = shape.value.getDefiningOp() == checks.operation();
      if (!type)
        continue;
      SmallVector<StringRef> letters;
      StringRef(shape.letters)
          .split(letters, ' ', /*MaxSplit=*/-1,
                 /*KeepEmpty=*/false);
      for (auto [dim, letter] : llvm::enumerate(letters))
        // What a result's open sizes are follows from the operands.
        if ((letter.find_first_of("+-*") != StringRef::npos) == follows &&
            !(isResult && type.isDynamicDim(dim)))
          bind(letter, checks.size(shape.name, shape.value, dim));
    }
  for (auto [small, large] : shapes.atMost) {
    std::optional<Size> least = find(small), most = find(large);
    if (!least || !most ||
        (getConstantIntValue(least->value) && getConstantIntValue(most->value)))
      continue;
    checks.require(checks.atMost(least->value, most->value),
                   least->name + " is {0}, expected at most {1}: " + most->name,
                   {least->value, most->value});
  }
  for (const IndexRange &range : shapes.indices)
    checkIndices(range);
}

void mlir::marimba::checkMarimbaOp(CheckBuilder &checks) {
  OpShapes shapes = shapesOfOp(checks.operation());
  Letters(checks, shapes).run();
}
