//===- ModelWork.cpp - What a model has to do -----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/ModelWork.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseSet.h"
#include <algorithm>

using namespace marimba;
using namespace llvm;
using namespace mlir::marimba;
using mlir::Operation;
using mlir::ShapedType;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

MatmulOps &MatmulOps::operator+=(const MatmulOps &other) {
  f32 += other.f32;
  bf16 += other.bf16;
  int8 += other.int8;
  int4 += other.int4;
  return *this;
}

ModelWork &ModelWork::operator+=(const ModelWork &other) {
  perToken += other.perToken;
  perLogits += other.perLogits;
  updatesPerToken += other.updatesPerToken;
  weightBytes += other.weightBytes;
  for (const Chosen &weights : other.chosen) {
    auto same = find_if(
        chosen, [&](const Chosen &c) { return c.share == weights.share; });
    if (same == chosen.end())
      chosen.push_back(weights);
    else
      same->bytes += weights.bytes;
  }
  stateBytes += other.stateBytes;
  kvBytesPerToken += other.kvBytesPerToken;
  return *this;
}

OpsWork &OpsWork::operator+=(const OpsWork &other) {
  model += other.model;
  floatsPerToken += other.floatsPerToken;
  expsPerToken += other.expsPerToken;
  floatsPerLogits += other.floatsPerLogits;
  expsPerLogits += other.expsPerLogits;
  flopsPerPair += other.flopsPerPair;
  expsPerPair += other.expsPerPair;
  window = std::max(window, other.window);
  bytesPerToken += other.bytesPerToken;
  bytesPerLogits += other.bytesPerLogits;
  return *this;
}

//===----------------------------------------------------------------------===//
// Work of one op
//===----------------------------------------------------------------------===//

Products Products::of(const PipelineOptions &options) {
  bool channels = options.prefillsInBytes() || options.prefillsInTiles();
  return {options.bf16,
          options.prefillsInGroups() ? ByteProducts::All
          : channels                 ? ByteProducts::OfChannels
                                     : ByteProducts::None,
          options.prefillsInBF16()};
}

Products Products::ofFewRows(const PipelineOptions &options) {
  return {options.bf16,
          options.multipliesBytes() ? ByteProducts::All : ByteProducts::None};
}

ProductType marimba::productType(const formats::Layout *quantized,
                                 Products products) {
  if (quantized && products.bytes == ByteProducts::All)
    return quantized->encoding.bits == 4 ? ProductType::Int4
                                         : ProductType::Int8;
  if (quantized && products.bytes == ByteProducts::OfChannels &&
      quantized->hasChannelScales())
    return ProductType::Int8;
  bool forBytes =
      quantized && products.bf16ForBytes && quantized->encoding.hasIntegers();
  return products.bf16 || forBytes ? ProductType::BF16 : ProductType::F32;
}

static double &opsOf(MatmulOps &ops, Value weight, Products products) {
  auto type = cast<mlir::RankedTensorType>(weight.getType());
  if (!isQuantized(type))
    return ops.of(productType(nullptr, products));
  formats::Layout layout = layoutOf(type);
  return ops.of(productType(&layout, products));
}

static ShapedType typeOf(Value value) {
  return cast<ShapedType>(value.getType());
}

/// Bytes of the static dimensions: of all, of a row, of a token.
static double bytesOf(Value value) {
  ShapedType type = typeOf(value);
  if (isQuantized(type))
    return static_cast<double>(
        layoutOf(cast<mlir::RankedTensorType>(type)).bytes());
  double bytes = type.getElementTypeBitWidth() / 8.0;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      bytes *= static_cast<double>(size);
  return bytes;
}

/// Bytes of a weight as they are read: as stored, or in bf16 where products are
/// of it and that is less.
static double readBytesOf(Value weight, bool bf16) {
  double bytes = bytesOf(weight);
  auto elements = static_cast<double>(typeOf(weight).getNumElements());
  return bf16 ? std::min(bytes, 2 * elements) : bytes;
}

/// Weights come from get_weight in entries and are arguments of static shape
/// in layers.
static bool isWeight(Value value) {
  auto type = dyn_cast<mlir::RankedTensorType>(value.getType());
  return type && type.hasStaticShape() &&
         (isa<mlir::BlockArgument>(value) ||
          value.getDefiningOp<GetWeightOp>());
}

/// The sizes of one token, one row of logits, one pair of query and key.
static double one(StringRef) { return 1; }

/// What an op computes for one token (one row of logits).
static OpsWork workOf(const OpWork &op, bool perLogits, Products products) {
  OpsWork work;
  for (const OpWork::Products &part : op.products)
    opsOf(perLogits ? work.model.perLogits : work.model.perToken, part.weight,
          part.exact ? Products() : products) += part.operations;
  (perLogits ? work.model.perLogits : work.model.perToken).int8 += op.int8;
  work.model.updatesPerToken = op.updates;
  // A vector has half as many of f64.
  (perLogits ? work.floatsPerLogits : work.floatsPerToken) =
      op.f32 + 2 * op.f64;
  (perLogits ? work.expsPerLogits : work.expsPerToken) = op.exps;
  work.flopsPerPair = op.f32PerPair;
  work.expsPerPair = op.expsPerPair;
  work.window = static_cast<double>(op.window);
  return work;
}

/// Adds the weights that `op` reads: what every call reads where that is not
/// in `seen`, two ops may share it; and what not every token reads.
static void addWeights(Operation *op, const OpWork &work, Products products,
                       DenseSet<Value> &seen, ModelWork &model) {
  auto reader = dyn_cast<WorkOpInterface>(op);
  for (mlir::OpOperand &operand : op->getOpOperands()) {
    Value weight = operand.get();
    if (!isWeight(weight))
      continue;
    bool multiplied = any_of(work.products, [&](const OpWork::Products &part) {
      return part.weight == weight;
    });
    double bytes = readBytesOf(weight, products.bf16 && multiplied);
    double whole = bytesOf(weight);
    double read = reader ? reader.getBytesRead(operand, one) : whole;
    if (read < whole)
      model.chosen.push_back({bytes, read / whole});
    else if (seen.insert(weight).second)
      model.weightBytes += bytes;
  }
}

/// A destination that came from outside of the function.
static bool isState(Value init) {
  return isa<mlir::BlockArgument>(init) && !isWeight(init);
}

static void addStates(Operation *op, ModelWork &work) {
  auto destination = dyn_cast<mlir::DestinationStyleOpInterface>(op);
  if (!destination)
    return;
  for (Value init : destination.getDpsInits())
    if (isState(init))
      (typeOf(init).getNumDynamicDims() > 1 ? work.kvBytesPerToken
                                            : work.stateBytes) += bytesOf(init);
}

//===----------------------------------------------------------------------===//
// The ops of an entry
//===----------------------------------------------------------------------===//

static StringRef nameOf(mlir::Location loc) {
  auto name = dyn_cast<mlir::NameLoc>(loc);
  return name ? name.getName().getValue() : StringRef();
}

/// Another view of the same values.
static bool isView(Operation *op) {
  return isa_and_present<mlir::tensor::ExtractSliceOp,
                         mlir::tensor::CollapseShapeOp,
                         mlir::tensor::ExpandShapeOp, mlir::tensor::CastOp>(op);
}

/// Whether `op` makes values out of others, or could not be told from that.
static bool computes(Operation *op) {
  return !op->hasTrait<mlir::OpTrait::IsTerminator>() && !isView(op) &&
         !isa<mlir::func::CallOp, GetWeightOp, mlir::tensor::EmptyOp>(op) &&
         any_of(op->getResultTypes(), llvm::IsaPred<mlir::RankedTensorType>);
}

WorkTable::WorkTable(mlir::ModuleOp module, StringRef entry, Products products)
    : products(products) {
  mlir::SymbolTable symbols(module);
  for (auto func : module.getOps<mlir::func::FuncOp>())
    if (auto attr = func->getAttrOfType<mlir::StringAttr>(kEntryAttr);
        attr && attr.getValue() == entry)
      count(func, symbols);
}

void WorkTable::count(Operation *op, mlir::SymbolTable &symbols) {
  auto func = cast<mlir::func::FuncOp>(op);
  auto entry = func->getAttrOfType<mlir::StringAttr>(kEntryAttr);
  StringRef name = entry ? entry.getValue() : func.getSymName();
  auto [at, isNew] = functions.try_emplace(name);
  ++at->second.calls;
  // Inside of an entry, what follows from the wanted rows is the head.
  DenseSet<Value> logits;
  // Weights of this function that were counted; two ops may share one.
  DenseSet<Value> seen;
  std::vector<Op> ops;
  func.walk([&](Operation *op) {
    if (auto call = dyn_cast<mlir::func::CallOp>(op)) {
      if (auto callee = symbols.lookup<mlir::func::FuncOp>(call.getCallee());
          callee && !callee.isExternal())
        count(callee, symbols);
      return;
    }
    bool perLogits =
        isa<GatherTokensOp>(op) || // the wanted rows
        any_of(op->getOperands(), [&](Value v) { return logits.contains(v); });
    if (perLogits)
      logits.insert(op->result_begin(), op->result_end());
    if (!isNew || !computes(op))
      return;
    OpWork work;
    if (auto worker = dyn_cast<WorkOpInterface>(op))
      work = worker.getWork(one);
    Op item = {op, nameOf(op->getLoc()), workOf(work, perLogits, products),
               perLogits};
    addWeights(op, work, products, seen, item.work.model);
    addStates(op, item.work.model);
    ops.push_back(std::move(item));
  });
  if (!isNew)
    return;
  Function &function = functions[name]; // `at` may have moved
  function.func = op;
  function.ops = std::move(ops);
}

double WorkTable::layers() const {
  double calls = 0;
  for (const auto &[name, function] : functions)
    if (!function.func->hasAttr(kEntryAttr))
      calls += function.calls;
  return calls;
}

ModelWork WorkTable::whole(const ModelInfo &info) const {
  ModelWork sum;
  for (const auto &[name, function] : functions) {
    ModelWork once;
    for (const Op &op : function.ops)
      once += op.work.model;
    for (double i = 0; i < function.calls; ++i)
      sum += once;
  }
  sum.stateBytes = static_cast<double>(info.stateBytes);
  sum.kvBytesPerToken = static_cast<double>(info.cacheBytesPerToken);
  return sum;
}

/// Whether somebody outside of `inside` reads `value` or a view of it.
static bool leaves(Value value, const DenseSet<Operation *> &inside) {
  return any_of(value.getUsers(), [&](Operation *user) {
    return isView(user) ? leaves(user->getResult(0), inside)
                        : !inside.contains(user);
  });
}

OpsWork WorkTable::of(StringRef function, ArrayRef<StringRef> names) const {
  OpsWork sum;
  auto found = functions.find(function);
  if (found == functions.end())
    return sum;
  DenseSet<Operation *> inside;
  OpsWork once;
  for (const Op &op : found->second.ops)
    if (is_contained(names, op.name)) {
      inside.insert(op.op);
      once += op.work;
    }
  DenseSet<Value> read;
  for (const Op &op : found->second.ops) {
    if (!inside.contains(op.op))
      continue;
    double bytes = 0;
    auto destination = dyn_cast<mlir::DestinationStyleOpInterface>(op.op);
    for (mlir::OpOperand &operand : op.op->getOpOperands()) {
      auto type = dyn_cast<mlir::RankedTensorType>(operand.get().getType());
      // Of a row as a whole (valid, past) there is next to nothing.
      if (!type || type.hasStaticShape() || type.getRank() < 2 ||
          (destination && destination.isDpsInit(&operand)))
        continue;
      Value source = operand.get();
      while (isView(source.getDefiningOp()))
        source = source.getDefiningOp()->getOperand(0);
      // Of the rows that gather_tokens chooses from it reads as many as it
      // writes.
      if (inside.contains(source.getDefiningOp()) ||
          !read.insert(operand.get()).second)
        continue;
      bytes += bytesOf(operand.get());
    }
    for (mlir::OpResult result : op.op->getResults()) {
      auto type = dyn_cast<mlir::RankedTensorType>(result.getType());
      if (type && !type.hasStaticShape() && leaves(result, inside) &&
          !(destination &&
            isState(destination.getTiedOpOperand(result)->get())))
        bytes += bytesOf(result);
    }
    (op.perLogits ? once.bytesPerLogits : once.bytesPerToken) += bytes;
  }
  for (double i = 0; i < found->second.calls; ++i)
    sum += once;
  return sum;
}

StringRef WorkTable::kind(StringRef function, StringRef name) const {
  auto found = functions.find(function);
  if (found == functions.end())
    return {};
  for (const Op &op : found->second.ops)
    if (op.name == name)
      return op.op->getName().stripDialect();
  return {};
}

StringRef WorkTable::layer(StringRef function) const {
  auto found = functions.find(function);
  StringRef name =
      found == functions.end() ? "" : nameOf(found->second.func->getLoc());
  // An entry for one token is a copy of the one for many, its name as well.
  return name.empty() || found->second.func->hasAttr(kEntryAttr) ? function
                                                                 : name;
}

//===----------------------------------------------------------------------===//
// Allowed time
//===----------------------------------------------------------------------===//

double ModelWork::weightBytesFor(double tokens) const {
  // Tokens choose as if each chose others, until all are chosen.
  double bytes = weightBytes;
  for (const Chosen &weights : chosen)
    bytes += std::min(1.0, tokens * weights.share) * weights.bytes;
  return bytes;
}

double marimba::matmulSeconds(const MatmulOps &ops, const Limits &limits) {
  return ops.f32 / (limits.f32Gflops.max * 1e9) +
         ops.bf16 / (limits.bf16Gflops.max * 1e9) +
         ops.int8 / (limits.int8Gops.max * 1e9) +
         ops.int4 / (limits.int4Gops.max * 1e9);
}

static double expSeconds(double count, const Limits &limits) {
  return count / (limits.expGops.max * 1e9);
}

static double readSeconds(double bytes, const Limits &limits) {
  return bytes / (limits.dramReadGbps.max * 1e9);
}

/// Of `tokens` tokens and the logits of the last one.
static double computeSeconds(const ModelWork &work, const Limits &limits,
                             double tokens) {
  return tokens * (matmulSeconds(work.perToken, limits) +
                   expSeconds(work.updatesPerToken, limits)) +
         matmulSeconds(work.perLogits, limits);
}

AllowedTime marimba::allowedTime(const ModelWork &work, const Limits &limits,
                                 double tokens, double context) {
  double decodeBytes =
      work.weightBytesFor(1) + work.stateBytes + context * work.kvBytesPerToken;
  return {std::max(computeSeconds(work, limits, tokens),
                   readSeconds(work.weightBytesFor(tokens), limits)),
          readSeconds(decodeBytes, limits)};
}

OpsWork::Sizes OpsWork::sizes(double tokens, double context) const {
  // Token i sees context + i keys, itself included, and `window` at most.
  double keys = context + tokens;
  double pairs = tokens * context + tokens * (tokens + 1) / 2;
  if (window > 0) {
    double full = std::clamp(keys - window, 0.0, tokens); // these see `window`
    double growing = tokens - full;
    pairs = full * window + growing * context + growing * (growing + 1) / 2;
    keys = std::min(keys, window + tokens - 1);
  }
  Sizes sizes;
  sizes.floats =
      tokens * floatsPerToken + floatsPerLogits + pairs * flopsPerPair;
  sizes.exps = tokens * expsPerToken + expsPerLogits + pairs * expsPerPair;
  sizes.bytes = model.weightBytesFor(tokens) + model.stateBytes +
                keys * model.kvBytesPerToken + tokens * bytesPerToken +
                bytesPerLogits;
  auto sum = [](const MatmulOps &ops) {
    return ops.f32 + ops.bf16 + ops.int8 + ops.int4;
  };
  sizes.operations = tokens * (sum(model.perToken) + model.updatesPerToken) +
                     sum(model.perLogits) + sizes.floats + sizes.exps;
  return sizes;
}

double OpsWork::allowed(const Limits &limits, double tokens,
                        double context) const {
  Sizes whole = sizes(tokens, context);
  double compute = computeSeconds(model, limits, tokens) +
                   matmulSeconds({whole.floats}, limits) +
                   expSeconds(whole.exps, limits);
  return std::max(compute, readSeconds(whole.bytes, limits));
}
