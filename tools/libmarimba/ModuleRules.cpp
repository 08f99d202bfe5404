//===- ModuleRules.cpp - What a module written by hand may hold -----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/ModuleRules.h"
#include "tools/libmarimba/EntryRules.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::marimba;

/// More dimensions than any op of ours has; loops nest as deep.
static constexpr int64_t kMostDimensions = 16;
/// More bytes than any machine can address.
static constexpr int64_t kMostBytes = int64_t(1) << 46;
/// Integers that a register holds.
static constexpr unsigned kWidestInteger = 64;
/// Loops and branches within each other: MLIR's bufferisation takes twice as
/// long for each level.
static constexpr int kDeepestRegion = 12;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static bool isNumber(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.isSignless() && integer.getWidth() >= 1 &&
           integer.getWidth() <= kWidestInteger;
  return type.isIndex() || type.isF16() || type.isBF16() || type.isF32() ||
         type.isF64();
}

namespace marimba {

std::string checkTensorSize(ShapedType type) {
  if (type.getRank() > kMostDimensions)
    return (" has " + Twine(type.getRank()) + " dimensions, expected at most " +
            Twine(kMostDimensions))
        .str();
  // Sizes of 0 count as 1: products of the others are computed, too.
  int64_t bytes = 8;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size) && size > 0 &&
        (__builtin_mul_overflow(bytes, size, &bytes) || bytes > kMostBytes))
      return " is larger than any memory";
  return {};
}

} // namespace marimba

/// What is wrong with the type of a value, as the rest of "TYPE"; empty where
/// nothing is.
static std::string checkType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return isNumber(type) ? "" : ", expected a ranked tensor or a number";
  if (tensor.getEncoding() && !isQuantized(tensor))
    return " has an encoding, expected none or #marimba.quantized";
  if (!isQuantized(tensor) && !isNumber(tensor.getElementType()))
    return ", expected elements of i1 to i64, index, f16, bf16, f32 or f64";
  return ::marimba::checkTensorSize(tensor);
}

static LogicalResult checkType(Location location, const Twine &what,
                               Type type) {
  std::string problem = checkType(type);
  if (problem.empty())
    return success();
  return emitError(location) << what << " has type " << type << problem;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// The ops that the stages take from a person.
static bool isKnown(Operation *op) {
  StringRef dialect = op->getName().getDialectNamespace();
  if (isa<WeightOp>(op))
    return false; // stands at the top
  if (dialect == "func")
    return isa<func::CallOp, func::ReturnOp>(op);
  if (dialect == "bufferization")
    return op->getName().getStringRef() ==
           "bufferization.materialize_in_destination";
  return llvm::StringSwitch<bool>(dialect)
      .Cases({"marimba", "arith", "math", "tensor", "linalg", "scf"}, true)
      .Default(false);
}

/// Constants whose values are not there.
static LogicalResult checkConstant(Operation *op, Attribute value) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    ShapedType type = resource.getType();
    Type element = type.getElementType();
    // Anything else would be read beyond its end.
    if (!blob || !type.hasStaticShape() || !element.isIntOrFloat() ||
        blob->getData().size() !=
            static_cast<uint64_t>(type.getNumElements()) *
                ((element.getIntOrFloatBitWidth() + 7) / 8))
      return op->emitError("the values of resource '")
             << resource.getRawHandle().getKey() << "' are not the " << type
             << " that is expected; are they elided?";
  } else if (isa<SparseElementsAttr>(value)) {
    return op->emitError("has sparse values, expected dense ones");
  }
  return success();
}

/// Coefficients of a map: with them, what a size of any tensor gives fits in 64
/// bits.
static constexpr int64_t kLargestCoefficient = 1 << 20;

static LogicalResult checkMaps(Operation *op, Attribute attributes) {
  LogicalResult result = success();
  attributes.walk([&](AffineMapAttr map) {
    map.getValue().walkExprs([&](AffineExpr part) {
      auto constant = dyn_cast<AffineConstantExpr>(part);
      if (failed(result) || !constant ||
          (constant.getValue() <= kLargestCoefficient &&
           constant.getValue() >= -kLargestCoefficient))
        return;
      result = op->emitError("has a map with the number ")
               << constant.getValue() << ", expected -" << kLargestCoefficient
               << " to " << kLargestCoefficient;
    });
  });
  return result;
}

/// Branches that only choose between tensors become one op, which takes the
/// first one's sizes for both.
static LogicalResult checkBranches(scf::IfOp branch) {
  for (auto [i, type] : llvm::enumerate(branch.getResultTypes()))
    if (auto tensor = dyn_cast<RankedTensorType>(type);
        tensor && !tensor.hasStaticShape())
      return branch.emitError("result #")
             << i << " of 'scf.if' has type " << type
             << ", expected static sizes: those of the two branches may differ";
  return success();
}

/// Attributes that steer conversions are theirs to set.
static LogicalResult checkAttributes(Location location,
                                     DictionaryAttr attributes) {
  for (NamedAttribute attribute : attributes)
    for (StringRef prefix : {"llvm.", "bufferization.", "dlti."})
      if (attribute.getName().getValue().starts_with(prefix))
        return emitError(location)
               << "has the attribute '" << attribute.getName().getValue()
               << "', which only the compiler may set";
  return success();
}

static LogicalResult checkOp(Operation *op) {
  if (!op->isRegistered() || !isKnown(op))
    return op->emitError("'")
           << op->getName()
           << "' is not allowed in a hand-written function, expected ops of "
              "marimba, arith, math, tensor, linalg and scf, func.call and "
              "bufferization.materialize_in_destination";
  int depth = 0;
  for (Operation *around = op; !isa<func::FuncOp>(around);
       around = around->getParentOp())
    ++depth;
  if (depth > kDeepestRegion + 1)
    return op->emitError("'") << op->getName() << "' is nested in more than "
                              << kDeepestRegion << " loops or branches";
  for (Region &region : op->getRegions())
    if (!region.empty() && !region.hasOneBlock())
      return op->emitError("'")
             << op->getName()
             << "' has a region of several blocks, expected one: branches and "
                "loops are those of scf";
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    if (std::optional<int64_t> index = dim.getConstantIndex())
      if (auto type = dyn_cast<RankedTensorType>(dim.getSource().getType());
          type && (*index < 0 || *index >= type.getRank()))
        return op->emitError("reads dimension ")
               << *index << " of " << type << ", expected one of its "
               << type.getRank();
  for (Type type : op->getResultTypes())
    if (failed(checkType(op->getLoc(), "a result", type)))
      return failure();
  for (Region &region : op->getRegions())
    for (BlockArgument arg : region.getArguments())
      if (failed(checkType(arg.getLoc(), "an argument of a region",
                           arg.getType())))
        return failure();
  for (NamedAttribute attribute : op->getAttrs())
    if (failed(checkConstant(op, attribute.getValue())))
      return failure();
  if (failed(checkMaps(op, op->getAttrDictionary())))
    return failure();
  if (auto branch = dyn_cast<scf::IfOp>(op);
      branch && failed(checkBranches(branch)))
    return failure();
  return checkAttributes(op->getLoc(), op->getAttrDictionary());
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static LogicalResult checkFunction(func::FuncOp func) {
  if (func.isExternal())
    return func.emitError("function '")
           << func.getSymName() << "' has no body, expected one: there is "
           << "nothing to link it with";
  if (!func.getBody().hasOneBlock())
    return func.emitError("function '")
           << func.getSymName() << "' has several blocks, expected one: "
           << "branches and loops are those of scf";
  if (func.getSymName().starts_with("marimba_"))
    return func.emitError("function '")
           << func.getSymName()
           << "': names that begin with 'marimba_' are those of compiled code";
  if (failed(checkAttributes(func.getLoc(), func->getAttrDictionary())))
    return failure();
  for (BlockArgument arg : func.getArguments())
    if (DictionaryAttr attributes = func.getArgAttrDict(arg.getArgNumber());
        attributes && failed(checkAttributes(arg.getLoc(), attributes)))
      return failure();
  for (unsigned i = 0; i < func.getNumResults(); ++i)
    if (DictionaryAttr attributes = func.getResultAttrDict(i);
        attributes && failed(checkAttributes(func.getLoc(), attributes)))
      return failure();
  for (BlockArgument arg : func.getArguments())
    if (failed(checkType(arg.getLoc(),
                         "argument #" + Twine(arg.getArgNumber()) + " of '" +
                             func.getSymName() + "'",
                         arg.getType())))
      return failure();
  for (auto [i, type] : llvm::enumerate(func.getResultTypes()))
    if (failed(checkType(
            func.getLoc(),
            "result #" + Twine(i) + " of '" + func.getSymName() + "'", type)))
      return failure();
  bool good = !func.getBody()
                   .walk<WalkOrder::PreOrder>([](Operation *op) {
                     return failed(checkOp(op)) ? WalkResult::interrupt()
                                                : WalkResult::advance();
                   })
                   .wasInterrupted();
  return success(good);
}

namespace {

/// Looks for functions that reach themselves by calls.
class CallWalk {
public:
  explicit CallWalk(ModuleOp module) : symbols(module) {}

  /// Fails at the call that closes a circle.
  LogicalResult visit(func::FuncOp func) {
    // States of a function: not seen, being walked, done.
    struct Frame {
      func::FuncOp func;
      SmallVector<func::CallOp> calls;
    };
    SmallVector<Frame> path;
    auto enter = [&](func::FuncOp next) {
      Frame frame{next, {}};
      next.walk([&](func::CallOp call) { frame.calls.push_back(call); });
      done[next] = false;
      path.push_back(std::move(frame));
    };
    if (!done.contains(func))
      enter(func);
    while (!path.empty()) {
      if (path.back().calls.empty()) {
        done[path.pop_back_val().func] = true;
        continue;
      }
      func::CallOp call = path.back().calls.pop_back_val();
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee)
        return call.emitError("calls '")
               << call.getCallee()
               << "', which is not a function of the module";
      auto known = done.find(callee);
      if (known == done.end())
        enter(callee);
      else if (!known->second)
        return call.emitError("calls '")
               << call.getCallee()
               << "', which leads here again: functions that call "
                  "themselves cannot be compiled";
      if (callee->hasAttr(kEntryAttr))
        return call.emitError("calls '")
               << call.getCallee() << "', which is an entry: entries are "
               << "called from outside only";
    }
    return success();
  }

private:
  SymbolTable symbols;
  llvm::DenseMap<func::FuncOp, bool> done;
};

} // namespace

namespace marimba {

LogicalResult checkModuleRules(ModuleOp module) {
  if (failed(checkAttributes(module.getLoc(), module->getAttrDictionary())))
    return failure();
  for (Operation &op : *module.getBody()) {
    if (auto func = dyn_cast<func::FuncOp>(op)) {
      if (failed(checkFunction(func)))
        return failure();
    } else if (auto weight = dyn_cast<WeightOp>(op)) {
      std::string problem = checkTensorSize(cast<ShapedType>(weight.getType()));
      if (!problem.empty())
        return weight.emitError("weight '")
               << weight.getSymName() << "', " << weight.getType() << ","
               << problem;
    } else {
      return op.emitError("'")
             << op.getName()
             << "' stands at the top of a module, expected functions "
                "(func.func) and weights (marimba.weight) only";
    }
  }
  CallWalk calls(module);
  for (auto func : module.getOps<func::FuncOp>())
    if (failed(calls.visit(func)))
      return failure();
  return checkEntries(module);
}

} // namespace marimba
