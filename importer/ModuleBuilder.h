//===- ModuleBuilder.h - From a plan to a module ----------------*- C++ -*-===//
//
// Part of Marimba. Private to the importer's builder.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_MODULEBUILDER_H
#define MARIMBA_IMPORTER_MODULEBUILDER_H

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/ModelPlan.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include <map>

namespace mlir::marimba {

/// An argument of a function that is being declared.
struct Argument {
  Type type;
  std::string name;
  StringRef attribute; // with `name` as its value; none if empty
  int64_t time = -1;   // the dimension that counts tokens; none if negative
};

class ModuleBuilder {
public:
  ModuleBuilder(MLIRContext &context, const ModelPlan &plan,
                const ImportOptions &options,
                std::vector<ProjectionInput> &inputs)
      : plan(plan), options(options), inputs(inputs), b(&context) {}

  OwningOpRef<ModuleOp> run();

private:
  Location name(const Twine &text) {
    return NameLoc::get(b.getStringAttr(text));
  }
  RankedTensorType dynamic(ArrayRef<int64_t> shape, Type element = {}) {
    return RankedTensorType::get(shape, element ? element : b.getF32Type());
  }
  /// [B,T,J], of cosines and sines.
  RankedTensorType rotaryType(const Rotation &rotation) {
    return dynamic({ShapedType::kDynamic, ShapedType::kDynamic,
                    int64_t(rotation.frequencies.size())});
  }
  Value getWeight(const Weight &weight) {
    return GetWeightOp::create(b, name(weight.symbol), weight.type,
                               weight.symbol);
  }

  /// Adds a function at the module's end and begins its body.
  func::FuncOp beginFunction(StringRef symbol, ArrayRef<Argument> arguments,
                             TypeRange results);
  void declareWeights();
  func::FuncOp getPreparation(const Preparation &preparation);
  void emitPrepare();
  func::FuncOp getLayer(const LayerPlan &layer);
  void emitPrefill();
  /// Its inputs, then logits, perhaps hidden, and the states, which are its
  /// results.
  SmallVector<Argument> prefillArguments();
  /// The cosines and sines of the positions of `ids`.
  std::pair<Value, Value> emitRotaryTable(const Rotation &rotation, Value ids,
                                          Value past);
  Value emitHead(Value x, Value positions, Value logits);
  Value storeHidden(Value x, Value hidden, int64_t index, Location loc);
  /// For ImportOptions::collectInputs: the output's type, for `inputs` of an
  /// earlier run; and where the inputs of a layer are, which begin at `column`
  /// of it. Returns where they end.
  RankedTensorType inputsType();
  int64_t placeInputs(const LayerPlan &layer, func::FuncOp function,
                      int64_t column);

  /// The function of `base` for these types, made by `make` when it is new.
  func::FuncOp getShared(StringRef base, const std::string &key,
                         function_ref<func::FuncOp(StringRef)> make);

  /// What projections of a layer function multiply, and by which weights.
  struct CollectedInput {
    Value value;
    SmallVector<std::string> weights;
    int64_t begin, size; // columns, from those of the layer on
  };
  /// Puts such a value into `hidden`, from `column` of it on, and adds it to
  /// `found`; one that is there already gets the weight only.
  void collect(StringRef weight, Value value, Value valid,
               std::vector<CollectedInput> &found, Value &hidden, Value column);

  const ModelPlan &plan;
  const ImportOptions &options;
  std::vector<ProjectionInput> &inputs;
  OpBuilder b;
  ModuleOp module;
  std::map<std::string, func::FuncOp> shared;
  std::map<std::string, unsigned> variants;
  DenseMap<func::FuncOp, std::vector<CollectedInput>> collectedInputs;
};

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_MODULEBUILDER_H
