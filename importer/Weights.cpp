//===- Weights.cpp - Finds a model's weights in its checkpoint --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/Weights.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::marimba {

/// More messages than this help nobody.
static constexpr unsigned kMostErrors = 10;

WeightTable::WeightTable(MLIRContext &context, const ModelDirectory &directory,
                         StringRef dtype, const ImportOptions &options,
                         ErrorFn emitError)
    : context(context), directory(directory), weightEncodings(options.weights),
      emitError(emitError), collectInputs(options.collectInputs),
      apartExperts(options.apartExperts || options.collectInputs),
      apartExpertsFrom(options.apartExpertsFrom) {
  defaultType = elementType(dtype);
}

Type WeightTable::elementType(StringRef dtype) const {
  if (dtype == "F32")
    return Float32Type::get(&context);
  if (dtype == "BF16")
    return BFloat16Type::get(&context);
  if (dtype == "F16")
    return Float16Type::get(&context);
  return {};
}

void WeightTable::report(const Twine &message) {
  if (++errors <= kMostErrors)
    emitError(message);
}

const CheckpointTensor *WeightTable::find(StringRef name) const {
  if (auto made = apart.find(name); made != apart.end())
    return &made->second;
  return directory.find(name);
}

bool WeightTable::takeApart(StringRef stack, ArrayRef<std::string> names,
                            ArrayRef<int64_t> shape) {
  const CheckpointTensor *tensor = directory.find(stack);
  bool wanted = apartExperts || shape[0] >= apartExpertsFrom;
  if (!wanted || !hasCheckpoint() || !tensor ||
      ArrayRef<int64_t>(tensor->entry.shape) != shape)
    return false;
  int64_t experts = shape[0], parts = int64_t(names.size()) / experts;
  uint64_t bytes = tensor->entry.bytes / names.size();
  for (auto [i, name] : llvm::enumerate(names)) {
    CheckpointTensor &made = apart[name] = *tensor;
    made.entry.name = name;
    made.entry.shape = {shape[1] / parts, shape[2]};
    made.entry.offset +=
        bytes * (int64_t(i) % experts * parts + int64_t(i) / experts);
    made.entry.bytes = bytes;
  }
  used.insert(stack);
  return true;
}

void WeightTable::splitRows(StringRef matrix, ArrayRef<std::string> names,
                            Dim rows, Dim columns) {
  const CheckpointTensor *tensor = directory.find(matrix);
  if (hasCheckpoint() && directory.find((matrix + ".codes").str()))
    return splitQuantizedRows(matrix, names);
  if (!hasCheckpoint() || !tensor)
    return;
  check(*tensor, {rows, columns});
  used.insert(matrix);
  uint64_t bytes = tensor->entry.bytes / names.size();
  for (auto [i, name] : llvm::enumerate(names)) {
    CheckpointTensor &part = apart[name] = *tensor;
    part.entry.name = name;
    part.entry.shape = {rows.size / int64_t(names.size()), columns.size};
    part.entry.offset += bytes * i;
    part.entry.bytes = bytes;
  }
}

size_t WeightTable::setAside(ArrayRef<std::string> prefixes) {
  if (!hasCheckpoint())
    return 0;
  size_t count = 0;
  for (const auto &tensor : directory.tensors())
    if (llvm::any_of(prefixes, [&](StringRef p) {
          return tensor.first().starts_with(p);
        }))
      count += used.insert(tensor.first()).second;
  return count;
}

bool WeightTable::has(ArrayRef<std::string> names) const {
  return llvm::any_of(names,
                      [&](StringRef name) { return find(name) != nullptr; });
}

std::optional<ArrayRef<int64_t>> WeightTable::shapeOf(StringRef name) const {
  if (const CheckpointTensor *tensor = find(name))
    return ArrayRef<int64_t>(tensor->entry.shape);
  return std::nullopt;
}

const CheckpointTensor *WeightTable::take(ArrayRef<std::string> names,
                                          StringRef hint) {
  for (StringRef name : names) {
    const CheckpointTensor *tensor = find(name);
    if (!tensor)
      continue;
    if (used.insert(name).second) {
      const SafetensorsEntry &entry = tensor->entry;
      auto pathOf = [&](unsigned file) {
        return directory.pathOf(directory.files()[file]);
      };
      std::optional<OtherSource> other;
      if (tensor->other)
        other = {pathOf(tensor->other->file), tensor->other->offset,
                 tensor->other->bytes};
      sources.push_back({entry.name, pathOf(tensor->file), entry.offset,
                         entry.bytes, entry.dtype, entry.shape, tensor->stored,
                         tensor->interleavedHeads, tensor->channels,
                         tensor->channelsEach, tensor->groupsEach, other});
    }
    return tensor;
  }
  missing.emplace_back(names.front(), hint.str());
  return nullptr;
}

Type WeightTable::check(const CheckpointTensor &tensor, ArrayRef<Dim> shape) {
  const SafetensorsEntry &entry = tensor.entry;
  std::string subject = directory.files()[tensor.file] + ": tensor " +
                        quoted(directory.nameInFile(entry.name)) + " has ";
  SmallVector<int64_t> expected;
  for (const Dim &dim : shape)
    expected.push_back(dim.size);
  if (ArrayRef<int64_t>(entry.shape) != ArrayRef<int64_t>(expected)) {
    bool sameRank = entry.shape.size() == expected.size();
    llvm::SetVector<StringRef> fields;
    for (auto [i, dim] : llvm::enumerate(shape))
      if (!dim.field.empty() && (!sameRank || entry.shape[i] != dim.size))
        fields.insert(dim.field);
    std::string why;
    if (!fields.empty())
      why = (" (" +
             llvm::join(llvm::map_range(fields,
                                        [&](StringRef field) {
                                          return fieldsInFile(field);
                                        }),
                        ", ") +
             " of " + directory.configFile() + ")")
                .str();
    report(subject + "shape " + printShape(entry.shape) + ", expected " +
           printShape(expected) + why);
  }
  if (Type type = elementType(entry.dtype))
    return type;
  report(subject + "type " + StringRef(quoted(entry.dtype)).trim('\'') +
         ", expected " + formats::listFormats(/*blocks=*/directory.holdsA()));
  return defaultType;
}

Weight WeightTable::get(StringRef symbol, ArrayRef<std::string> names,
                        ArrayRef<Dim> shape, StringRef hint) {
  Weight weight;
  weight.symbol = symbol.str();
  Type type = defaultType;
  std::string source = names.front();
  if (hasCheckpoint()) {
    if (const CheckpointTensor *tensor = take(names, hint)) {
      type = check(*tensor, shape);
      source = tensor->entry.name;
    }
  }
  weight.sources.push_back(source);
  SmallVector<int64_t> sizes;
  for (const Dim &dim : shape)
    sizes.push_back(dim.size);
  weight.type = RankedTensorType::get(sizes, type);
  all.push_back(weight);
  return weight;
}

Weight WeightTable::getStacked(StringRef symbol, ArrayRef<std::string> names,
                               ArrayRef<Dim> shape) {
  if (shape.size() == 2)
    if (std::optional<Weight> quantized =
            getQuantizedStack(symbol, names, shape))
      return *quantized;
  Weight weight;
  weight.symbol = symbol.str();
  Type type;
  StringRef first;
  for (const std::string &name : names) {
    weight.sources.push_back(name);
    if (!hasCheckpoint())
      continue;
    const CheckpointTensor *tensor = take(name);
    if (!tensor)
      continue;
    Type own = check(*tensor, shape);
    if (type && own != type) {
      report(directory.files()[tensor->file] + ": tensor " + quoted(name) +
             " has type " + tensor->entry.dtype + ", expected " +
             find(first)->entry.dtype + " as " + quoted(first) +
             " has it: experts are stacked");
      continue;
    }
    if (!type) {
      type = own;
      first = name;
    }
  }
  SmallVector<int64_t> sizes{int64_t(names.size())};
  for (const Dim &dim : shape)
    sizes.push_back(dim.size);
  weight.type = RankedTensorType::get(sizes, type ? type : defaultType);
  all.push_back(weight);
  return weight;
}

Weight WeightTable::derive(StringRef symbol, ArrayRef<int64_t> shape) {
  Weight weight;
  weight.symbol = symbol.str();
  weight.type = RankedTensorType::get(shape, Float32Type::get(&context));
  all.push_back(weight);
  return weight;
}

LogicalResult WeightTable::finish() {
  // Now that all others are taken, what is left over may be the missing one
  // under another name.
  SmallVector<StringRef> candidates;
  if (mismatch)
    missing.clear();
  if (!missing.empty())
    for (const auto &tensor : directory.tensors())
      if (!used.contains(tensor.first()))
        candidates.push_back(tensor.first());
  llvm::sort(candidates);
  for (const auto &[name, hint] : missing) {
    if (errors >= kMostErrors) {
      ++errors;
      continue;
    }
    StringRef near = nearest(name, candidates);
    report(directory.weightsFile() + ": tensor " +
           quoted(directory.nameInFile(name)) + " is missing" + hint +
           (near.empty() ? "" : "; did you mean " + quoted(near) + "?"));
  }
  if (errors > kMostErrors)
    emitError(directory.weightsFile() + ": and " + Twine(errors - kMostErrors) +
              " more errors");
  return success(errors == 0);
}

std::vector<WeightSource> WeightTable::takeSources() {
  return std::move(sources);
}

void WeightTable::describe(ModelInfo &info) const {
  info.hasWeights = hasCheckpoint();
  double floats = 0, narrow = 0;
  for (const Weight &weight : all) {
    uint64_t bytes = bytesOf(weight.type);
    if (weight.sources.empty()) {
      info.derivedBytes = llvm::SaturatingAdd(info.derivedBytes, bytes);
      continue;
    }
    info.weightBytes = llvm::SaturatingAdd(info.weightBytes, bytes);
    if (weight.type.getElementType().isInteger(32)) // an order
      continue;
    info.parameters = llvm::SaturatingAdd(
        info.parameters, uint64_t(weight.type.getNumElements()));
    if (isQuantized(weight.type))
      continue;
    auto elements = static_cast<double>(weight.type.getNumElements());
    floats += elements;
    narrow += weight.type.getElementType().isBF16() ? elements : 0;
  }
  info.storesBF16 = narrow > floats / 2;
  for (const auto &tensor : directory.tensors())
    if (!used.contains(tensor.first()))
      info.unusedTensors.push_back(directory.nameInFile(tensor.first()));
  llvm::sort(info.unusedTensors);
}

uint64_t bytesOf(RankedTensorType type) {
  if (isQuantized(type))
    return uint64_t(layoutOf(type).bytes());
  return uint64_t(type.getNumElements()) * (type.getElementTypeBitWidth() / 8);
}

} // namespace mlir::marimba
