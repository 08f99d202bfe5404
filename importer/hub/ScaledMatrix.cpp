//===- ScaledMatrix.cpp - compressed-tensors, fp8, fp4 ----------*- C++ -*-===//
//
// Part of Marimba. Matrices [N,K] whose numbers are stored row by row, with
// scales beside them, as these programs write them (BASE.weight, unless named):
//
//   compressed-tensors (github.com/vllm-project/compressed-tensors, README and
//   compressors/*/base.py; format of quantization_config in brackets)
//     weight_packed I32 [N, K b/32], codes 2^(b-1) too large, first lowest,
//       weight_scale [N,G] or [N,1], weight_zero_point I32 [N b/32, G],
//       weight_g_idx I32 [K], weight_shape I64 [2]       [pack-quantized]
//     weight I8, weight_scale [1], [N,1] or [N,G], weight_zero_point I8
//                                                        [int-quantized]
//     weight F8_E4M3, weight_scale likewise or one a block [float-quantized]
//     weight_packed U8 [N,K/2], weight_scale U8 [N,K/32]
//                                                        [mxfp4-pack-quantized]
//     weight_packed U8 [N,K/2], weight_scale F8_E4M3 [N,K/16], divided by
//       weight_global_scale F32 [1]                      [nvfp4-pack-quantized]
//   fp8 (DeepSeek-V3's README_WEIGHTS.md; transformers, finegrained_fp8)
//     weight F8_E4M3, weight_scale_inv [N/128, K/128] by weight_block_size, or
//       weight_scale [1] where that is null
//   modelopt (github.com/NVIDIA/TensorRT-Model-Optimizer, FP8 and NVFP4)
//     weight F8_E4M3, weight_scale [1]
//     weight U8 [N,K/2], weight_scale F8_E4M3 [N,K/16], times weight_scale_2
//       F32 [1]
//
// Which of them a matrix is, its own tensors say: one checkpoint may have
// several. What they say of activations (input_scale and others) is passed
// over: theirs are rounded by --activations.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/ForeignMatrix.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::marimba {

namespace formats = ::marimba::formats;
using formats::CodeValues;
using formats::Encoding;
using formats::Layout;
using formats::Offset;
using formats::PartKind;
using formats::Scalar;

namespace {

class ScaledMatrix : public ForeignMatrix {
public:
  ScaledMatrix(const ModelDirectory &directory, StringRef base, BlockSize block,
               ErrorFn emitError)
      : ForeignMatrix(directory, base, emitError), block(block) {}

  FailureOr<ConvertedMatrix> read();

private:
  LogicalResult takeNumbers();
  LogicalResult takeScales();
  LogicalResult chooseGroup(int64_t size);
  LogicalResult takeZeros();
  /// Whether one of the zero points is not 0.
  FailureOr<bool> hasZeros(const CheckpointTensor &tensor) const;
  LogicalResult addScales(const Layout &layout);
  /// Of integers in words, bits a code.
  LogicalResult readPacked();

  BlockSize block;
  int64_t channels = 0, inputs = 0;
  std::string codesSuffix;      // ".weight_packed" or ".weight"
  std::string scaleSuffix;      // ".weight_scale" or ".weight_scale_inv"
  const char *storedCodes = ""; // as runtime/formats names them
  const char *storedZeros = "";
  const CheckpointTensor *codes = nullptr, *scales = nullptr, *zeros = nullptr;
  int64_t channelsEach = 1, groupsEach = 1; // of stored scales
  Encoding encoding{8, 0, Offset::None, Scalar::F32};
};

} // namespace

LogicalResult ScaledMatrix::readPacked() {
  ArrayRef<int64_t> shape = codes->entry.shape;
  channels = shape[0];
  const CheckpointTensor *sizes =
      take(".weight_shape", codesSuffix, {"I64", "I32"}, 1);
  if (!sizes)
    return failure();
  auto stored = words(*sizes);
  if (!stored)
    return failure();
  bool wide = sizes->entry.dtype == "I64";
  if (stored->size() != (wide ? 4 : 2) ||
      (wide && ((*stored)[1] | (*stored)[3])))
    return failType(".weight_shape", *sizes, "the two sizes of a matrix");
  inputs = (*stored)[wide ? 2 : 1];
  if ((*stored)[0] != channels || inputs == 0)
    return fail(".weight_shape", "says " + printShape({(*stored)[0], inputs}) +
                                     ", and " + base + codesSuffix +
                                     " has shape " + printShape(shape) +
                                     ", expected as many rows");
  int64_t bits = 32 * shape[1] / inputs;
  if ((bits != 4 && bits != 8) || 32 * shape[1] != bits * inputs)
    return fail(codesSuffix, "has shape " + printShape(shape) +
                                 " for a matrix " +
                                 printShape({channels, inputs}) +
                                 ", expected 4 or 8 bits for each element");
  encoding.bits = static_cast<int>(bits);
  storedCodes = bits == 4 ? "packed4" : "packed8";
  return success();
}

LogicalResult ScaledMatrix::takeNumbers() {
  codesSuffix =
      directory.find(base + ".weight_packed") ? ".weight_packed" : ".weight";
  codes = take(codesSuffix, codesSuffix, {"I32", "U8", "I8", "F8_E4M3"}, 2);
  if (!codes)
    return failure();
  StringRef dtype = codes->entry.dtype;
  ArrayRef<int64_t> shape = codes->entry.shape;
  if (dtype == "I32") {
    if (failed(readPacked()))
      return failure();
  } else {
    channels = shape[0];
    inputs = dtype == "U8" ? 2 * shape[1] : shape[1];
    storedCodes = dtype == "U8" ? "packed4" : "bytes";
    if (dtype == "U8")
      encoding.bits = 4;
    if (dtype != "I8")
      encoding.values = dtype == "U8" ? CodeValues::E2M1 : CodeValues::E4M3;
  }
  if (channels == 0 || inputs == 0 || inputs % Layout::kDepth != 0)
    return fail(codesSuffix, "has a matrix " + printShape({channels, inputs}) +
                                 ", expected inputs in multiples of " +
                                 Twine(Layout::kDepth));
  return success();
}

/// A stored group may be of more inputs than one of ours can have.
LogicalResult ScaledMatrix::chooseGroup(int64_t size) {
  for (int64_t group : {128, 64, 32, 16})
    if (size % group == 0 && inputs % group == 0) {
      encoding.group = group;
      groupsEach = size / group;
      return success();
    }
  return fail(scaleSuffix, "has a scale for " + Twine(size) +
                               " inputs each, expected a multiple of 16");
}

LogicalResult ScaledMatrix::takeScales() {
  scaleSuffix = directory.find(base + ".weight_scale_inv") ? ".weight_scale_inv"
                                                           : ".weight_scale";
  scales = find(scaleSuffix);
  if (!scales)
    return fail(scaleSuffix,
                "is missing (" + base + codesSuffix + " is there)");
  if (scales->entry.bytes == 0) // its sizes may be any
    return failType(scaleSuffix, *scales, "numbers");
  ArrayRef<int64_t> shape = scales->entry.shape;
  bool four = encoding.values == CodeValues::E2M1;
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size; // in the file
  bool perChannel =
      count == channels && !shape.empty() && shape.front() == channels;
  if (four ? shape.size() != 2 : (count == 1 && channels > 1)) {
    if (four)
      return failType(scaleSuffix, *scales, "two dimensions");
    channelsEach = channels; // one for all
    return success();
  }
  if (perChannel && !four)
    return success();
  if (shape.size() != 2)
    return failType(scaleSuffix, *scales,
                    "one number, one for each channel, or two dimensions");
  if (block && !four) {
    auto [rows, columns] = *block;
    SmallVector<int64_t> wanted{int64_t(llvm::divideCeil(channels, rows)),
                                int64_t(llvm::divideCeil(inputs, columns))};
    if (shape == ArrayRef<int64_t>(wanted)) {
      channelsEach = rows;
      return chooseGroup(columns);
    }
    if (shape[0] != channels)
      return failType(scaleSuffix, *scales,
                      printShape(wanted) + ": blocks of " +
                          printShape({rows, columns}) + " of " +
                          printShape({channels, inputs}));
  }
  if (shape[0] != channels || shape[1] == 0 || inputs % shape[1] != 0)
    return failType(scaleSuffix, *scales,
                    "groups of the inputs of a matrix " +
                        printShape({channels, inputs}));
  return chooseGroup(inputs / shape[1]);
}

FailureOr<bool> ScaledMatrix::hasZeros(const CheckpointTensor &tensor) const {
  std::optional<std::string> data = bytes(tensor);
  if (!data)
    return failure();
  return llvm::any_of(*data, [](char byte) { return byte != 0; });
}

LogicalResult ScaledMatrix::takeZeros() {
  StringRef suffix = ".weight_zero_point";
  zeros = find(suffix);
  if (!zeros)
    return success();
  const SafetensorsEntry &entry = zeros->entry;
  if (encoding.values != CodeValues::Integer) {
    // Older versions write zeros for symmetric numbers, too.
    FailureOr<bool> found = hasZeros(*zeros);
    if (failed(found))
      return failure();
    if (*found)
      return fail(suffix, "has zero points other than 0, expected none of "
                          "floating-point numbers");
    zeros = nullptr;
    return success();
  }
  int64_t groups = encoding.group ? inputs / encoding.group / groupsEach : 1;
  if (codes->entry.dtype == "I32" && entry.dtype == "I32") {
    int64_t perWord = 32 / encoding.bits;
    SmallVector<int64_t> wanted{int64_t(llvm::divideCeil(channels, perWord)),
                                groups};
    if (ArrayRef<int64_t>(entry.shape) != ArrayRef<int64_t>(wanted))
      return failType(suffix, *zeros, "I32 and " + printShape(wanted));
    if (groupsEach != 1 || channelsEach != 1)
      return fail(suffix, "is of groups that are too large, expected at most "
                          "128 inputs");
    storedZeros = encoding.bits == 4 ? "packed-zeros4" : "packed-zeros8";
  } else {
    int64_t count = entry.bytes ? 1 : 0;
    for (int64_t size : entry.shape)
      count *= entry.bytes ? size : 0;
    int64_t stored = llvm::divideCeil(channels, channelsEach) * groups;
    if (entry.dtype != "I8" || count != stored)
      return failType(suffix, *zeros, "I8 and " + Twine(stored) + " numbers");
    FailureOr<bool> found = hasZeros(*zeros);
    if (failed(found))
      return failure();
    if (!*found) {
      zeros = nullptr;
      return success();
    }
    storedZeros = encoding.bits == 4 ? "zero-bytes4" : "zero-bytes";
  }
  encoding.offset = Offset::ZeroPoint;
  return success();
}

/// Scales of whole channels are f32, and so are those that blocks share.
LogicalResult ScaledMatrix::addScales(const Layout &layout) {
  StringRef dtype = scales->entry.dtype;
  std::string stored;
  CheckpointTensor::Other other;
  bool four = encoding.values == CodeValues::E2M1;
  if (four && dtype == "F8_E4M3") {
    bool over = directory.find(base + ".weight_global_scale") != nullptr;
    StringRef suffix = over ? ".weight_global_scale" : ".weight_scale_2";
    const CheckpointTensor *all = find(suffix);
    if (!all)
      return fail(".weight_global_scale",
                  "is missing (" + base + scaleSuffix + " is there)");
    if (all->entry.dtype != "F32" || all->entry.bytes != 4)
      return failType(suffix, *all, "one F32");
    other = {all->file, all->entry.offset, all->entry.bytes};
    stored = over ? "scales-e4m3-over" : "scales-e4m3-times";
  } else {
    // One byte, of whatever name, is an exponent.
    StringRef type = dtype == "U8" ? "F8_E8M0" : dtype;
    std::optional<Scalar> scalar = formats::parseScalar(type);
    if (!scalar || *scalar == Scalar::E4M3 ||
        (dtype == "U8" && !four && encoding.group != 32))
      return failType(scaleSuffix, *scales,
                      four ? "U8, or F8_E4M3 with weight_global_scale"
                           : "F32, BF16, F16 or F8_E8M0");
    bool shared = channelsEach != 1 || groupsEach != 1 || layout.groups == 1;
    std::string name = type == "F8_E8M0" ? "e8m0" : type.lower();
    stored = "scales-" + name + (shared && name != "f32" ? "-f32" : "");
    encoding.scale = shared ? Scalar::F32 : *scalar;
  }
  CheckpointTensor &tensor =
      add(*scales, PartKind::Scales, Layout::of(encoding, channels, inputs),
          stored);
  tensor.channelsEach = channelsEach;
  tensor.groupsEach = groupsEach;
  if (other.bytes)
    tensor.other = other;
  return success();
}

FailureOr<ConvertedMatrix> ScaledMatrix::read() {
  if (failed(takeNumbers()) || failed(takeScales()) || failed(takeZeros()))
    return failure();
  auto layout = Layout::of(encoding, channels, inputs);
  if (failed(readOrder(".weight_g_idx", inputs,
                       encoding.group ? encoding.group * groupsEach : inputs)))
    return failure();
  if (failed(addScales(layout)))
    return failure();
  layout = Layout::of(encoding, channels, inputs);
  if (zeros) {
    CheckpointTensor &made = add(*zeros, PartKind::Zeros, layout, storedZeros);
    // Words hold those of channels that follow each other.
    if (StringRef(storedZeros).starts_with("zero-bytes")) {
      made.channelsEach = channelsEach;
      made.groupsEach = groupsEach;
    }
  }
  addCodes(*codes, layout, storedCodes);
  for (StringRef suffix :
       {".weight_shape", ".input_scale", ".input_global_scale",
        ".input_zero_point", ".output_scale", ".activation_scale"})
    (void)find(suffix); // used
  return std::move(result);
}

FailureOr<ConvertedMatrix> readScaledMatrix(const ModelDirectory &directory,
                                            StringRef base, BlockSize block,
                                            ErrorFn emitError) {
  return ScaledMatrix(directory, base, block, emitError).read();
}

} // namespace mlir::marimba
