//===- QuantizedWeights.cpp - Matrices in 8 and 4 bits ----------*- C++ -*-===//
//
// Part of Marimba. The tensors of a checkpoint that docs/quantization.md
// describes.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Quantized.h"
#include "importer/Weights.h"
#include "marimba/formats/StaysUnquantized.h"

namespace mlir::marimba {

using formats::Offset;
using formats::PartKind;

/// The encoding that the shapes of codes and scales speak of, for a matrix
/// [n, k]; nothing where no group explains both.
static std::optional<formats::Encoding>
encodingOf(const SafetensorsEntry &codes, const SafetensorsEntry &scales,
           int64_t n, int64_t k, formats::Scalar scale,
           formats::Offset offset) {
  for (int64_t group : {0, 32, 64, 128}) {
    formats::Encoding encoding{codes.dtype == "U8" ? 4 : 8, group, offset,
                               scale};
    auto layout = formats::Layout::of(encoding, n, k);
    if (codes.shape == layout.partShape(PartKind::Codes) &&
        scales.shape == layout.partShape(PartKind::Scales))
      return encoding;
  }
  return std::nullopt;
}

static bool staysAsItIs(StringRef name) {
  return ::marimba::formats::staysUnquantized(name);
}

bool WeightTable::isQuantizedOnDisk(StringRef name, ArrayRef<Dim> shape) {
  return find((name + ".codes").str()) || showBlocks(name, shape);
}

bool WeightTable::showBlocks(StringRef name, ArrayRef<Dim> shape) {
  const CheckpointTensor *tensor = directory.find(name);
  if (!tensor || shape.size() != 2 || tensor->entry.shape.size() != 2)
    return false;
  const formats::Format *format = tensor->stored.format;
  if (!format || !format->encoding || tensor->stored.part)
    return false;
  // What is wrong is said of the tensor as the file has it.
  int64_t channels = tensor->entry.shape[0], inputs = tensor->entry.shape[1];
  if (channels != shape[0].size || inputs != shape[1].size ||
      inputs % formats::Layout::kDepth != 0)
    return false;
  auto layout = formats::Layout::of(*format->encoding, channels, inputs);
  for (const formats::Part &part : format->parts) {
    if (!part.read)
      continue;
    std::string whole = (name + "." + StringRef(partName(part.kind))).str();
    CheckpointTensor &made = apart[whole] = *tensor;
    made.entry.name = whole;
    made.entry.dtype = layout.partType(part.kind);
    made.entry.shape = layout.partShape(part.kind);
    made.stored.part = &part;
    made.channels = channels;
    made.encoding = format->encoding;
  }
  used.insert(name);
  return true;
}

/// What is wrong with the types of these parts; empty where nothing is.
static std::string wrongTypes(const CheckpointTensor &codes,
                              const CheckpointTensor &scales,
                              const CheckpointTensor *offsets, Offset offset) {
  StringRef code = codes.entry.dtype, scale = scales.entry.dtype;
  bool fits = code == "I8" || code == "U8";
  if (offset == Offset::ZeroPoint)
    fits = offsets->entry.dtype == "U8" && code == "U8";
  if (offset == Offset::Minimum)
    fits &= offsets->entry.dtype == scales.entry.dtype;
  if (fits && (scale == "F32" || scale == "F16" || scale == "BF16"))
    return {};
  StringRef with =
      offset == Offset::ZeroPoint ? " and zeros of " : " and minimums of ";
  return ("type " + code + " with scales of " + scale +
          (offsets ? with + offsets->entry.dtype : Twine()) +
          ", expected I8, or U8 (perhaps with zeros of U8), with scales of "
          "F32, F16 or BF16")
      .str();
}

RankedTensorType WeightTable::takeQuantized(StringRef name, ArrayRef<Dim> shape,
                                            std::vector<std::string> &names) {
  std::string codesName = (name + ".codes").str();
  const CheckpointTensor *codes = take(codesName);
  const CheckpointTensor *scales = nullptr, *offsets = nullptr;
  auto offset = Offset::None;
  for (PartKind kind : formats::allParts()) {
    std::string whole = (name + "." + StringRef(partName(kind))).str();
    bool needed = kind == PartKind::Codes || kind == PartKind::Scales;
    if (!needed && !find(whole))
      continue;
    names.push_back(whole);
    if (kind == PartKind::Codes)
      continue;
    const CheckpointTensor *part =
        take(whole, needed ? " (" + codesName + " is there)" : std::string());
    if (kind == PartKind::Scales)
      scales = part;
    if (kind == PartKind::Zeros || kind == PartKind::Minimums) {
      offsets = part;
      offset = kind == PartKind::Zeros ? Offset::ZeroPoint : Offset::Minimum;
    }
  }
  if (!codes || !scales)
    return {};
  std::string subject = directory.files()[codes->file] + ": tensor " +
                        quoted(directory.nameInFile(codesName)) + " has ";
  int64_t n = shape[0].size, k = shape[1].size;
  std::optional<formats::Encoding> encoding = codes->encoding;
  if (encoding) {
    // The parts were made for it; whether it is this matrix, the codes say.
    if (codes->entry.shape !=
        formats::Layout::of(*encoding, n, k).partShape(PartKind::Codes))
      encoding.reset();
  } else {
    if (std::string wrong = wrongTypes(*codes, *scales, offsets, offset);
        !wrong.empty()) {
      report(subject + wrong);
      return {};
    }
    encoding = encodingOf(codes->entry, scales->entry, n, k,
                          *formats::parseScalar(scales->entry.dtype), offset);
    if (offsets && offsets->entry.shape != scales->entry.shape)
      encoding.reset();
  }
  if (encoding)
    return quantizedType(&context, {n, k}, *encoding);
  if (codes->channels) {
    const SafetensorsEntry &entry = codes->entry;
    int64_t perWord = codes->encoding       ? codes->encoding->codesPerWord()
                      : entry.dtype == "U8" ? 8
                                            : 4;
    report(subject + "a matrix " +
           printShape({codes->channels, entry.shape[1] * perWord}) +
           ", expected " + printShape({n, k}));
    return {};
  }
  StringRef with =
      offset == Offset::ZeroPoint ? " and zeros of " : " and minimums of ";
  report(subject + "shape " + printShape(codes->entry.shape) +
         " with scales of " + printShape(scales->entry.shape) +
         (offsets ? with + printShape(offsets->entry.shape) : Twine()) +
         ", expected blocks of a matrix " + printShape({n, k}) +
         " (docs/quantization.md)");
  return {};
}

std::shared_ptr<const Weight>
WeightTable::takeOrder(StringRef symbol, StringRef name, bool mayPermute) {
  std::string source = (name + ".order").str();
  const CheckpointTensor *tensor = find(source);
  if (!tensor)
    return nullptr;
  if (!mayPermute) {
    report(directory.files()[tensor->file] + ": tensor " + quoted(name) +
           " has groups of inputs in another order (desc_act), expected them "
           "in order: only projections of layers are read so, not experts, "
           "embedding or head");
    return nullptr;
  }
  std::shared_ptr<const Weight> &shared = orders[tensor->digest];
  if (shared) {
    used.insert(source);
    return shared;
  }
  Weight weight;
  weight.symbol = (symbol + ".order").str();
  weight.type = RankedTensorType::get(tensor->entry.shape,
                                      IntegerType::get(&context, 32));
  weight.sources.push_back(source);
  (void)take(source);
  all.push_back(weight);
  return shared = std::make_shared<const Weight>(std::move(weight));
}

Weight WeightTable::getMatrix(StringRef symbol, ArrayRef<std::string> names,
                              ArrayRef<Dim> shape, StringRef hint,
                              bool mayPermute) {
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
    weight.order = takeOrder(symbol, *name, mayPermute);
  } else {
    const formats::Encoding *encoding = encodingFor(names.front());
    if (!encoding || shape.size() != 2)
      return get(symbol, names, shape, hint);
    weight.type = quantizedType(&context, sizes, *encoding);
    addSources(weight.sources, names.front(), *encoding);
  }
  all.push_back(weight);
  return weight;
}

void WeightTable::splitQuantizedRows(StringRef matrix,
                                     ArrayRef<std::string> names) {
  const CheckpointTensor *codes = directory.find((matrix + ".codes").str());
  int64_t parts = names.size(), channels = codes->channels / parts;
  if (!codes->encoding)
    return; // our own are split already
  if (codes->channels % (8 * parts) != 0)
    return report(directory.files()[codes->file] + ": tensor " +
                  quoted(codes->entry.name) + " has " + Twine(codes->channels) +
                  " channels, expected a multiple of " + Twine(8 * parts));
  auto layout = formats::Layout::of(*codes->encoding, channels,
                                    codes->entry.shape[1] *
                                        codes->encoding->codesPerWord());
  for (PartKind kind : formats::allParts()) {
    std::string suffix = ("." + StringRef(partName(kind))).str();
    const CheckpointTensor *part = directory.find(matrix.str() + suffix);
    if (!part)
      continue;
    used.insert(matrix.str() + suffix);
    // A scale of all is there for each of the parts.
    bool shared = part->channelsEach >= codes->channels;
    const formats::ForeignPart *foreign = part->stored.foreign;
    if (!foreign || !foreign->byChannel ||
        (!shared && channels % part->channelsEach != 0)) {
      report(directory.files()[part->file] + ": tensor " +
             quoted(part->entry.name) + " holds " + Twine(parts) +
             " matrices, expected one whose rows follow each other");
      continue;
    }
    for (auto [i, name] : llvm::enumerate(names)) {
      CheckpointTensor &made = apart[name + suffix] = *part;
      made.entry.name = name + suffix;
      made.entry.shape = layout.partShape(kind);
      made.channels = channels;
      if (shared) {
        made.channelsEach = channels;
        continue;
      }
      made.entry.bytes = part->entry.bytes / parts;
      made.entry.offset += made.entry.bytes * i;
    }
  }
  // One order for all.
  if (const CheckpointTensor *order =
          directory.find((matrix + ".order").str())) {
    used.insert(order->entry.name);
    for (const std::string &name : names) {
      CheckpointTensor &made = apart[name + ".order"] = *order;
      made.entry.name = name + ".order";
    }
  }
}

const formats::Encoding *WeightTable::encodingFor(StringRef name) const {
  if (!weightEncodings || staysAsItIs(name))
    return nullptr;
  bool head = name.contains("embed") || name.starts_with("lm_head");
  return head ? &weightEncodings->head : &weightEncodings->matrices;
}

void WeightTable::addSources(std::vector<std::string> &sources, StringRef name,
                             const formats::Encoding &encoding) {
  for (PartKind kind : formats::Layout::of(encoding, 1, 1).parts())
    sources.push_back((name + "." + StringRef(partName(kind))).str());
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
      (void)takeOrder(symbol, name, /*mayPermute=*/false);
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
    const formats::Encoding *encoding = encodingFor(names.front());
    if (!encoding)
      return std::nullopt;
    matrix = quantizedType(&context, {shape[0].size, shape[1].size}, *encoding);
    for (const std::string &name : names)
      addSources(weight.sources, name, *encoding);
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
