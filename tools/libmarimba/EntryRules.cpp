//===- EntryRules.cpp - Entries of modules written by hand ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/EntryRules.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "marimba/abi.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::marimba;

static constexpr llvm::StringLiteral kKinds[] = {kInputAttr, kStateAttr,
                                                 kOutputAttr, kWeightAttr};

/// "marimba.input, marimba.state, ..."
static std::string kindNames() { return llvm::join(ArrayRef(kKinds), ", "); }

/// What else generated code calls by a name that begins with "marimba_".
static bool isTaken(StringRef symbol) {
  for (StringRef taken :
       {MARIMBA_SYMBOL_DESCRIPTION, MARIMBA_FN_PARALLEL_FOR,
        MARIMBA_FN_ARENA_ALLOC, MARIMBA_FN_ONEDNN_MATMUL,
        MARIMBA_FN_ONEDNN_INTEGER_MATMUL, MARIMBA_FN_PACKED_WEIGHTS,
        MARIMBA_FN_STORED_MATRICES, MARIMBA_FN_READ_MATRIX,
        MARIMBA_FN_ONEDNN_REORDER, MARIMBA_FN_CHECK_FAILED,
        MARIMBA_FN_PROFILE_BEGIN, MARIMBA_FN_PROFILE_END,
        MARIMBA_SYMBOL_PROFILE_REGIONS, MARIMBA_SYMBOL_PROFILE_DESCRIPTION,
        MARIMBA_SYMBOL_TILES})
    if (symbol == taken)
      return true;
  return false;
}

namespace {

class EntryCheck {
public:
  EntryCheck(func::FuncOp func, StringRef entry,
             const llvm::StringMap<WeightOp> &weights,
             const llvm::StringMap<WeightOp> &sources)
      : func(func), entry(entry), weights(weights), sources(sources) {}

  LogicalResult run() {
    if (func.isPrivate())
      return func.emitError("entry '")
             << entry << "' is a private function, expected a public one";
    for (BlockArgument arg : func.getArguments())
      if (failed(checkArgument(arg)))
        return failure();
    for (auto [i, type] : llvm::enumerate(func.getResultTypes()))
      if (failed(checkResult(i, type)))
        return failure();
    return success();
  }

private:
  InFlightDiagnostic error(BlockArgument arg) {
    return emitError(arg.getLoc()) << "argument #" << arg.getArgNumber()
                                   << " of entry '" << entry << "' ";
  }

  LogicalResult checkArgument(BlockArgument arg);
  LogicalResult checkType(BlockArgument arg, StringRef name);
  LogicalResult checkName(BlockArgument arg, StringRef kind, StringRef name);
  LogicalResult checkWeight(BlockArgument arg, StringRef name);
  LogicalResult checkResult(unsigned i, Type type);

  func::FuncOp func;
  StringRef entry;
  const llvm::StringMap<WeightOp> &weights, &sources;
  llvm::StringMap<unsigned> names;
};

} // namespace

LogicalResult EntryCheck::checkArgument(BlockArgument arg) {
  StringRef kind;
  Attribute value;
  DictionaryAttr attributes = func.getArgAttrDict(arg.getArgNumber());
  for (NamedAttribute attribute :
       attributes ? attributes.getValue() : ArrayRef<NamedAttribute>()) {
    StringRef name = attribute.getName();
    if (!name.starts_with("marimba."))
      continue;
    if (!llvm::is_contained(kKinds, name))
      return error(arg) << "has the unknown attribute '" << name
                        << "', expected one of " << kindNames();
    if (value)
      return error(arg) << "has '" << kind << "' and '" << name
                        << "', expected one of them";
    kind = name;
    value = attribute.getValue();
  }
  if (!value)
    return error(arg) << "has no name, expected one of " << kindNames();
  auto name = dyn_cast<StringAttr>(value);
  if (!name || name.empty())
    return error(arg) << "has '" << kind << "' = " << value
                      << ", expected a name: a string that is not empty";
  if (failed(checkType(arg, name)) ||
      failed(checkName(arg, kind, name.getValue())))
    return failure();
  return kind == kWeightAttr ? checkWeight(arg, name) : success();
}

LogicalResult EntryCheck::checkType(BlockArgument arg, StringRef name) {
  auto type = dyn_cast<RankedTensorType>(arg.getType());
  Type element = type ? type.getElementType() : Type();
  if (!type || type.getEncoding() ||
      !(element.isF32() || element.isF16() || element.isBF16() ||
        element.isInteger(32) || element.isInteger(64) || element.isInteger(8)))
    return error(arg) << "('" << name << "') has type " << arg.getType()
                      << ", expected a tensor of f32, f16, bf16, i32, i64 or "
                         "i8";
  if (type.getRank() > MARIMBA_MAX_RANK)
    return error(arg) << "('" << name << "') has " << type.getRank()
                      << " dimensions, expected at most " << MARIMBA_MAX_RANK;
  return success();
}

LogicalResult EntryCheck::checkName(BlockArgument arg, StringRef kind,
                                    StringRef name) {
  auto [it, isNew] = names.try_emplace(name, arg.getArgNumber());
  if (!isNew)
    return error(arg) << "is called '" << name << "', as argument #"
                      << it->second << " is: expected a name of its own";
  auto source = sources.find(name);
  if (kind == kWeightAttr || source == sources.end())
    return success();
  WeightOp weight = source->second;
  InFlightDiagnostic diagnostic =
      error(arg) << "is called '" << name << "', as a source of weight '"
                 << weight.getSymName() << "' is: expected a name of its own";
  diagnostic.attachNote(weight.getLoc()) << "the weight";
  return diagnostic;
}

LogicalResult EntryCheck::checkWeight(BlockArgument arg, StringRef name) {
  if (entry != "prepare")
    return error(arg) << "is the derived weight '" << name
                      << "', which only the entry 'prepare' may write";
  WeightOp weight = weights.lookup(name);
  if (!weight || !weight.getDerived())
    return error(arg) << "is '" << name
                      << "', expected the name of a derived weight of the "
                         "module";
  if (weight.getType() != arg.getType())
    return error(arg) << "('" << name << "') has type " << arg.getType()
                      << ", expected " << weight.getType()
                      << ": that of the weight";
  return success();
}

/// A result is what an op wrote to an output, a state or a derived weight.
LogicalResult EntryCheck::checkResult(unsigned i, Type type) {
  for (BlockArgument arg : func.getArguments())
    if (arg.getType() == type &&
        !func.getArgAttr(arg.getArgNumber(), kInputAttr))
      return success();
  return func.emitError("result #")
         << i << " of entry '" << entry << "' has type " << type
         << ", expected that of an output or a state: results are written to "
            "arguments";
}

/// The name of a function's entry, or null where it is not a good one.
static StringAttr entryName(func::FuncOp func, Attribute attribute) {
  auto name = dyn_cast<StringAttr>(attribute);
  if (!name || name.empty() || !llvm::all_of(name.getValue(), [](char c) {
        return llvm::isAlnum(c) || c == '_' || c == '.' || c == '-';
      })) {
    func.emitError("'") << kEntryAttr << "' is " << attribute
                        << ", expected a name of letters, digits, '_', '.' "
                           "and '-', such as \"prefill\"";
    return {};
  }
  if (isTaken(("marimba_" + name.getValue()).str())) {
    func.emitError("'") << kEntryAttr << "' is " << attribute
                        << ", which is a name of the runtime, expected another";
    return {};
  }
  return name;
}

/// Derived weights are written by `prepare`.
static LogicalResult checkDerived(ModuleOp module, func::FuncOp prepare) {
  for (auto weight : module.getOps<WeightOp>()) {
    if (!weight.getDerived())
      continue;
    bool written = false;
    if (prepare)
      for (unsigned i = 0; i < prepare.getNumArguments(); ++i) {
        auto name = prepare.getArgAttrOfType<StringAttr>(i, kWeightAttr);
        written |= name && name.getValue() == weight.getSymName();
      }
    if (!written)
      return weight.emitError("weight '")
             << weight.getSymName()
             << "' is derived, and no entry 'prepare' writes it";
  }
  return success();
}

namespace marimba {

LogicalResult checkEntries(ModuleOp module) {
  llvm::StringMap<WeightOp> weights, sources;
  for (auto weight : module.getOps<WeightOp>()) {
    weights[weight.getSymName()] = weight;
    if (auto names = weight.getSources())
      for (auto name : names->getAsRange<StringAttr>())
        sources.try_emplace(name.getValue(), weight);
  }
  llvm::StringMap<func::FuncOp> entries;
  for (auto func : module.getOps<func::FuncOp>()) {
    Attribute attribute = func->getAttr(kEntryAttr);
    if (!attribute)
      continue;
    StringAttr name = entryName(func, attribute);
    if (!name)
      return failure();
    auto [it, isNew] = entries.try_emplace(name.getValue(), func);
    if (!isNew) {
      InFlightDiagnostic diagnostic = func.emitError("entry '")
                                      << name.getValue()
                                      << "' is there a second time, expected "
                                         "one function of each name";
      diagnostic.attachNote(it->second.getLoc()) << "the first one";
      return diagnostic;
    }
    if (failed(EntryCheck(func, name, weights, sources).run()))
      return failure();
  }
  return entries.empty() ? success()
                         : checkDerived(module, entries.lookup("prepare"));
}

} // namespace marimba
