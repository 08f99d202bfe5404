//===- Weights.h - Finds a model's weights in its checkpoint ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_WEIGHTS_H
#define MARIMBA_IMPORTER_WEIGHTS_H

#include "importer/Importer.h"
#include "importer/hub/ModelDirectory.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringSet.h"
#include <memory>

namespace mlir::marimba {

/// One expected dimension, and the field of config.json that it follows from.
struct Dim {
  int64_t size;
  StringRef field;
};

/// A weight of the module: what becomes one marimba.weight.
struct Weight {
  std::string symbol; // "layers.0.mamba.in_proj"
  RankedTensorType type;
  std::vector<std::string> sources; // empty: derived
  /// Of a matrix whose inputs are in another order: that order [K], in i32.
  /// Matrices with equal orders share one.
  std::shared_ptr<const Weight> order{};
};

/// Looks up weights, checks them, and keeps the list of all that were asked
/// for. A weight that is missing or wrong makes the table fail, but the lookup
/// returns what was expected, so that one run can report several; ask
/// `finish()` before using the result. Without a checkpoint all weights exist,
/// in the type that the config states.
class WeightTable {
public:
  /// `options.weights` says how the matrices of a model without a checkpoint
  /// are stored.
  WeightTable(MLIRContext &context, const ModelDirectory &directory,
              StringRef dtype, const ImportOptions &options, ErrorFn emitError);

  /// Makes the tensors of each expert out of a stack [E,N,K] of the checkpoint:
  /// rows [i N/P, (i+1) N/P) of expert e get the name `names[i E + e]`, where
  /// there are E P names. Nothing is done, and the answer is false, unless
  /// ImportOptions asks for it and the stack is there with these
  /// sizes.
  bool takeApart(StringRef stack, ArrayRef<std::string> names,
                 ArrayRef<int64_t> shape);

  /// Makes tensors `names` out of equal parts of the rows of a matrix of the
  /// checkpoint. Nothing is done where it has no such matrix.
  void splitRows(StringRef matrix, ArrayRef<std::string> names, Dim rows,
                 Dim columns);

  /// Marks the tensors of the checkpoint whose names begin with one of these as
  /// known, though not read: they are not said to be unused. Returns how many
  /// there are.
  size_t setAside(ArrayRef<std::string> prefixes);

  /// The file that says which tensors there are.
  StringRef file() const { return directory.weightsFile(); }
  /// Whether the checkpoint holds a tensor with one of these names.
  bool has(ArrayRef<std::string> names) const;
  /// The shape of a tensor of the checkpoint; none where it has no such tensor.
  std::optional<ArrayRef<int64_t>> shapeOf(StringRef name) const;
  /// Whether each expert is a matrix of its own, for ImportOptions::
  /// collectInputs.
  bool expertsAlone() const { return collectInputs; }
  bool hasCheckpoint() const {
    return directory.hasWeights() && !weightEncodings;
  }
  /// Whether the matrices of a model without a checkpoint are quantised.
  bool quantises() const { return weightEncodings.has_value(); }
  /// Whether the checkpoint holds A = -exp(A_log), not A_log.
  bool holdsA() const { return directory.holdsA(); }
  /// Fields of the config as its file spells them.
  std::string fieldsInFile(StringRef fields) const {
    return directory.fieldNames().inFile(fields);
  }

  /// One tensor. `names` are its names on disk, the usual one first. `hint`
  /// says, where it is missing, why it is wanted.
  Weight get(StringRef symbol, ArrayRef<std::string> names, ArrayRef<Dim> shape,
             StringRef hint = "");
  /// As get(), of a tensor that projections or lookups read: a matrix may be
  /// quantised. With `mayPermute` the caller puts what it multiplies into the
  /// matrix's order.
  Weight getMatrix(StringRef symbol, ArrayRef<std::string> names,
                   ArrayRef<Dim> shape, StringRef hint = "",
                   bool mayPermute = false);
  /// Several tensors of one shape, stacked along a new first dimension;
  /// matrices may be quantised.
  Weight getStacked(StringRef symbol, ArrayRef<std::string> names,
                    ArrayRef<Dim> shape);
  /// A weight that @prepare computes.
  Weight derive(StringRef symbol, ArrayRef<int64_t> shape);

  /// Reports that checkpoint and config speak of different models; what is
  /// missing is then no news.
  void error(const Twine &message) {
    mismatch = true;
    report(directory.weightsFile() + ": " + message);
  }

  /// Reports what is missing; fails if anything was wrong.
  LogicalResult finish();
  /// Whether tensors are missing of a checkpoint that is of this model
  /// otherwise.
  bool lacksTensors() const { return !mismatch && !missing.empty(); }

  ArrayRef<Weight> weights() const { return all; }
  std::vector<WeightSource> takeSources();
  /// Fills in the sizes in bytes, what is stored, and the unused tensors.
  void describe(ModelInfo &info) const;

private:
  void report(const Twine &message);
  /// A tensor of the checkpoint, or one taken out of a stack.
  const CheckpointTensor *find(StringRef name) const;
  /// Takes the first of `names` that exists; null where none does.
  const CheckpointTensor *take(ArrayRef<std::string> names,
                               StringRef hint = "");
  /// Checks dtype and shape; returns the element type.
  Type check(const CheckpointTensor &tensor, ArrayRef<Dim> shape);
  Type elementType(StringRef dtype) const;

  /// Whether the checkpoint has `name`, of this shape, as codes and scales, or
  /// as blocks of a GGUF file, which are shown as that then.
  bool isQuantizedOnDisk(StringRef name, ArrayRef<Dim> shape);
  bool showBlocks(StringRef name, ArrayRef<Dim> shape);
  /// Takes the parts of the matrix `name` and adds their names
  /// to `names`; null where something was wrong.
  RankedTensorType takeQuantized(StringRef name, ArrayRef<Dim> shape,
                                 std::vector<std::string> &names);
  /// The order of the inputs of `name`, declared as `symbol`.order unless an
  /// equal one is; null where there is none. An error unless `mayPermute`.
  std::shared_ptr<const Weight> takeOrder(StringRef symbol, StringRef name,
                                          bool mayPermute);
  /// Nothing where the tensors are not quantised.
  std::optional<Weight> getQuantizedStack(StringRef symbol,
                                          ArrayRef<std::string> names,
                                          ArrayRef<Dim> shape);
  /// splitRows() of a matrix that another program quantised.
  void splitQuantizedRows(StringRef matrix, ArrayRef<std::string> names);
  /// How a model without a checkpoint stores `name`; null where as it is.
  const formats::Encoding *encodingFor(StringRef name) const;
  static void addSources(std::vector<std::string> &sources, StringRef name,
                         const formats::Encoding &encoding);

  MLIRContext &context;
  const ModelDirectory &directory;
  Type defaultType;
  const std::optional<WeightEncodings> &weightEncodings;
  ErrorFn emitError;
  std::vector<Weight> all;
  std::vector<WeightSource> sources;
  bool collectInputs, apartExperts;
  int64_t apartExpertsFrom;
  /// What stacks, and blocks of codes and scales, were made into.
  llvm::StringMap<CheckpointTensor> apart;
  llvm::StringMap<std::shared_ptr<const Weight>> orders; // by their contents
  llvm::StringSet<> used;
  std::vector<std::pair<std::string, std::string>> missing; // name, hint
  bool mismatch = false;
  unsigned errors = 0;
};

/// Bytes of a tensor with static shape.
uint64_t bytesOf(RankedTensorType type);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_WEIGHTS_H
