//===- ModelPlan.h - What a family tells the module builder -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_MODELPLAN_H
#define MARIMBA_IMPORTER_MODELPLAN_H

#include "importer/Weights.h"
#include "importer/hub/RotaryConfig.h"
#include "llvm/ADT/SmallVector.h"
#include <functional>

namespace mlir::marimba {

class LayerScope;

/// A weight under the name that the layer function gives it.
struct LayerWeight {
  std::string name; // "in_proj", "conv1d.bias"
  Weight weight;
};

/// A state that a layer carries from call to call.
struct LayerState {
  std::string name; // "conv", "ssm", "key", "value", "key_scales"
  RankedTensorType type;
};

/// How derived weights of one layer come from stored ones.
struct Preparation {
  std::string function; // of all layers with this preparation and these types
  SmallVector<Weight> inputs;
  SmallVector<Weight> outputs;
  /// Emits the body: inputs and destinations to results.
  std::function<SmallVector<Value>(OpBuilder &, Location, ValueRange,
                                   ValueRange)>
      emit;
};

/// One layer. Layers of the same kind whose weights and states have the same
/// names and types share one function.
struct LayerPlan {
  std::string kind;           // "mamba+dense": marimba.layer of the function
  std::string prefix;         // "layers.0": of its weights and states
  std::string location;       // "model.layers.0.mamba": for people
  bool usesEmbedding = false; // what the model's first layer reads, as x0
  bool usesPast = false;
  bool usesRotary = false;
  unsigned rotation = 0; // which of the model's, if it uses one
  SmallVector<LayerWeight> weights;
  SmallVector<LayerState> states;
  std::optional<Preparation> preparation;
  /// Emits the body; the scope holds arguments, returns the new x.
  std::function<Value(LayerScope &)> emit;

  /// By the name of a matrix that of the weight that is its inputs' order.
  SmallVector<std::pair<std::string, std::string>> orders;

  /// With its order, unless another matrix of the layer has the same.
  void add(StringRef name, Weight weight);
};

/// A model: embedding, layers, final norm, head.
struct ModelPlan {
  std::string name;
  std::string family;
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  double normEpsilon = 0;
  bool zeroCenteredNorm = false;              // the last norm's factor is 1 + w
  double embeddingScale = 1, logitsScale = 1; // factors
  double logitsSoftcap = 0;                   // after the factor; 0: none
  Weight embedding, finalNorm;
  std::optional<Weight> head; // none: the embedding is the head, too
  std::vector<LayerPlan> layers;
  /// Of rotary positions, which layers share; none where there are none.
  std::vector<Rotation> rotations;
  /// All weights, in the order of their declaration.
  ArrayRef<Weight> weights;
};

/// Takes <layer.location>.<module><name><suffix> of the checkpoint, where
/// `location` is how the layer's tensors begin, and adds it as `name`, with
/// ".bias" for a bias. `alias` is what old files say for <module><name>.
void takeTensor(LayerPlan &layer, WeightTable &weights, StringRef module,
                StringRef name, ArrayRef<Dim> shape,
                StringRef suffix = ".weight", StringRef alias = "");

/// As takeTensor(), of a tensor that the checkpoint calls
/// <layer.location>.<module><disk><suffix>.
void takeTensorAs(LayerPlan &layer, WeightTable &weights, StringRef module,
                  StringRef name, StringRef disk, ArrayRef<Dim> shape,
                  StringRef suffix = ".weight", StringRef alias = "");

/// Builds the module that docs/importer.md describes. `inputs` is what
/// ImportedModel::inputs says.
OwningOpRef<ModuleOp> buildModule(MLIRContext &context, const ModelPlan &plan,
                                  const ImportOptions &options,
                                  std::vector<ProjectionInput> &inputs);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_MODELPLAN_H
