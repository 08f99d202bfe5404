//===- ForeignMatrix.cpp - A matrix that others quantised -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/ForeignMatrix.h"
#include "marimba/InputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/SHA1.h"

namespace mlir::marimba {

using ::marimba::formats::Layout;
using ::marimba::formats::PartKind;

LogicalResult ForeignMatrix::fail(StringRef suffix, const Twine &what) const {
  std::string name = base + suffix.str();
  const CheckpointTensor *tensor = directory.find(name);
  emitError(
      (tensor ? directory.files()[tensor->file] : directory.weightsFile()) +
      ": tensor " + quoted(name) + " " + what);
  return failure();
}

LogicalResult ForeignMatrix::failType(StringRef suffix,
                                      const CheckpointTensor &tensor,
                                      const Twine &expected) const {
  return fail(suffix, "has type " + tensor.entry.dtype + " and shape " +
                          printShape(tensor.entry.shape) + ", expected " +
                          expected);
}

const CheckpointTensor *ForeignMatrix::find(StringRef suffix) {
  std::string name = base + suffix.str();
  const CheckpointTensor *tensor = directory.find(name);
  if (tensor && !llvm::is_contained(result.used, name))
    result.used.push_back(name);
  return tensor;
}

const CheckpointTensor *ForeignMatrix::take(StringRef suffix, StringRef present,
                                            ArrayRef<StringRef> dtypes,
                                            size_t rank) {
  const CheckpointTensor *tensor = find(suffix);
  if (!tensor) {
    (void)fail(suffix, "is missing (" + base + present + " is there)");
    return nullptr;
  }
  const SafetensorsEntry &entry = tensor->entry;
  if (llvm::is_contained(dtypes, entry.dtype) && entry.shape.size() == rank &&
      entry.bytes)
    return tensor;
  (void)failType(
      suffix, *tensor,
      llvm::join(dtypes, " or ") + " and " +
          (rank == 1 ? Twine("one dimension") : Twine("two dimensions")) +
          (entry.bytes ? "" : ", not empty"));
  return nullptr;
}

std::optional<std::string>
ForeignMatrix::bytes(const CheckpointTensor &tensor) const {
  const SafetensorsEntry &entry = tensor.entry;
  StringRef file = directory.files()[tensor.file];
  std::string problem, data(entry.bytes, 0);
  auto input = ::marimba::rt::InputFile::open(directory.pathOf(file), problem);
  if (input && input->read(data, entry.offset, problem))
    return data;
  emitError(file + ": " + problem);
  return std::nullopt;
}

std::optional<std::vector<uint32_t>>
ForeignMatrix::words(const CheckpointTensor &tensor) const {
  std::optional<std::string> data = bytes(tensor);
  if (!data)
    return std::nullopt;
  std::vector<uint32_t> result(data->size() / 4);
  for (auto [i, word] : llvm::enumerate(result))
    word = llvm::support::endian::read32le(data->data() + 4 * i);
  return result;
}

LogicalResult ForeignMatrix::readOrder(StringRef suffix, int64_t inputs,
                                       int64_t size) {
  const CheckpointTensor *tensor = find(suffix);
  if (!tensor)
    return success();
  if (tensor->entry.dtype != "I32" ||
      ArrayRef<int64_t>(tensor->entry.shape) != ArrayRef<int64_t>(inputs))
    return failType(suffix, *tensor, "I32 and " + printShape({inputs}));
  auto group = words(*tensor);
  if (!group)
    return failure();
  // compressed-tensors writes -1 for all where there is no order.
  if (llvm::all_of(*group, [](uint32_t g) { return g == UINT32_MAX; }))
    return success();
  bool inOrder = true;
  std::vector<int64_t> count(size_t(inputs / size), 0);
  for (auto [i, g] : llvm::enumerate(*group)) {
    if (g >= count.size())
      return fail(suffix, "puts input " + Twine(i) + " into group " +
                              Twine(int32_t(g)) + ", expected one of " +
                              Twine(count.size()));
    ++count[g];
    inOrder &= int64_t(g) == int64_t(i) / size;
  }
  for (auto [g, inputs] : llvm::enumerate(count))
    if (inputs != size)
      return fail(suffix, "puts " + Twine(inputs) + " inputs into group " +
                              Twine(g) + ", expected " + Twine(size));
  if (inOrder)
    return success();
  order = tensor;
  auto hash = llvm::SHA1::hash(
      ArrayRef(reinterpret_cast<const uint8_t *>(group->data()),
               group->size() * sizeof(uint32_t)));
  orderDigest = llvm::toHex(hash);
  return success();
}

CheckpointTensor &ForeignMatrix::add(const CheckpointTensor &from,
                                     PartKind kind, const Layout &layout,
                                     StringRef stored) {
  CheckpointTensor &tensor = result.tensors.emplace_back(from);
  tensor.entry.name = base + ".weight." + std::string(partName(kind));
  tensor.entry.dtype = layout.partType(kind);
  tensor.entry.shape = layout.partShape(kind);
  tensor.stored = *::marimba::formats::Stored::parse(stored);
  tensor.channels = layout.channels;
  return tensor;
}

void ForeignMatrix::addCodes(const CheckpointTensor &from, const Layout &layout,
                             StringRef stored) {
  CheckpointTensor &codes = add(from, PartKind::Codes, layout, stored);
  codes.encoding = layout.encoding;
  if (!order)
    return;
  codes.other = {order->file, order->entry.offset, order->entry.bytes};
  CheckpointTensor &made = result.tensors.emplace_back(*order);
  made.entry.name = base + ".weight.order";
  made.stored = *::marimba::formats::Stored::parse("order");
  made.channels = layout.channels;
  made.digest = orderDigest;
}

void reportField(const ModelDirectory &directory,
                 const llvm::json::Object &fields, StringRef field,
                 const Twine &expected, ErrorFn emitError) {
  const llvm::json::Value *value = fields.get(field);
  emitError(directory.configFile() + ": 'quantization_config." + field +
            "' is " + (value ? printJson(*value) : "absent") + ", expected " +
            expected);
}

LogicalResult ModelDirectory::convertForeign(ErrorFn emitError) {
  const llvm::json::Object *fields =
      configObject.getObject("quantization_config");
  std::optional<StringRef> method =
      fields ? fields->getString("quant_method") : std::nullopt;
  if (!method || !hasWeights())
    return success();
  for (auto *read : {readAwqGptq, readScaledMatrices}) {
    auto matrices = read(*this, *fields, *method, emitError);
    if (failed(matrices))
      return failure();
    for (ConvertedMatrix &matrix : *matrices) {
      for (const std::string &name : matrix.used)
        table.erase(name);
      for (CheckpointTensor &tensor : matrix.tensors) {
        std::string name = tensor.entry.name;
        table.insert_or_assign(name, std::move(tensor));
      }
    }
  }
  return success();
}

} // namespace mlir::marimba
