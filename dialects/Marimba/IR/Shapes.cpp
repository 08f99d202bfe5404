//===- Shapes.cpp - How the sizes and indices of an op relate -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Shapes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::marimba;

SmallVector<StringRef> mlir::marimba::lettersOf(const OpShapes &table,
                                                Value value) {
  auto *found = llvm::find_if(
      table.values, [&](const NamedShape &row) { return row.value == value; });
  SmallVector<StringRef> letters;
  if (found != table.values.end())
    StringRef(found->letters)
        .split(letters, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  return letters;
}

LetterSizes::LetterSizes(const OpShapes &table, DynamicSize dynamic)
    : dynamic(dynamic) {
  for (const NamedShape &row : table.values) {
    if (!row.value)
      continue;
    auto type = cast<ShapedType>(row.value.getType());
    for (auto [dim, letter] : llvm::enumerate(lettersOf(table, row.value)))
      if (!type.isDynamicDim(dim))
        known.try_emplace(letter, static_cast<double>(type.getDimSize(dim)));
  }
  for (auto [letter, size] : table.sizes)
    known.try_emplace(letter, static_cast<double>(size));
}

double LetterSizes::operator()(StringRef letters) const {
  SmallVector<StringRef> each;
  letters.split(each, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  double product = 1;
  for (StringRef letter : each) {
    auto it = known.find(letter);
    product *= it != known.end() ? it->second : dynamic(letter);
  }
  return product;
}

OpShapes mlir::marimba::shapesOfOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, OpShapes>(op)
      .Case<
#define GET_OP_LIST
#include "dialects/Marimba/IR/MarimbaOps.cpp.inc"
          >([](auto known) { return shapesOf(known); })
      .Default([](Operation *) { return OpShapes(); });
}
