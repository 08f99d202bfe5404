//===- QuantPlan.cpp - Which weights of a model are quantised -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/QuantPlan.h"

#include "tools/quantize/KeepList.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "marimba/formats/StaysUnquantized.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace marimba;
using namespace llvm;
using namespace mlir::marimba;
using mlir::func::CallOp;

namespace {

/// What a weight is used for.
struct Use {
  bool layer = false; // a projection's or an expert's matrix
  bool head = false;  // that of the embedding or of the logits
  bool other = false;

  Use &operator|=(const Use &use) {
    layer |= use.layer;
    head |= use.head;
    other |= use.other;
    return *this;
  }
};

/// Follows weights through calls to the ops that read them.
class UseFinder {
public:
  explicit UseFinder(mlir::ModuleOp module) : symbols(module) {}

  Use of(mlir::Value value) {
    if (auto known = uses.find(value); known != uses.end())
      return known->second;
    Use all;
    for (mlir::OpOperand &operand : value.getUses())
      all |= of(operand);
    uses[value] = all;
    return all;
  }

private:
  Use of(mlir::OpOperand &operand);

  mlir::SymbolTable symbols;
  DenseMap<mlir::Value, Use> uses; // layers share functions
};

} // namespace

/// Whether `op` makes an output of the model, perhaps scaled: only the entry
/// writes to one.
static bool makesOutput(mlir::Operation *op) {
  return any_of(op->getUsers(), [](mlir::Operation *user) {
    return isa<mlir::bufferization::MaterializeInDestinationOp>(user) ||
           (isa<ScaleOp>(user) && makesOutput(user));
  });
}

/// Whether `tensor` is what leaves a mixer whose state is a matrix: the most
/// sensitive of such a model's matrices (docs/quantization.md). These mixers
/// have a bias of the step itself.
static bool leavesMatrixState(StringRef tensor,
                              const StringMap<const WeightSource *> &sources) {
  return tensor.consume_back("out_proj.weight") &&
         sources.contains((tensor + "dt_bias").str());
}

Use UseFinder::of(mlir::OpOperand &operand) {
  mlir::Operation *op = operand.getOwner();
  if (auto call = dyn_cast<CallOp>(op)) {
    auto callee = symbols.lookup<mlir::func::FuncOp>(call.getCallee());
    return of(callee.getArgument(operand.getOperandNumber()));
  }
  WeightOperand weight;
  if (auto reader = dyn_cast<WeightOperandInterface>(op))
    weight = reader.getWeightOperand(operand);
  Use use;
  use.head = weight.role == WeightRole::Table ||
             (weight.role == WeightRole::Projection && makesOutput(op));
  use.layer = weight.role == WeightRole::Projection && !use.head;
  use.other = !weight.quantize;
  return use;
}

bool marimba::planQuantization(mlir::ModuleOp module,
                               const std::vector<WeightSource> &sources,
                               const QuantizeOptions &options, QuantPlan &plan,
                               std::string &error) {
  KeepList keep;
  if (!keep.compile(options.keep, error))
    return false;
  StringMap<Use> uses; // by the weight's symbol
  UseFinder finder(module);
  module.walk([&](GetWeightOp get) {
    uses[get.getWeight()] |= finder.of(get.getResult());
  });
  StringMap<const WeightSource *> byName;
  for (const WeightSource &source : sources)
    byName[source.name] = &source;

  StringSet<> quantised;
  for (auto weight : module.getOps<WeightOp>()) {
    Use use = uses.lookup(weight.getSymName());
    if (weight.getDerived() || use.other || !(use.layer || use.head))
      continue;
    // Every pattern sees every name.
    bool stays = false;
    auto names = weight.getSources()->getAsValueRange<mlir::StringAttr>();
    for (StringRef name : names)
      stays |= keep.matches(name) || formats::staysUnquantized(name);
    std::optional<Encoding> format = options.layers;
    if (use.head)
      format = options.head;
    if (stays || !format)
      continue;
    for (StringRef name : names)
      if (const WeightSource *source = byName.lookup(name);
          source && quantised.insert(name).second) {
        Encoding own = *format;
        if (leavesMatrixState(name, byName)) {
          own.bits = 8;
          own.offset = Offset::None;
        }
        plan.matrices.push_back(
            {name.str(), source, source->shape[0], source->shape[1], own});
      }
  }
  for (const WeightSource &source : sources)
    if (!quantised.contains(source.name))
      plan.kept.push_back(&source);
  sort(plan.kept, [](const WeightSource *a, const WeightSource *b) {
    return a->name < b->name;
  });
  if (!keep.allUsed(error))
    return false;
  if (plan.matrices.empty())
    error = "nothing is left to quantise";
  return error.empty();
}
