//===- GgufFields.cpp - How a family reads GGUF's metadata ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/GgufFields.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

namespace mlir::marimba {

GgufFamily noGguf() {
  return {"", nullptr, nullptr, nullptr, GgufNames("", {}, {})};
}

void GgufFields::error(const Twine &message, const GgufTensor *in) {
  failed = true;
  emitError((in ? file.fileOf(*in) : file.file()) + ": " + message);
}

void GgufFields::keyError(StringRef key, const Twine &expected) {
  error(file.describe(key) + ", expected " + expected);
}

std::optional<int64_t> GgufFields::integer(StringRef name) const {
  std::optional<std::vector<int64_t>> each = file.getIntegers(name);
  if (!each)
    return file.getInteger(name);
  if (int64_t(each->size()) != layers)
    return std::nullopt;
  if (zeroIsNone)
    llvm::erase(*each, 0);
  return llvm::all_equal(*each) && !each->empty() ? std::optional(each->front())
                                                  : std::nullopt;
}

int64_t GgufFields::positive(StringRef suffix, int64_t max, bool required) {
  std::string name = key(suffix);
  if (!file.find(name) && !required)
    return 0;
  std::optional<int64_t> value = integer(name);
  if (value && *value >= 1 && *value <= max)
    return *value;
  keyError(name,
           "an integer of 1 to " + Twine(max) +
               (file.getIntegers(name) ? ", the same for all layers" : ""));
  return 0;
}

void GgufFields::set(StringRef field, llvm::json::Value value, StringRef from) {
  // A key that is no std::string would not be owned.
  config.fields[field.str()] = std::move(value);
  config.names.names[field] = from.str();
}

void GgufFields::copy(StringRef suffix, StringRef field, bool required) {
  std::string name = key(suffix);
  config.names.names[field] = name;
  const GgufValue *value = file.find(name);
  if (!value) {
    if (required)
      keyError(name, "a number");
    return;
  }
  std::optional<int64_t> number = integer(name);
  if (value->isArray && !number)
    return keyError(name, "a number, the same for all layers");
  config.fields[field] =
      number ? llvm::json::Value(*number) : file.toJson(name);
}

/// Factors of the frequencies, one for each, which the file has as a tensor.
static void readFactors(GgufFields &f, const GgufTensor &factors,
                        int64_t headDim, bool isScaled) {
  std::vector<int64_t> shape{headDim / 2};
  if (isScaled || factors.type != "F32" || factors.shape != shape)
    return f.error("tensor 'rope_freqs.weight' has type " + factors.type +
                       " and shape " + printShape(factors.shape) +
                       ", expected F32 and " + printShape(shape) +
                       ", without another scaling as well",
                   &factors);
  llvm::json::Array values;
  StringRef data = f.file.data(factors);
  for (int64_t i = 0; i < headDim / 2; ++i)
    values.push_back(
        double(llvm::support::endian::read<float, llvm::endianness::little>(
            data.data() + i * sizeof(float))));
  f.set("rope_scaling",
        llvm::json::Object{{"rope_type", "factors"},
                           {"factors", std::move(values)}},
        "rope_freqs.weight");
  f.config.names.names["rope_scaling.factors"] = "rope_freqs.weight";
}

/// Yarn's numbers; the factor of cosines and sines follows from that of the
/// frequencies.
static void readYarn(GgufFields &f) {
  llvm::json::Object scaling{{"rope_type", "yarn"}};
  auto copy = [&](StringRef suffix, StringRef field) {
    std::string key = f.key(suffix);
    scaling[field.str()] = f.file.toJson(key);
    f.config.names.names[("rope_scaling." + field).str()] = key;
  };
  StringRef length = "rope.scaling.original_context_length";
  copy("rope.scaling.factor", "factor");
  copy(f.file.find(f.key(length)) ? length : "context_length",
       "original_max_position_embeddings");
  copy("rope.scaling.yarn_beta_fast", "beta_fast");
  copy("rope.scaling.yarn_beta_slow", "beta_slow");
  f.set("rope_scaling", std::move(scaling), f.key("rope.scaling.type"));
  for (StringRef suffix :
       {"rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor",
        "rope.scaling.yarn_ext_factor"}) {
    std::string key = f.key(suffix);
    if (f.file.find(key) && f.file.getInteger(key) != 1)
      f.keyError(key, "1");
  }
}

void readGgufRotary(GgufFields &f, int64_t headDim, bool mayBePart) {
  const GgufFile &file = f.file;
  std::string base = f.key("rope.freq_base");
  if (file.find(base))
    f.copy("rope.freq_base", "rope_theta");
  else
    f.set("rope_theta", 10000.0, base);
  std::string count = f.key("rope.dimension_count");
  std::optional<int64_t> turning = f.integer(count);
  bool isPart = mayBePart && turning && *turning > 0 && *turning < headDim;
  if (isPart)
    f.set("partial_rotary_factor", double(*turning) / double(headDim), count);
  else if (file.find(count) && turning != headDim)
    f.keyError(count, Twine(mayBePart ? "at most " : "") +
                          "the size of a head, " + Twine(headDim));
  else if (mayBePart)
    f.set("partial_rotary_factor", 1.0, count);

  std::string kind = f.key("rope.scaling.type");
  std::string linear = f.key("rope.scale_linear"); // before "scaling"
  std::optional<StringRef> type = file.getString(kind);
  if (type == "")
    type = "none";
  bool isLinear = type == "linear" || (!type && file.find(linear));
  bool isYarn = type == "yarn";
  if (file.find(kind) && type != "linear" && type != "none" && !isYarn)
    f.keyError(kind, "\"none\", \"linear\" or \"yarn\"");
  StringRef factor = type ? "rope.scaling.factor" : "rope.scale_linear";
  // As in llama.cpp.
  if (file.getInteger(f.key(factor)) == 0)
    isLinear = isYarn = false;
  if (isYarn)
    readYarn(f);
  if (isLinear) {
    f.set("rope_scaling",
          llvm::json::Object{{"rope_type", "linear"},
                             {"factor", file.toJson(f.key(factor))}},
          kind);
    f.config.names.names["rope_scaling.factor"] = f.key(factor);
  }
  if (const GgufTensor *factors = file.findTensor("rope_freqs.weight"))
    readFactors(f, *factors, headDim, isLinear || isYarn);
}

} // namespace mlir::marimba
