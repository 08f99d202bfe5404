//===- QuantizedWeights.cpp - Matrices in 8 and 4 bits ----------*- C++ -*-===//
//
// Part of Marimba. The tensors of a checkpoint that docs/quantization.md
// describes.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Quantized.h"
#include "importer/Weights.h"

namespace mlir::marimba {

/// The layout that the shapes of codes and scales speak of, for a matrix
/// [n, k]; nothing where no group explains both.
static std::optional<QuantizedLayout> layoutOf(const SafetensorsEntry &codes,
                                               const SafetensorsEntry &scales,
                                               int64_t n, int64_t k, Type scale,
                                               bool zeros) {
  unsigned bits = codes.dtype == "U8" ? 4 : 8;
  if (codes.shape.size() != 4 || scales.shape.size() != 3)
    return std::nullopt;
  for (int64_t group : {0, 32, 64, 128}) {
    QuantizedLayout layout =
        QuantizedLayout::of(1, n, k, bits, group, scale, zeros);
    constexpr int64_t channels = QuantizedLayout::kChannels;
    if (ArrayRef<int64_t>(codes.shape) ==
            ArrayRef<int64_t>({layout.blocks, layout.words(), channels, 4}) &&
        ArrayRef<int64_t>(scales.shape) ==
            ArrayRef<int64_t>({layout.blocks, layout.groups, channels})) {
      layout.group = group;
      return layout;
    }
  }
  return std::nullopt;
}

/// Projections from which dt, B and C come are small, and sensitive.
static bool staysAsItIs(StringRef name) {
  return name.contains("x_proj.") || name.contains("dt_proj.");
}

bool WeightTable::isQuantizedOnDisk(StringRef name, ArrayRef<Dim> shape) {
  return find((name + ".codes").str()) || showBlocks(name, shape);
}

bool WeightTable::showBlocks(StringRef name, ArrayRef<Dim> shape) {
  const CheckpointTensor *tensor = directory.find(name);
  if (!tensor || tensor->blocks.empty() || shape.size() != 2 ||
      tensor->entry.shape.size() != 2 || staysAsItIs(name))
    return false;
  bool four = tensor->blocks == "Q4_0";
  if (!four && tensor->blocks != "Q8_0")
    return false;
  // What is wrong is said of the tensor as the file has it.
  int64_t channels = tensor->entry.shape[0], inputs = tensor->entry.shape[1];
  if (channels != shape[0].size || inputs != shape[1].size ||
      inputs % QuantizedLayout::kDepth != 0)
    return false;
  constexpr int64_t group = 32; // of ggml's blocks
  auto layout = QuantizedLayout::of(1, channels, inputs, four ? 4 : 8, group,
                                    Float16Type::get(&context),
                                    /*zeroPoint=*/false);
  auto show = [&](StringRef part, StringRef dtype, std::vector<int64_t> sizes) {
    std::string whole = (name + "." + part).str();
    CheckpointTensor &made = apart[whole] = *tensor;
    made.entry.name = whole;
    made.entry.dtype = dtype.str();
    made.entry.shape = std::move(sizes);
    made.blocks += ("-" + part).str();
    made.channels = channels;
  };
  constexpr int64_t perBlock = QuantizedLayout::kChannels;
  show("codes", four ? "U8" : "I8",
       {layout.blocks, layout.words(), perBlock, 4});
  show("scales", "F16", {layout.blocks, layout.groups, perBlock});
  used.insert(name);
  return true;
}

RankedTensorType WeightTable::quantizedType(ArrayRef<int64_t> shape,
                                            const WeightFormat &format) const {
  auto encoding = QuantizedAttr::get(
      &context, format.group, elementType(format.scale), format.zeroPoint);
  return RankedTensorType::get(shape, IntegerType::get(&context, format.bits),
                               encoding);
}

RankedTensorType WeightTable::takeQuantized(StringRef name, ArrayRef<Dim> shape,
                                            std::vector<std::string> &names) {
  std::string codesName = (name + ".codes").str();
  std::string scalesName = (name + ".scales").str();
  std::string zerosName = (name + ".zeros").str();
  const CheckpointTensor *codes = take(codesName);
  const CheckpointTensor *scales =
      take(scalesName, " (" + codesName + " is there)");
  bool hasZeros = directory.find(zerosName) != nullptr;
  const CheckpointTensor *zeros = hasZeros ? take(zerosName) : nullptr;
  names.insert(names.end(), {codesName, scalesName});
  if (zeros)
    names.push_back(zerosName);
  if (!codes || !scales)
    return {};
  std::string subject = directory.files()[codes->file] + ": tensor " +
                        quoted(directory.nameInFile(codesName)) + " has ";
  Type scale = elementType(scales->entry.dtype);
  if ((codes->entry.dtype != "I8" && codes->entry.dtype != "U8") || !scale ||
      (zeros && (zeros->entry.dtype != "U8" || codes->entry.dtype != "U8"))) {
    report(subject + "type " + codes->entry.dtype + " with scales of " +
           scales->entry.dtype +
           (zeros ? " and zeros of " + zeros->entry.dtype : "") +
           ", expected I8, or U8 (perhaps with zeros of U8), with scales of "
           "F32, F16 or BF16");
    return {};
  }
  std::optional<QuantizedLayout> layout =
      layoutOf(codes->entry, scales->entry, shape[0].size, shape[1].size, scale,
               zeros != nullptr);
  if (!layout || (zeros && zeros->entry.shape != scales->entry.shape)) {
    if (codes->channels) {
      const SafetensorsEntry &entry = codes->entry;
      int64_t perWord = entry.dtype == "U8" ? 8 : 4;
      report(subject + "a matrix " +
             printShape({codes->channels, entry.shape[1] * perWord}) +
             ", expected " + printShape({shape[0].size, shape[1].size}));
      return {};
    }
    report(subject + "shape " + printShape(codes->entry.shape) +
           " with scales of " + printShape(scales->entry.shape) +
           (zeros ? " and zeros of " + printShape(zeros->entry.shape) : "") +
           ", expected blocks of a matrix " +
           printShape({shape[0].size, shape[1].size}) +
           " (docs/quantization.md)");
    return {};
  }
  WeightFormat format;
  format.bits = layout->bits;
  format.group = layout->group;
  format.scale = scales->entry.dtype;
  format.zeroPoint = layout->zeroPoint;
  return quantizedType({shape[0].size, shape[1].size}, format);
}

Weight WeightTable::getMatrix(StringRef symbol, ArrayRef<std::string> names,
                              ArrayRef<Dim> shape, StringRef hint) {
  SmallVector<int64_t> sizes;
  for (const Dim &dim : shape)
    sizes.push_back(dim.size);
  Weight weight;
  weight.symbol = symbol.str();
  if (hasCheckpoint()) {
    const auto *name = llvm::find_if(
        names, [&](StringRef name) { return isQuantizedOnDisk(name, shape); });
    if (name == names.end() || shape.size() != 2)
      return get(symbol, names, shape, hint);
    weight.type = takeQuantized(*name, shape, weight.sources);
    if (!weight.type) // reported
      weight.type = RankedTensorType::get(sizes, defaultType);
  } else {
    const WeightFormat *format = formatFor(names.front());
    if (!format || shape.size() != 2)
      return get(symbol, names, shape, hint);
    weight.type = quantizedType(sizes, *format);
    addSources(weight, names.front(), *format);
  }
  all.push_back(weight);
  return weight;
}

const WeightFormat *WeightTable::formatFor(StringRef name) const {
  if (!weightFormat || staysAsItIs(name))
    return nullptr;
  bool head = name.contains("embed") || name.starts_with("lm_head");
  return head ? &weightFormat->head : &weightFormat->matrices;
}

void WeightTable::addSources(Weight &weight, StringRef name,
                             const WeightFormat &format) {
  weight.sources.push_back((name + ".codes").str());
  weight.sources.push_back((name + ".scales").str());
  if (format.zeroPoint)
    weight.sources.push_back((name + ".zeros").str());
}

std::optional<Weight>
WeightTable::getQuantizedStack(StringRef symbol, ArrayRef<std::string> names,
                               ArrayRef<Dim> shape) {
  Weight weight;
  weight.symbol = symbol.str();
  RankedTensorType matrix;
  if (hasCheckpoint()) {
    if (!isQuantizedOnDisk(names.front(), shape))
      return std::nullopt;
    for (const std::string &name : names) {
      showBlocks(name, shape);
      RankedTensorType own = takeQuantized(name, shape, weight.sources);
      if (!own)
        continue; // reported
      if (matrix && own != matrix)
        report(directory.weightsFile() + ": tensor " + quoted(name + ".codes") +
               " is quantised in another way than " +
               quoted(names.front() + ".codes") +
               ", expected the same: experts are stacked");
      if (!matrix)
        matrix = own;
    }
  } else {
    const WeightFormat *format = formatFor(names.front());
    if (!format)
      return std::nullopt;
    matrix = quantizedType({shape[0].size, shape[1].size}, *format);
    for (const std::string &name : names)
      addSources(weight, name, *format);
  }
  SmallVector<int64_t> sizes{int64_t(names.size()), shape[0].size,
                             shape[1].size};
  weight.type = matrix ? RankedTensorType::get(sizes, matrix.getElementType(),
                                               matrix.getEncoding())
                       : RankedTensorType::get(sizes, defaultType);
  all.push_back(weight);
  return weight;
}

} // namespace mlir::marimba
