//===- DiscardableAttributes.cpp - marimba.* on functions and modules -----===//
//
// Part of Marimba. Attributes that no op declares: what they may be on, and
// which values they may have. A new one is a line in `kKnown`.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/ProductAttributes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

enum class Place { Module, Function, Argument, Result, Elsewhere };

/// What has an attribute: an op, or an argument or a result of a function.
struct Holder {
  Operation *op;
  Place place;
  unsigned index = 0; // of the argument or result
  Type type = {};     // of the argument or result

  /// An error that begins "argument #2 of entry 'prefill' ".
  InFlightDiagnostic error() const;
};

/// Reports what is wrong with the value.
using Verify = LogicalResult (*)(const Holder &, NamedAttribute);

struct KnownAttribute {
  StringLiteral name;
  Place place;
  Verify verify;
};

} // namespace

InFlightDiagnostic Holder::error() const {
  Location loc = op->getLoc();
  if (place != Place::Argument && place != Place::Result)
    return emitError(loc) << "'" << op->getName() << "' op ";
  auto function = cast<FunctionOpInterface>(op);
  if (place == Place::Argument && !function.isExternal())
    loc = function.getArgument(index).getLoc();
  InFlightDiagnostic diagnostic =
      emitError(loc) << (place == Place::Argument ? "argument #" : "result #")
                     << index << " of ";
  if (auto entry = op->getAttrOfType<StringAttr>(kEntryAttr))
    diagnostic << "entry '" << entry.getValue() << "' ";
  else
    diagnostic << "function '" << function.getName() << "' ";
  return diagnostic;
}

/// A string that is not empty.
static LogicalResult verifyName(const Holder &holder, NamedAttribute attr) {
  auto name = dyn_cast<StringAttr>(attr.getValue());
  if (name && !name.empty())
    return success();
  return holder.error() << "has '" << attr.getName().getValue()
                        << "' = " << attr.getValue()
                        << ", expected a name: a string that is not empty";
}

/// A name of which a symbol can be made.
static LogicalResult verifyEntry(const Holder &holder, NamedAttribute attr) {
  auto name = dyn_cast<StringAttr>(attr.getValue());
  if (name && !name.empty() && llvm::all_of(name.getValue(), [](char c) {
        return llvm::isAlnum(c) || c == '_' || c == '.' || c == '-';
      }))
    return success();
  return holder.error() << "has '" << attr.getName().getValue()
                        << "' = " << attr.getValue()
                        << ", expected a name of letters, digits, '_', '.' and "
                           "'-', such as \"prefill\"";
}

static LogicalResult verifyTime(const Holder &holder, NamedAttribute attr) {
  return verifyTimeAttribute(holder.op, holder.index, attr);
}

/// A unit on an op that is called `op`.
static LogicalResult verifyUnit(const Holder &holder, NamedAttribute attr,
                                StringRef op) {
  if (holder.op->getName().getStringRef() != op)
    return holder.error() << "has the attribute '" << attr.getName().getValue()
                          << "', which a " << op << " may have";
  if (isa<UnitAttr>(attr.getValue()))
    return success();
  return holder.error() << "has '" << attr.getName().getValue()
                        << "' = " << attr.getValue() << ", expected no value";
}

static LogicalResult verifyTriangular(const Holder &holder,
                                      NamedAttribute attr) {
  return verifyUnit(holder, attr, "linalg.generic");
}

static LogicalResult verifyExact(const Holder &holder, NamedAttribute attr) {
  return verifyUnit(holder, attr, LinearOp::getOperationName());
}

static constexpr KnownAttribute kKnown[] = {
    {kFamilyAttr, Place::Module, verifyName},
    {kEntryAttr, Place::Function, verifyEntry},
    {kLayerAttr, Place::Function, verifyName},
    {kInputAttr, Place::Argument, verifyName},
    {kStateAttr, Place::Argument, verifyName},
    {kOutputAttr, Place::Argument, verifyName},
    {kWeightAttr, Place::Argument, verifyName},
    {kNameAttr, Place::Argument, verifyName},
    {kTimeAttr, Place::Argument, verifyTime},
    {kLowerTriangularAttr, Place::Elsewhere, verifyTriangular},
    {kExactProductsAttr, Place::Elsewhere, verifyExact},
};

static StringRef nameOf(Place place) {
  switch (place) {
  case Place::Module:
    return "a module";
  case Place::Function:
    return "a function";
  case Place::Argument:
    return "an argument of a function";
  case Place::Result:
    return "a result of a function";
  case Place::Elsewhere:
    return "an op of this kind";
  }
  llvm_unreachable("all places are handled");
}

static LogicalResult verify(const Holder &holder, NamedAttribute attr) {
  StringRef name = attr.getName();
  SmallVector<StringRef> expected;
  for (const KnownAttribute &known : kKnown) {
    if (known.place == holder.place) {
      if (known.name == name)
        return known.verify(holder, attr);
      expected.push_back(known.name);
    } else if (known.name == name) {
      return holder.error() << "has the attribute '" << name << "', which "
                            << nameOf(known.place) << " may have";
    }
  }
  InFlightDiagnostic diagnostic =
      holder.error() << "has the unknown attribute '" << name << "', expected ";
  if (expected.empty())
    return diagnostic << "no attribute of the dialect on "
                      << nameOf(holder.place);
  return diagnostic << "one of " << llvm::join(expected, ", ");
}

LogicalResult MarimbaDialect::verifyOperationAttribute(Operation *op,
                                                       NamedAttribute attr) {
  Place place = isa<ModuleOp>(op)              ? Place::Module
                : isa<FunctionOpInterface>(op) ? Place::Function
                                               : Place::Elsewhere;
  return verify({op, place}, attr);
}

LogicalResult MarimbaDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                       unsigned index,
                                                       NamedAttribute attr) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return verify({op, Place::Elsewhere}, attr);
  return verify(
      {op, Place::Argument, index, function.getArgumentTypes()[index]}, attr);
}

LogicalResult MarimbaDialect::verifyRegionResultAttribute(Operation *op,
                                                          unsigned,
                                                          unsigned index,
                                                          NamedAttribute attr) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return verify({op, Place::Elsewhere}, attr);
  return verify({op, Place::Result, index, function.getResultTypes()[index]},
                attr);
}
