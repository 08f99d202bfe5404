//===- AwqGptq.cpp - Matrices that AutoAWQ and AutoGPTQ wrote ---*- C++ -*-===//
//
// Part of Marimba. What AutoAWQ (the layout "gemm") and AutoGPTQ write, read
// as the tensors of docs/quantization.md:
//
//             qweight, I32                 qzeros, I32              scales, F16
//   AWQ       [K, N/8], columns mixed      [G, N/8], mixed          [G, N]
//   GPTQ      [K b/32, N], inputs in order [G, N b/32], less one    [G, N]
//
// GPTQ's g_idx [K] says which group each input is of: with desc_act any, as the
// inputs were quantised in another order (Frantar et al. 2022).
//
// A word holds 32/b codes or zero points of b bits, the lowest first; columns
// that are mixed are 0, 2, 4, 6, 1, 3, 5, 7 of eight.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/ForeignMatrix.h"

namespace mlir::marimba {

using namespace ::marimba::formats;

namespace {

/// How quantization_config says that matrices are stored.
struct AwqGptqFormat {
  bool awq = false;
  unsigned bits = 4;
  int64_t group = 128; // -1: all inputs
  bool lessOne = true; // of stored zero points
};

/// Turns the tensors of one matrix into ours.
class AwqGptqMatrix : public ForeignMatrix {
public:
  AwqGptqMatrix(const ModelDirectory &directory, const AwqGptqFormat &format,
                StringRef base, ErrorFn emitError)
      : ForeignMatrix(directory, base, emitError), format(format) {}

  /// Of the matrix `base`.weight: codes, scales and zero points.
  FailureOr<ConvertedMatrix> read();

private:
  LogicalResult takeTensors();
  /// Whether zero points of 8 bits are other than 128.
  FailureOr<bool> hasZeros();
  LogicalResult makeTensors();

  const AwqGptqFormat &format;
  const CheckpointTensor *codes = nullptr, *scales = nullptr, *zeros = nullptr;
  int64_t inputs = 0, channels = 0, groups = 0;
};

} // namespace

FailureOr<bool> AwqGptqMatrix::hasZeros() {
  if (format.bits != 8)
    return true;
  auto stored = words(*zeros);
  if (!stored)
    return failure();
  uint32_t middle = 128 - format.lessOne;
  bool found = false;
  for (uint32_t word : *stored)
    for (unsigned shift = 0; shift < 32; shift += 8) {
      uint32_t zero = word >> shift & 255;
      found |= zero != middle;
      // 128 less, it is a signed byte of ours.
      if (zero + format.lessOne > 255)
        return LogicalResult(
            fail(".qzeros", "has the zero point 256, expected 0 to 255"));
    }
  return found;
}

LogicalResult AwqGptqMatrix::takeTensors() {
  constexpr StringLiteral kCodes = ".qweight";
  codes = take(kCodes, kCodes, {"I32"}, 2);
  scales = take(".scales", kCodes, {"F16"}, 2);
  zeros = take(".qzeros", kCodes, {"I32"}, 2);
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
    return fail(kCodes, "has shape " + printShape(shape) + ", a matrix " +
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
      failed(expect(".qzeros", *zeros, {groups, channels / perWord})))
    return failure();
  return readOrder(".g_idx", inputs, size);
}

LogicalResult AwqGptqMatrix::makeTensors() {
  FailureOr<bool> withZeros = hasZeros();
  if (failed(withZeros))
    return failure();
  bool eight = format.bits == 8;
  Encoding encoding{int(format.bits), std::max<int64_t>(format.group, 0),
                    *withZeros ? Offset::ZeroPoint : Offset::None, Scalar::F16};
  auto layout = Layout::of(encoding, channels, inputs);
  addCodes(*codes, layout, format.awq ? "awq" : eight ? "gptq8" : "gptq4");
  add(*scales, PartKind::Scales, layout, "rows");
  std::string stored = format.awq       ? "awq-zeros"
                       : format.lessOne ? "gptq-zeros"
                                        : "zeros";
  if (*withZeros)
    add(*zeros, PartKind::Zeros, layout, stored + (eight ? "8" : ""));
  return success();
}

FailureOr<ConvertedMatrix> AwqGptqMatrix::read() {
  if (failed(takeTensors()) || failed(makeTensors()))
    return failure();
  return std::move(result);
}

/// How a directory says that its matrices are stored.
static FailureOr<AwqGptqFormat> readFormat(const ModelDirectory &directory,
                                           const llvm::json::Object &fields,
                                           bool awq, ErrorFn emitError) {
  AwqGptqFormat format;
  format.awq = awq;
  auto fail = [&](StringRef field, StringRef expected) {
    reportField(directory, fields, field, expected, emitError);
    return failure();
  };
  auto integer = [&](StringRef field) -> std::optional<int64_t> {
    const llvm::json::Value *value = fields.get(field);
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
    return fields.getString(field).value_or(otherwise).lower();
  };
  if (format.awq && text("version", "gemm") != "gemm")
    return fail("version", "\"gemm\"");
  std::string layout = text("checkpoint_format", "gptq");
  if (!format.awq && layout != "gptq" && layout != "gptq_v2")
    return fail("checkpoint_format", "\"gptq\" or \"gptq_v2\"");
  format.lessOne = !format.awq && layout == "gptq";
  return format;
}

FailureOr<std::vector<ConvertedMatrix>>
readAwqGptq(const ModelDirectory &directory, const llvm::json::Object &fields,
            StringRef method, ErrorFn emitError) {
  std::vector<ConvertedMatrix> matrices;
  if (method != "awq" && method != "gptq")
    return matrices;
  auto format = readFormat(directory, fields, method == "awq", emitError);
  if (failed(format))
    return failure();
  SmallVector<StringRef> bases;
  for (const auto &entry : directory.tensors())
    if (StringRef name = entry.first(); name.consume_back(".qweight"))
      bases.push_back(name);
  llvm::sort(bases); // the first message is always the same
  for (StringRef base : bases) {
    AwqGptqMatrix matrix(directory, *format, base, emitError);
    auto read = matrix.read();
    if (failed(read))
      return failure();
    matrices.push_back(std::move(*read));
  }
  return matrices;
}

} // namespace mlir::marimba
