//===- Prefill.cpp - The entry from ids and states to logits ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/ModuleBuilder.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::marimba {

Value ModuleBuilder::storeHidden(Value x, Value hidden, int64_t index,
                                 Location loc) {
  SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0));
  offsets[0] = b.getIndexAttr(index);
  SmallVector<OpFoldResult> strides(4, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(1)};
  llvm::append_range(sizes, tensor::getMixedSizes(b, loc, x));
  return tensor::InsertSliceOp::create(b, loc, x, hidden, offsets, sizes,
                                       strides);
}

std::pair<Value, Value> ModuleBuilder::emitRotaryTable(const Rotation &rotation,
                                                       Value ids, Value past) {
  Location loc = name("rotary");
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, ids);
  sizes.push_back(b.getIndexAttr(rotation.frequencies.size()));
  Value cos = tensor::EmptyOp::create(b, name("cos"), sizes, b.getF32Type());
  Value sin = tensor::EmptyOp::create(b, name("sin"), sizes, b.getF32Type());
  Type type = rotaryType(rotation);
  auto table = RotaryTableOp::create(
      b, loc, TypeRange{type, type}, past, ValueRange{cos, sin},
      b.getDenseF32ArrayAttr(rotation.frequencies));
  auto scaled = [&](unsigned i) {
    return emitScaled(b, loc, table->getResult(i), rotation.factor);
  };
  return {scaled(0), scaled(1)};
}

Value ModuleBuilder::emitHead(Value x, Value positions, Value logits) {
  // Only the rows whose logits are wanted are normed.
  Value wanted = GatherTokensOp::create(b, name("gather_tokens"), x.getType(),
                                        x, positions);
  Value normed = RMSNormOp::create(b, name(plan.finalNorm.symbol), wanted,
                                   getWeight(plan.finalNorm), plan.normEpsilon,
                                   /*groups=*/1, plan.zeroCenteredNorm);
  Value table = getWeight(plan.head ? *plan.head : plan.embedding);
  Value result = LinearOp::create(b, name("lm_head"), logits.getType(), normed,
                                  table, /*bias=*/Value());
  result = emitScaled(b, name("logits_scale"), result, plan.logitsScale);
  if (plan.logitsSoftcap)
    result = SoftcapOp::create(b, name("logits_softcap"), result.getType(),
                               result, b.getF64FloatAttr(plan.logitsSoftcap));
  return bufferization::MaterializeInDestinationOp::create(b, name("logits"),
                                                           result, logits)
      ->getResult(0);
}

SmallVector<Argument> ModuleBuilder::prefillArguments() {
  int64_t any = ShapedType::kDynamic;
  Type rows = dynamic({any}, b.getI32Type());
  Type tokens = dynamic({any, any}, b.getI32Type());
  SmallVector<Argument> arguments{
      {tokens, "ids", kInputAttr, /*time=*/1},
      {rows, "past", kInputAttr},
      {rows, "valid", kInputAttr},
      // Of one token there is at most one whose logits are wanted.
      {tokens, "positions", kInputAttr, /*time=*/1},
      {dynamic({any, any, plan.vocabSize}), "logits", kOutputAttr,
       /*time=*/1}};
  if (options.collectInputs)
    arguments.push_back({inputsType(), "hidden", kOutputAttr, /*time=*/2});
  else if (options.collectHidden)
    arguments.push_back(
        {dynamic({int64_t(plan.layers.size()) + 1, any, any, plan.hiddenSize}),
         "hidden", kOutputAttr, /*time=*/2});
  for (const LayerPlan &layer : plan.layers)
    for (const LayerState &state : layer.states)
      arguments.push_back(
          {state.type, layer.prefix + "." + state.name, kStateAttr});
  return arguments;
}

void ModuleBuilder::emitPrefill() {
  SmallVector<func::FuncOp> callees;
  for (const LayerPlan &layer : plan.layers)
    callees.push_back(getLayer(layer));
  SmallVector<Argument> arguments = prefillArguments();
  const size_t firstOutput = 4; // the logits
  bool both = options.collectHidden || options.collectInputs;
  const size_t firstState = firstOutput + (both ? 2 : 1);
  int64_t any = ShapedType::kDynamic;
  SmallVector<Type> results;
  for (const Argument &argument : ArrayRef(arguments).drop_front(firstOutput))
    results.push_back(argument.type);

  func::FuncOp function = beginFunction("prefill", arguments, results);
  function->setAttr(kEntryAttr, b.getStringAttr("prefill"));
  Value ids = function.getArgument(0), past = function.getArgument(1);
  Value valid = function.getArgument(2), positions = function.getArgument(3);
  Value hidden = both ? Value(function.getArgument(5)) : Value();
  bool residual = options.collectHidden && !options.collectInputs;

  Value x = EmbeddingOp::create(b, name(plan.embedding.symbol),
                                dynamic({any, any, plan.hiddenSize}), ids,
                                getWeight(plan.embedding));
  x = emitScaled(b, name("embedding_scale"), x, plan.embeddingScale);
  Value x0 = x; // the layers write to x: a copy, if one of them asks for x0
  SmallVector<std::pair<Value, Value>> tables;
  for (const Rotation &rotation : plan.rotations)
    tables.push_back(emitRotaryTable(rotation, ids, past));
  SmallVector<Value> states(function.getArguments().drop_front(firstState));
  size_t state = 0;
  int64_t column = 0; // of `hidden`, where a layer's inputs begin
  for (auto [i, layer] : llvm::enumerate(plan.layers)) {
    if (residual)
      hidden = storeHidden(x, hidden, i, name(layer.prefix + ".hidden"));
    SmallVector<Value> operands{x};
    if (layer.usesEmbedding)
      operands.push_back(x0);
    if (layer.usesPast)
      operands.push_back(past);
    if (layer.usesRotary) {
      auto [cos, sin] = tables[layer.rotation];
      operands.append({cos, sin});
    }
    operands.push_back(valid);
    for (size_t k = 0; k < layer.states.size(); ++k)
      operands.push_back(states[state + k]);
    for (const LayerWeight &weight : layer.weights)
      operands.push_back(getWeight(weight.weight));
    if (options.collectInputs) {
      operands.push_back(hidden);
      operands.push_back(
          arith::ConstantIndexOp::create(b, name("column"), column));
    }
    auto call =
        func::CallOp::create(b, name(layer.location), callees[i], operands);
    x = call.getResult(0);
    ValueRange results = call.getResults().drop_front();
    for (Value result : results.take_front(layer.states.size()))
      states[state++] = result;
    if (options.collectInputs) {
      hidden = results.back();
      column = placeInputs(layer, callees[i], column);
    }
  }
  if (residual)
    hidden = storeHidden(x, hidden, plan.layers.size(), name("last.hidden"));

  SmallVector<Value> returned{
      emitHead(x, positions, function.getArgument(firstOutput))};
  if (hidden)
    returned.push_back(hidden);
  llvm::append_range(returned, states);
  func::ReturnOp::create(b, function.getLoc(), returned);
}

} // namespace mlir::marimba
