//===- ModuleBuilder.cpp - From a plan to a module --------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/ModuleBuilder.h"
#include "importer/blocks/Blocks.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::marimba {

static std::string identifier(StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result.front()))
    result.insert(0, "_");
  return result;
}

func::FuncOp ModuleBuilder::beginFunction(StringRef symbol,
                                          ArrayRef<Argument> arguments,
                                          TypeRange results) {
  SmallVector<Type> types;
  for (const Argument &argument : arguments)
    types.push_back(argument.type);
  b.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(b, name(symbol), symbol,
                                       b.getFunctionType(types, results));
  Block *body = function.addEntryBlock();
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    body->getArgument(i).setLoc(name(argument.name));
    if (!argument.attribute.empty())
      function.setArgAttr(i, argument.attribute,
                          b.getStringAttr(argument.name));
    if (argument.time >= 0)
      function.setArgAttr(i, kTimeAttr, b.getI64IntegerAttr(argument.time));
  }
  b.setInsertionPointToStart(body);
  return function;
}

void ModuleBuilder::declareWeights() {
  for (const Weight &weight : plan.weights) {
    SmallVector<StringRef> names(weight.sources.begin(), weight.sources.end());
    bool derived = names.empty();
    WeightOp::create(b, name(derived ? weight.symbol : weight.sources.front()),
                     b.getStringAttr(weight.symbol), TypeAttr::get(weight.type),
                     derived ? ArrayAttr() : b.getStrArrayAttr(names),
                     derived ? b.getUnitAttr() : UnitAttr(),
                     /*stored=*/TypeAttr());
  }
}

func::FuncOp
ModuleBuilder::getShared(StringRef base, const std::string &key,
                         function_ref<func::FuncOp(StringRef)> make) {
  func::FuncOp &function = shared[key];
  if (function)
    return function;
  unsigned variant = variants[base.str()]++;
  std::string symbol = base.str();
  if (variant > 0)
    symbol += "_" + std::to_string(variant);
  OpBuilder::InsertionGuard guard(b);
  function = make(symbol);
  function.setPrivate();
  return function;
}

func::FuncOp ModuleBuilder::getPreparation(const Preparation &preparation) {
  SmallVector<Argument> arguments;
  SmallVector<Type> results;
  std::string key = preparation.function;
  llvm::raw_string_ostream os(key);
  auto add = [&](const Weight &weight) {
    StringRef last = StringRef(weight.symbol).rsplit('.').second;
    arguments.push_back({weight.type, last.str(), kNameAttr});
    os << ' ' << last << ':' << weight.type;
  };
  llvm::for_each(preparation.inputs, add);
  for (const Weight &weight : preparation.outputs) {
    add(weight);
    results.push_back(weight.type);
  }
  return getShared(preparation.function, key, [&](StringRef symbol) {
    func::FuncOp function = beginFunction(symbol, arguments, results);
    ValueRange values = function.getArguments();
    size_t inputs = preparation.inputs.size();
    SmallVector<Value> returned =
        preparation.emit(b, function.getLoc(), values.take_front(inputs),
                         values.drop_front(inputs));
    func::ReturnOp::create(b, function.getLoc(), returned);
    return function;
  });
}

void ModuleBuilder::emitPrepare() {
  SmallVector<func::FuncOp> callees;
  SmallVector<Argument> arguments;
  SmallVector<Type> results;
  for (const LayerPlan &layer : plan.layers) {
    if (!layer.preparation)
      continue;
    callees.push_back(getPreparation(*layer.preparation));
    for (const Weight &weight : layer.preparation->outputs) {
      arguments.push_back({weight.type, weight.symbol, kWeightAttr});
      results.push_back(weight.type);
    }
  }
  if (callees.empty())
    return;
  func::FuncOp function = beginFunction("prepare", arguments, results);
  function->setAttr(kEntryAttr, b.getStringAttr("prepare"));

  SmallVector<Value> returned;
  auto callee = callees.begin();
  for (const LayerPlan &layer : plan.layers) {
    if (!layer.preparation)
      continue;
    SmallVector<Value> operands;
    for (const Weight &weight : layer.preparation->inputs)
      operands.push_back(getWeight(weight));
    for (size_t i = 0; i < layer.preparation->outputs.size(); ++i)
      operands.push_back(function.getArgument(returned.size() + i));
    auto call =
        func::CallOp::create(b, name(layer.location), *callee++, operands);
    llvm::append_range(returned, call.getResults());
  }
  func::ReturnOp::create(b, function.getLoc(), returned);
}

func::FuncOp ModuleBuilder::getLayer(const LayerPlan &layer) {
  Type x =
      dynamic({ShapedType::kDynamic, ShapedType::kDynamic, plan.hiddenSize});
  Type rows = dynamic({ShapedType::kDynamic}, b.getI32Type());
  SmallVector<Argument> arguments{{x, "x", ""}};
  if (layer.usesEmbedding)
    arguments.push_back({x, "x0", ""});
  if (layer.usesPast)
    arguments.push_back({rows, "past", ""});
  if (layer.usesRotary) {
    Type table = rotaryType(plan.rotations[layer.rotation]);
    arguments.push_back({table, "cos", ""});
    arguments.push_back({table, "sin", ""});
  }
  arguments.push_back({rows, "valid", ""});
  SmallVector<Type> results{x};
  for (const LayerState &state : layer.states) {
    arguments.push_back({state.type, state.name, ""});
    results.push_back(state.type);
  }
  for (const LayerWeight &weight : layer.weights)
    arguments.push_back({weight.weight.type, weight.name, kNameAttr});
  if (options.collectInputs) {
    arguments.push_back({inputsType(), "hidden", ""});
    arguments.push_back({b.getIndexType(), "column", ""});
    results.push_back(inputsType());
  }

  std::string key = layer.kind;
  llvm::raw_string_ostream os(key);
  for (const Argument &argument : arguments)
    os << ' ' << argument.name << ':' << argument.type;
  for (const auto &[matrix, order] : layer.orders)
    os << ' ' << matrix << '=' << order;

  return getShared(identifier(layer.kind), key, [&](StringRef symbol) {
    func::FuncOp function = beginFunction(symbol, arguments, results);
    function->setAttr(kLayerAttr, b.getStringAttr(layer.kind));
    auto argument = function.getArguments().begin();
    Value input = *argument++;
    Value x0 = layer.usesEmbedding ? *argument++ : Value();
    Value past = layer.usesPast ? *argument++ : Value();
    Value cos = layer.usesRotary ? *argument++ : Value();
    Value sin = layer.usesRotary ? *argument++ : Value();
    Value valid = *argument++;
    LayerScope scope(b, layer.kind, input, past, valid);
    scope.x0 = x0;
    scope.cos = cos;
    scope.sin = sin;
    for (const LayerState &state : layer.states)
      scope.state(state.name) = *argument++;
    for (const LayerWeight &weight : layer.weights)
      scope.addWeight(weight.name, *argument++);
    for (const auto &[matrix, order] : layer.orders)
      scope.addOrder(matrix, scope.weight(order));
    std::vector<CollectedInput> found;
    Value hidden, column;
    if (options.collectInputs) {
      hidden = *argument++;
      column = *argument++;
      scope.onProjection = [&](StringRef name, Value value) {
        collect(name, value, valid, found, hidden, column);
      };
    }
    SmallVector<Value> returned{layer.emit(scope)};
    for (const LayerState &state : layer.states)
      returned.push_back(scope.state(state.name));
    if (hidden)
      returned.push_back(hidden);
    collectedInputs[function] = std::move(found);
    func::ReturnOp::create(b, function.getLoc(), returned);
    return function;
  });
}

OwningOpRef<ModuleOp> ModuleBuilder::run() {
  OwningOpRef<ModuleOp> owner =
      ModuleOp::create(name(plan.name), identifier(plan.name));
  module = *owner;
  module->setAttr(kFamilyAttr, b.getStringAttr(plan.family));
  b.setInsertionPointToEnd(module.getBody());
  declareWeights();
  emitPrepare();
  emitPrefill();
  return owner;
}

OwningOpRef<ModuleOp> buildModule(MLIRContext &context, const ModelPlan &plan,
                                  const ImportOptions &options,
                                  std::vector<ProjectionInput> &inputs) {
  // The layers' functions write to an output whose size they decide together.
  if (options.collectInputs)
    (void)ModuleBuilder(context, plan, options, inputs).run();
  return ModuleBuilder(context, plan, options, inputs).run();
}

} // namespace mlir::marimba
