//===- Importer.cpp - Model directory to module -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/Importer.h"
#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/AttentionWeights.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/hub/WeightNames.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::marimba {

void registerImporterDialects(DialectRegistry &registry) {
  registry.insert<MarimbaDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, func::FuncDialect,
                  linalg::LinalgDialect, math::MathDialect,
                  tensor::TensorDialect>();
}

std::vector<std::string> supportedFamilies() {
  std::vector<std::string> names;
  for (const Family &family : families())
    names.push_back(family.modelType.str());
  return names;
}

static const Family *chooseFamily(Config &config) {
  StringRef untyped;
  for (const Family &family : families())
    if (family.isUntyped && family.isUntyped(config))
      untyped = family.modelType;
  std::string type = config.getString("model_type", untyped);
  if (failed(config.result()))
    return nullptr;
  if (const Family *family = lookupFamily(type))
    return family;
  config.error("model_type", "a supported family (" +
                                 llvm::join(supportedFamilies(), ", ") + ")");
  return nullptr;
}

/// Bytes of a state for one sequence: fixed, or per token of the cache.
static void addState(ModelInfo &info, RankedTensorType type) {
  uint64_t bytes = type.getElementTypeBitWidth() / 8;
  bool grows = false;
  for (int64_t size : type.getShape().drop_front()) {
    if (ShapedType::isDynamic(size))
      grows = true;
    else
      bytes = llvm::SaturatingMultiply(bytes, uint64_t(size));
  }
  uint64_t &sum = grows ? info.cacheBytesPerToken : info.stateBytes;
  sum = llvm::SaturatingAdd(sum, bytes);
}

static LogicalResult readTokens(Config &config, ModelInfo &info) {
  info.eosIds = config.getTokenIds("eos_token_id");
  if (auto ids = config.getTokenIds("bos_token_id"); !ids.empty())
    info.bosId = ids.front();
  if (auto ids = config.getTokenIds("pad_token_id"); !ids.empty())
    info.padId = ids.front();
  return config.result();
}

/// A module that does not verify is our defect, not the user's; it is reported
/// all the same.
static LogicalResult verifyModule(ModuleOp module, StringRef name,
                                  ErrorFn emitError) {
  ScopedDiagnosticHandler handler(
      module.getContext(), [&](Diagnostic &diagnostic) {
        emitError(name + ": internal error, the imported module is wrong: " +
                  diagnostic.str());
        return success();
      });
  return verify(module);
}

namespace {

/// Config and weights to a plan.
class Planning {
public:
  Planning(MLIRContext &context, ModelDirectory &directory,
           const ImportOptions &options)
      : context(context), directory(directory), options(options) {}

  /// Where tensors are not found by their names, tries those that they are
  /// likely to have.
  bool run(ErrorFn emitError);

  ModelPlan plan;
  ModelInfo info;
  std::optional<WeightTable> weights;

private:
  bool tryOnce();

  MLIRContext &context;
  ModelDirectory &directory;
  const ImportOptions &options;
  std::vector<std::string> errors;
  /// Lives as long as the weights, which report to it.
  std::function<void(const Twine &)> keep = [this](const Twine &message) {
    errors.push_back(message.str());
  };
};

} // namespace

bool Planning::tryOnce() {
  errors.clear();
  plan = ModelPlan();
  info = ModelInfo();
  weights.reset();
  Config config(directory.config(), directory.configFile().str(), keep,
                directory.fieldNames());
  const Family *family = chooseFamily(config);
  if (!family) {
    config.suggestFields();
    return false;
  }
  if (!family->nested.empty())
    config.enter(family->nested);
  plan.name = info.name = directory.name().str();
  plan.family = info.family = family->modelType.str();
  // Where there are weights, their types are what they are.
  bool stored = directory.hasWeights() && !options.weights;
  std::string dtype = stored ? "F32" : config.getDType();
  weights.emplace(context, directory, dtype, options, keep);
  if (failed(readTokens(config, info)) ||
      failed(family->plan(context, config, *weights, plan, info)) ||
      failed(weights->finish())) {
    config.suggestFields();
    return false;
  }
  return true;
}

bool Planning::run(ErrorFn emitError) {
  bool done = tryOnce();
  if (!done && weights && weights->lacksTensors() && !directory.holdsA()) {
    std::vector<std::string> expected;
    for (const Weight &weight : weights->weights())
      llvm::append_range(expected, weight.sources);
    NameMatch match = matchNames(expected, directory);
    if (!match.problem.empty())
      errors = {match.problem};
    if (!match.names.empty()) {
      directory.rename(match.names, match.prefix, match.prefixInFile);
      directory.notes.push_back(match.note);
      done = tryOnce();
    }
  }
  for (const std::string &message : errors)
    emitError(message);
  return done;
}

FailureOr<ImportedModel> importModel(MLIRContext &context, StringRef path,
                                     const ImportOptions &options,
                                     ErrorFn emitError) {
  DialectRegistry registry;
  registerImporterDialects(registry);
  context.appendDialectRegistry(registry);
  for (StringRef dialect : registry.getDialectNames())
    context.getOrLoadDialect(dialect);

  FailureOr<ModelDirectory> directory =
      ModelDirectory::open(path, options.configFile, emitError);
  if (failed(directory))
    return failure();
  ImportedModel model;
  Planning planning(context, *directory, options);
  if (!planning.run(emitError))
    return failure();
  ModelPlan &plan = planning.plan;
  WeightTable &weights = *planning.weights;
  model.info = std::move(planning.info);
  plan.weights = weights.weights();

  ModelInfo &info = model.info;
  info.vocabSize = plan.vocabSize;
  info.hiddenSize = plan.hiddenSize;
  weights.describe(info);
  KeyValueType keyValues = options.keyValues;
  if (keyValues == KeyValueType::AsStored)
    keyValues = info.storesBF16 ? KeyValueType::BF16 : KeyValueType::F32;
  for (LayerPlan &layer : plan.layers) {
    setCacheType(layer, keyValues);
    info.layerKinds.push_back(layer.kind);
    for (const LayerState &state : layer.states)
      addState(info, state.type);
  }
  model.module = buildModule(context, plan, options, model.inputs);
  if (failed(verifyModule(*model.module, plan.name, emitError)))
    return failure();
  model.sources = weights.takeSources();
  llvm::append_range(directory->notes, info.notes);
  info.notes = std::move(directory->notes);
  return model;
}

} // namespace mlir::marimba
