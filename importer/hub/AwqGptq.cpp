//===- AwqGptq.cpp - Matrices that AutoAWQ and AutoGPTQ wrote ---*- C++ -*-===//
//
// Part of Marimba. What AutoAWQ (the layout "gemm") and AutoGPTQ write, read
// as the tensors of docs/quantization.md:
//
//             qweight, I32                 qzeros, I32              scales, F16
//   AWQ       [K, N/8], columns mixed      [G, N/8], mixed          [G, N]
//   GPTQ      [K b/32, N], inputs in order [G, N b/32], less one    [G, N]
//
// A word holds 32/b codes or zero points of b bits, the lowest first; columns
// that are mixed are 0, 2, 4, 6, 1, 3, 5, 7 of eight.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/ModelDirectory.h"
#include "marimba/InputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::marimba {

static constexpr int64_t kChannels = 64;

namespace {

/// How quantization_config says that matrices are stored.
struct AwqGptqFormat {
  bool awq = false;
  unsigned bits = 4;
  int64_t group = 128; // -1: all inputs
  bool lessOne = true; // of stored zero points
};

/// Turns the tensors of one matrix into ours.
class AwqGptqMatrix {
public:
  AwqGptqMatrix(const ModelDirectory &directory, const AwqGptqFormat &format,
                StringRef base, ErrorFn emitError)
      : directory(directory), format(format), base(base.str()),
        emitError(emitError) {}

  LogicalResult read();
  /// Of the matrix `base`.weight: codes, scales and zero points.
  SmallVector<CheckpointTensor> tensors() const;

private:
  LogicalResult fail(StringRef suffix, const Twine &what) {
    std::string name = base + suffix.str();
    const CheckpointTensor *tensor = directory.find(name);
    emitError(
        (tensor ? directory.files()[tensor->file] : directory.weightsFile()) +
        ": tensor " + quoted(name) + " " + what);
    return failure();
  }
  /// The tensor, with this type and two dimensions.
  const CheckpointTensor *take(StringRef suffix, StringRef dtype);
  LogicalResult checkOrder();
  LogicalResult checkZeros();
  /// All 32-bit words of a tensor.
  std::optional<std::vector<uint32_t>> words(const CheckpointTensor &tensor);

  const ModelDirectory &directory;
  const AwqGptqFormat &format;
  std::string base;
  ErrorFn emitError;
  const CheckpointTensor *codes = nullptr, *scales = nullptr, *zeros = nullptr;
  int64_t inputs = 0, channels = 0, groups = 0;
};

} // namespace

const CheckpointTensor *AwqGptqMatrix::take(StringRef suffix, StringRef dtype) {
  const CheckpointTensor *tensor = directory.find(base + suffix.str());
  if (!tensor) {
    (void)fail(suffix, "is missing (" + base + ".qweight is there)");
    return nullptr;
  }
  const SafetensorsEntry &entry = tensor->entry;
  if (entry.dtype == dtype && entry.shape.size() == 2)
    return tensor;
  (void)fail(suffix, "has type " + entry.dtype + " and shape " +
                         printShape(entry.shape) + ", expected " + dtype +
                         " and two dimensions");
  return nullptr;
}

std::optional<std::vector<uint32_t>>
AwqGptqMatrix::words(const CheckpointTensor &tensor) {
  const SafetensorsEntry &entry = tensor.entry;
  StringRef file = directory.files()[tensor.file];
  std::string problem, data(entry.bytes, 0);
  auto input = ::marimba::rt::InputFile::open(directory.pathOf(file), problem);
  if (!input || !input->read(data, entry.offset, problem)) {
    emitError(file + ": " + problem);
    return std::nullopt;
  }
  std::vector<uint32_t> result(data.size() / 4);
  for (auto [i, word] : llvm::enumerate(result))
    word = llvm::support::endian::read32le(data.data() + 4 * i);
  return result;
}

/// Groups must be of inputs that follow each other.
LogicalResult AwqGptqMatrix::checkOrder() {
  const CheckpointTensor *order = directory.find(base + ".g_idx");
  if (!order)
    return success();
  if (order->entry.dtype != "I32" ||
      ArrayRef<int64_t>(order->entry.shape) != ArrayRef<int64_t>(inputs))
    return fail(".g_idx", "has type " + order->entry.dtype + " and shape " +
                              printShape(order->entry.shape) +
                              ", expected I32 and " + printShape({inputs}));
  auto group = words(*order);
  if (!group)
    return failure();
  int64_t size = inputs / groups;
  for (int64_t i = 0; i < inputs; ++i)
    if ((*group)[i] != uint64_t(i / size))
      return fail(".g_idx", "puts input " + Twine(i) + " into group " +
                                Twine((*group)[i]) + ", expected group " +
                                Twine(i / size) +
                                ": groups of inputs in another order "
                                "(desc_act) cannot be read");
  return success();
}

/// Codes of 8 bits have no zero points of their own here.
LogicalResult AwqGptqMatrix::checkZeros() {
  if (format.bits != 8)
    return success();
  auto stored = words(*zeros);
  if (!stored)
    return failure();
  uint32_t middle = 128 - format.lessOne;
  for (uint32_t word : *stored)
    for (unsigned shift = 0; shift < 32; shift += 8)
      if (uint32_t zero = word >> shift & 255; zero != middle)
        return fail(".qzeros", "has the zero point " +
                                   Twine(zero + format.lessOne) +
                                   ", expected 128 in all groups of 8 bits");
  return success();
}

LogicalResult AwqGptqMatrix::read() {
  codes = take(".qweight", "I32");
  scales = take(".scales", "F16");
  zeros = take(".qzeros", "I32");
  if (!codes || !scales || !zeros)
    return failure();
  int64_t perWord = 32 / format.bits;
  ArrayRef<int64_t> shape = codes->entry.shape;
  // Neither product overflows: the words are in the file.
  inputs = format.awq ? shape[0] : shape[0] * perWord;
  channels = format.awq ? shape[1] * perWord : shape[1];
  int64_t size = format.group < 0 ? inputs : format.group;
  int64_t multiple = std::max<int64_t>(64, format.group);
  if (inputs == 0 || inputs % multiple != 0 || channels % 8 != 0)
    return fail(".qweight", "has shape " + printShape(shape) + ", a matrix " +
                                printShape({channels, inputs}) +
                                ", expected inputs in multiples of " +
                                Twine(multiple) + ", channels of 8");
  groups = inputs / size;
  auto expect = [&](StringRef suffix, const CheckpointTensor &tensor,
                    ArrayRef<int64_t> wanted) -> LogicalResult {
    if (ArrayRef<int64_t>(tensor.entry.shape) == wanted)
      return success();
    return fail(suffix, "has shape " + printShape(tensor.entry.shape) +
                            ", expected " + printShape(wanted) +
                            " (group_size of quantization_config, and " + base +
                            ".qweight of shape " + printShape(shape) + ")");
  };
  if (failed(expect(".scales", *scales, {groups, channels})) ||
      failed(expect(".qzeros", *zeros, {groups, channels / perWord})) ||
      failed(checkOrder()))
    return failure();
  return checkZeros();
}

SmallVector<CheckpointTensor> AwqGptqMatrix::tensors() const {
  int64_t blocks = llvm::divideCeil(channels, kChannels);
  SmallVector<CheckpointTensor> result;
  auto add = [&](const CheckpointTensor &from, StringRef suffix,
                 StringRef dtype, std::vector<int64_t> shape,
                 StringRef stored) {
    CheckpointTensor tensor = from;
    tensor.entry.name = (base + ".weight" + suffix).str();
    tensor.entry.dtype = dtype.str();
    tensor.entry.shape = std::move(shape);
    tensor.stored = *::marimba::formats::Stored::parse(stored);
    tensor.channels = channels;
    result.push_back(std::move(tensor));
  };
  bool eight = format.bits == 8;
  add(*codes, ".codes", eight ? "I8" : "U8",
      {blocks, inputs * format.bits / 32, kChannels, 4},
      format.awq ? "awq"
      : eight    ? "gptq8"
                 : "gptq4");
  std::vector<int64_t> perGroup{blocks, groups, kChannels};
  add(*scales, ".scales", "F16", perGroup, "rows");
  if (!eight)
    add(*zeros, ".zeros", "U8", perGroup,
        format.awq       ? "awq-zeros"
        : format.lessOne ? "gptq-zeros"
                         : "zeros");
  return result;
}

/// Nothing, with nothing said, where the directory's quantization_config is
/// none of these; failure where it is one that cannot be read.
static FailureOr<std::optional<AwqGptqFormat>>
readFormat(const llvm::json::Object &config, StringRef file,
           ErrorFn emitError) {
  const llvm::json::Object *fields = config.getObject("quantization_config");
  std::optional<StringRef> method =
      fields ? fields->getString("quant_method") : std::nullopt;
  if (method != "awq" && method != "gptq")
    return std::optional<AwqGptqFormat>();
  AwqGptqFormat format;
  format.awq = method == "awq";
  auto fail = [&](StringRef field, StringRef expected) {
    const llvm::json::Value *value = fields->get(field);
    emitError(file + ": 'quantization_config." + field + "' is " +
              (value ? printJson(*value) : "absent") + ", expected " +
              expected);
    return failure();
  };
  auto integer = [&](StringRef field) -> std::optional<int64_t> {
    const llvm::json::Value *value = fields->get(field);
    return value ? asInteger(*value) : std::nullopt;
  };
  std::optional<int64_t> bits = integer("bits"), group = integer("group_size");
  if (bits != 4 && (format.awq || bits != 8))
    return fail("bits", format.awq ? "4" : "4 or 8");
  if (!group || !llvm::is_contained({-1, 32, 64, 128}, *group))
    return fail("group_size", "-1, 32, 64 or 128");
  format.bits = *bits;
  format.group = *group;
  auto text = [&](StringRef field, StringRef otherwise) {
    return fields->getString(field).value_or(otherwise).lower();
  };
  if (format.awq && text("version", "gemm") != "gemm")
    return fail("version", "\"gemm\"");
  std::string layout = text("checkpoint_format", "gptq");
  if (!format.awq && layout != "gptq" && layout != "gptq_v2")
    return fail("checkpoint_format", "\"gptq\" or \"gptq_v2\"");
  format.lessOne = !format.awq && layout == "gptq";
  return std::optional(format);
}

LogicalResult ModelDirectory::convertAwqGptq(ErrorFn emitError) {
  auto format = readFormat(configObject, configName, emitError);
  if (failed(format))
    return failure();
  if (!*format)
    return success();
  SmallVector<std::string> bases;
  for (const auto &entry : table)
    if (StringRef name = entry.first(); name.consume_back(".qweight"))
      bases.push_back(name.str());
  llvm::sort(bases); // the first message is always the same
  for (const std::string &base : bases) {
    AwqGptqMatrix matrix(*this, **format, base, emitError);
    if (failed(matrix.read()))
      return failure();
    for (CheckpointTensor &tensor : matrix.tensors()) {
      std::string name = tensor.entry.name;
      table.insert_or_assign(name, std::move(tensor));
    }
    for (StringRef suffix : {".qweight", ".scales", ".qzeros", ".g_idx"})
      table.erase(base + suffix.str());
  }
  return success();
}

} // namespace mlir::marimba
