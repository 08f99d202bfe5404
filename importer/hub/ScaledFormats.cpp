//===- ScaledFormats.cpp - What a config says of matrices -------*- C++ -*-===//
//
// Part of Marimba. The quantization_config of compressed-tensors, of fp8 models
// and of ModelOpt; ScaledMatrix.cpp has the tensors.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/ForeignMatrix.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::marimba {

/// [128, 128] or "128x128".
static BlockSize parseBlock(const llvm::json::Value *value) {
  std::optional<int64_t> sizes[2];
  if (const llvm::json::Array *array = value ? value->getAsArray() : nullptr) {
    if (array->size() == 2)
      for (int i : {0, 1})
        sizes[i] = asInteger((*array)[i]);
  } else if (auto text = value ? value->getAsString() : std::nullopt) {
    auto [rows, columns] = text->split('x');
    int64_t size = 0;
    const StringRef parts[] = {rows, columns};
    for (auto [i, part] : llvm::enumerate(parts))
      if (!part.getAsInteger(10, size))
        sizes[i] = size;
  }
  constexpr int64_t most = 1 << 20;
  for (std::optional<int64_t> size : sizes)
    if (!size || *size < 1 || *size > most)
      return std::nullopt;
  return std::pair(*sizes[0], *sizes[1]);
}

static bool isAbsent(const llvm::json::Value *value) {
  return !value || value->kind() == llvm::json::Value::Null;
}

/// Of config_groups, the blocks of the one scheme that has some.
static FailureOr<BlockSize> readGroups(const ModelDirectory &directory,
                                       const llvm::json::Object &fields,
                                       ErrorFn emitError) {
  BlockSize found;
  const llvm::json::Object *groups = fields.getObject("config_groups");
  if (!groups)
    return found;
  for (const auto &[name, group] : *groups) {
    const llvm::json::Object *scheme = group.getAsObject();
    const llvm::json::Object *weights =
        scheme ? scheme->getObject("weights") : nullptr;
    const llvm::json::Value *block =
        weights ? weights->get("block_structure") : nullptr;
    if (isAbsent(block))
      continue;
    BlockSize size = parseBlock(block);
    if (size && (!found || found == size)) {
      found = size;
      continue;
    }
    emitError(directory.configFile() + ": 'quantization_config.config_groups." +
              StringRef(name) + ".weights.block_structure' is " +
              printJson(*block) +
              (size ? ", expected the same in all groups"
                    : ", expected two sizes, such as [128, 128]"));
    return failure();
  }
  return found;
}

static FailureOr<BlockSize>
readCompressedTensors(const ModelDirectory &directory,
                      const llvm::json::Object &fields, ErrorFn emitError) {
  static const std::string formats[] = {
      "pack-quantized",  "int-quantized",        "float-quantized",
      "naive-quantized", "mxfp4-pack-quantized", "nvfp4-pack-quantized",
      "mxfp8-quantized", "mixed-precision"};
  auto fail = [&](StringRef field, const Twine &expected) {
    reportField(directory, fields, field, expected, emitError);
    return failure();
  };
  std::optional<StringRef> format = fields.getString("format");
  if (!format || !llvm::is_contained(formats, *format))
    return fail("format", "one of " + llvm::join(ArrayRef(formats), ", "));
  // Rotations of activations that belong to the weights.
  const llvm::json::Value *transforms = fields.get("transform_config");
  const llvm::json::Object *some =
      transforms ? transforms->getAsObject() : nullptr;
  if (!isAbsent(transforms) && !(some && some->empty()))
    return fail("transform_config", "none");
  const llvm::json::Object *sparsity = fields.getObject("sparsity_config");
  if (sparsity && !sparsity->empty() &&
      sparsity->getString("format") != StringRef("dense"))
    return fail("sparsity_config", "none, or one of the format \"dense\"");
  return readGroups(directory, fields, emitError);
}

static FailureOr<BlockSize> readFp8(const ModelDirectory &directory,
                                    const llvm::json::Object &fields,
                                    ErrorFn emitError) {
  auto fail = [&](StringRef field, StringRef expected) {
    reportField(directory, fields, field, expected, emitError);
    return failure();
  };
  if (StringRef type = fields.getString("fmt").value_or("e4m3");
      type != "e4m3" && type != "float8_e4m3fn")
    return fail("fmt", "\"e4m3\"");
  const llvm::json::Value *block = fields.get("weight_block_size");
  if (isAbsent(block))
    return BlockSize();
  if (BlockSize size = parseBlock(block))
    return size;
  return fail("weight_block_size", "two sizes, such as [128, 128]");
}

/// The modules whose numbers have scales beside them.
static SmallVector<StringRef> findBases(const ModelDirectory &directory) {
  SmallVector<StringRef> bases;
  for (const auto &entry : directory.tensors()) {
    StringRef name = entry.first(), dtype = entry.second.entry.dtype;
    bool bytes = dtype == "F8_E4M3" || dtype == "F8_E5M2" || dtype == "I8" ||
                 dtype == "U8";
    if (name.consume_back(".weight_packed") ||
        (bytes && name.consume_back(".weight")))
      bases.push_back(name);
  }
  llvm::sort(bases); // the first message is always the same
  return bases;
}

FailureOr<std::vector<ConvertedMatrix>>
readScaledMatrices(const ModelDirectory &directory,
                   const llvm::json::Object &fields, StringRef method,
                   ErrorFn emitError) {
  std::vector<ConvertedMatrix> matrices;
  FailureOr<BlockSize> block = BlockSize();
  if (method == "compressed-tensors")
    block = readCompressedTensors(directory, fields, emitError);
  else if (method == "fp8")
    block = readFp8(directory, fields, emitError);
  else if (method != "modelopt")
    return matrices;
  if (failed(block))
    return failure();
  for (StringRef base : findBases(directory)) {
    auto read = readScaledMatrix(directory, base, *block, emitError);
    if (failed(read))
      return failure();
    matrices.push_back(std::move(*read));
  }
  return matrices;
}

} // namespace mlir::marimba
