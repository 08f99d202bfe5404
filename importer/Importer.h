//===- Importer.h - Model directory to module -------------------*- C++ -*-===//
//
// Part of Marimba.
//
// The module that `importModel` makes (docs/importer.md has it in full):
//
//   module @name attributes {marimba.family = "jamba"} {
//     marimba.weight @layers.0.mamba.in_proj : tensor<..> from ["model..."]
//     marimba.weight @layers.0.mamba.A : tensor<NxDxf32> derived
//     func.func private @prepare_mamba(..)   derives the weights of one layer
//     func.func @prepare(..)                 derives all; called once
//     func.func private @mamba_dense(..)     one per kind of layer
//     func.func @prefill(..)                 ids and states to logits
//   }
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_IMPORTER_H
#define MARIMBA_IMPORTER_IMPORTER_H

#include "importer/Error.h"
#include "marimba/formats/Format.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mlir::marimba {

namespace formats = ::marimba::formats;

/// How the projections are stored, and the embedding and the output head.
struct WeightEncodings {
  formats::Encoding matrices{.bits = 8}, head{.bits = 8};
};

/// What attention keeps keys and values as (docs/quantization.md). AsStored is
/// bf16 where most of the checkpoint is, otherwise f32.
enum class KeyValueType { AsStored, F32, BF16, Int8 };

struct ImportOptions {
  /// The description's file name inside the directory.
  std::string configFile = "config.json";
  /// @prefill also returns the residual stream before layer 0 and after each
  /// layer: output "hidden", tensor<(layers+1) x B x T x H>.
  bool collectHidden = false;
  /// @prefill also returns what the layers' projections multiply, side by side:
  /// output "hidden", tensor<1 x B x T x S>; ImportedModel::inputs says whose
  /// columns are where. Each expert then takes all tokens, and what goes into
  /// its last projection is times its weight, 0 for tokens that chose others.
  /// Not together with collectHidden.
  bool collectInputs = false;
  /// Experts that the checkpoint has in one tensor [E,N,K] become those of a
  /// checkpoint that has them one by one, by the names that they have there.
  bool apartExperts = false;
  /// What the matrices are taken to be, of a model that is then without
  /// weights. All are of the config's type where this is nothing.
  std::optional<WeightEncodings> weights;
  KeyValueType keyValues = KeyValueType::F32;
  /// As `apartExperts`, for mixtures of so many experts or more.
  int64_t apartExpertsFrom = INT64_MAX;
};

/// What a tensor of the checkpoint is made with (ForeignPart::otherBytes).
struct OtherSource {
  std::string file;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

/// A tensor of the checkpoint that the module names. The data is `bytes` bytes
/// at `offset` of `file`, row major, little endian; `offset` need not be a
/// multiple of the element size.
struct WeightSource {
  std::string name; // as in the `from` list of marimba.weight
  std::string file; // path, usable as it stands
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string dtype; // "F32", "F16" or "BF16"; quantised: "I8" or "U8", too
  std::vector<int64_t> shape;
  /// What the file has instead of that: blocks of which `dtype` is to be made,
  /// or a part of a quantised matrix, `shape` and `dtype` then being ours.
  formats::Stored stored;
  /// Of GGUF files only: the number of heads, if not 0, in which row 2j + p is
  /// to become row p * n/2 + j of n.
  int64_t interleavedHeads = 0;
  /// Of a part of a quantised matrix that is `stored` in another order: its
  /// output channels.
  int64_t channels = 0;
  /// Of such a part of another program: channels and groups that share what is
  /// stored (formats::ForeignShape), and the tensor that it is made with.
  int64_t channelsEach = 1, groupsEach = 1;
  std::optional<OtherSource> other{};
};

/// What a person wants to know about a model.
struct ModelInfo {
  std::string name;   // of the directory or file
  std::string family; // model_type
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  std::vector<std::string> layerKinds; // "mamba+moe", ... one per layer
  std::vector<int64_t> eosIds;
  std::optional<int64_t> bosId, padId;
  bool tiedEmbeddings = false;
  double normEpsilon = 0;  // of the last norm
  bool hasWeights = false; // false: a description without a checkpoint
  bool storesBF16 = false; // most of what is stored as floating point
  uint64_t parameters = 0; // elements of all checkpoint weights in use
  uint64_t weightBytes = 0;
  uint64_t derivedBytes = 0;
  uint64_t stateBytes = 0;         // per sequence, whatever its length
  uint64_t cacheBytesPerToken = 0; // per sequence and token: keys and values
  /// The sizes that shape the model, by their names in config.json.
  std::vector<std::pair<std::string, int64_t>> sizes;
  /// Tensors of the checkpoint that the model has no use for.
  std::vector<std::string> unusedTensors;
  /// What a person should know of how the model was read, one sentence each.
  std::vector<std::string> notes;
};

/// The columns of the output "hidden" that a projection multiplies.
struct ProjectionInput {
  std::string weight; // a tensor of the checkpoint
  int64_t begin = 0, size = 0;
};

struct ImportedModel {
  OwningOpRef<ModuleOp> module;
  std::vector<WeightSource> sources; // empty without a checkpoint
  ModelInfo info;
  std::vector<ProjectionInput> inputs; // of ImportOptions::collectInputs
};

/// Describes the model in `directory`, which may be a GGUF file, as a module
/// that verifies. On failure at least one message has been emitted.
FailureOr<ImportedModel> importModel(MLIRContext &context,
                                     llvm::StringRef directory,
                                     const ImportOptions &options,
                                     ErrorFn emitError);

/// The dialects that imported modules are made of.
void registerImporterDialects(DialectRegistry &registry);

/// The values of model_type that importModel knows.
std::vector<std::string> supportedFamilies();

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_IMPORTER_H
