//===- Config.cpp - A checked reader of config.json -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/Config.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <limits>

namespace mlir::marimba {

static constexpr StringRef kPositiveReal =
    "a positive number, 1.2e-38 to 3.4e38";

std::string FieldNames::inFile(StringRef fields) const {
  auto name = [&](StringRef field) {
    auto it = names.find(field);
    return it == names.end() ? field : StringRef(it->second);
  };
  if (names.contains(fields))
    return name(fields).str();
  return llvm::join(llvm::map_range(llvm::split(fields, ' '), name), " ");
}

const llvm::json::Value *Config::find(StringRef field) const {
  asked.insert(field);
  const llvm::json::Value *value = object.get(field);
  if (!value || value->kind() == llvm::json::Value::Null)
    return nullptr;
  return value;
}

StringRef Config::spelling(StringRef name, ArrayRef<StringRef> others) const {
  if (find(name))
    return name;
  for (StringRef other : others)
    if (find(other))
      return other;
  return name;
}

void Config::flatten(StringRef field) {
  const llvm::json::Value *value = find(field);
  if (!value)
    return;
  const llvm::json::Object *members = value->getAsObject();
  if (!members)
    return error(field, "an object");
  // A copy: what is read is about to move.
  for (const auto &[name, member] : llvm::json::Object(*members))
    object[(field + "." + StringRef(name)).str()] = member;
}

void Config::enter(StringRef field) {
  const llvm::json::Value *value = find(field);
  if (!value)
    return;
  const llvm::json::Object *members = value->getAsObject();
  if (!members)
    return error(field, "an object");
  for (const auto &[name, member] : llvm::json::Object(*members)) {
    bool isNull = member.kind() == llvm::json::Value::Null;
    if (isNull && object.get(name))
      continue;
    object[name] = member;
    names.names[name] = (field + "." + StringRef(name)).str();
  }
}

void Config::checkSupported(StringRef activation, StringRef field) {
  std::string found = getString(field, activation);
  if (found == "swish") // another name of one function
    found = "silu";
  if (found != activation)
    error(field, "\"" + activation + "\"");
  // What is quantised, and how, the tensors say (docs/quantization.md).
  if (const llvm::json::Value *value = find("quantization_config")) {
    const llvm::json::Object *quantization = value->getAsObject();
    if (quantization && quantization->empty())
      return;
    std::optional<StringRef> method;
    if (quantization)
      method = quantization->getString("quant_method");
    static const StringRef known[] = {
        "marimba", "awq", "gptq", "compressed-tensors", "fp8", "modelopt"};
    if (!method || !llvm::is_contained(known, *method))
      error("quantization_config",
            "none, or one with \"quant_method\": \"marimba\", as marimba "
            "quantize writes it, \"awq\", \"gptq\", \"compressed-tensors\", "
            "\"fp8\" or \"modelopt\"");
  } else if (find("quantization")) {
    error("quantization", "none: a model that MLX quantised cannot be read");
  }
}

void Config::error(StringRef field, const Twine &expected) {
  hasFailed = true;
  const llvm::json::Value *value = object.get(field);
  std::string found =
      value ? "is " + printJson(*value) : std::string("is absent");
  emitError(fileName + ": " + names.kind + " '" + names.inFile(field) + "' " +
            found + ", expected " + expected);
}

void Config::error(const Twine &message) {
  hasFailed = true;
  emitError(fileName + ": " + message);
}

void Config::suggestFields() {
  std::vector<StringRef> absent;
  for (StringRef field : asked.keys())
    if (!object.get(field))
      absent.push_back(field);
  llvm::sort(absent);
  for (const auto &[key, value] : object) {
    StringRef field(key);
    // Members of flattened objects have a dot, and their object says enough.
    StringRef near = asked.contains(field) ? "" : nearest(field, absent);
    if (!near.empty())
      error(names.kind + " " + quoted(field) + " has no meaning, and " +
            quoted(names.inFile(near)) + " is absent; did you mean that?");
  }
}

int64_t Config::getInRange(StringRef field, int64_t defaultValue, int64_t min,
                           int64_t max, StringRef expected) {
  const llvm::json::Value *value = find(field);
  if (!value)
    return defaultValue;
  std::optional<int64_t> number = asInteger(*value);
  if (!number || *number < min) {
    error(field, expected);
    return defaultValue;
  }
  if (*number > max) {
    error(field, "at most " + Twine(max));
    return defaultValue;
  }
  return *number;
}

int64_t Config::getPositive(StringRef field, int64_t defaultValue,
                            int64_t max) {
  return getInRange(field, defaultValue, 1, max, "a positive integer");
}

int64_t Config::getPositiveOrAuto(StringRef field, int64_t defaultValue,
                                  int64_t max) {
  const llvm::json::Value *value = find(field);
  if (value && value->getAsString() == "auto")
    return defaultValue;
  return getInRange(field, defaultValue, 1, max,
                    "a positive integer or \"auto\"");
}

int64_t Config::getNonNegative(StringRef field, int64_t defaultValue,
                               int64_t max) {
  return getInRange(field, defaultValue, 0, max, "an integer of 0 or more");
}

int64_t Config::getPositiveOrNone(StringRef field, int64_t max) {
  const llvm::json::Value *value = find(field);
  if (!value || value->getAsBoolean() == false || value->getAsNumber() == 0.0 ||
      value->getAsNumber() == -1.0)
    return 0;
  return getInRange(field, 0, 1, max, "a positive integer, or null for none");
}

/// A number above zero that is neither 0 nor infinite as f32; 0 for others.
static double positiveFloat(const llvm::json::Value &value) {
  double number = value.getAsNumber().value_or(0);
  // In double: a conversion that overflows is undefined.
  return number >= double(std::numeric_limits<float>::min()) &&
                 number <= double(std::numeric_limits<float>::max())
             ? number
             : 0;
}

double Config::getPositiveReal(StringRef field, double defaultValue) {
  const llvm::json::Value *value = find(field);
  if (!value)
    return defaultValue;
  if (double number = positiveFloat(*value))
    return number;
  error(field, kPositiveReal);
  return defaultValue;
}

std::vector<double> Config::getPositiveReals(StringRef field) {
  const llvm::json::Value *value = find(field);
  std::vector<double> numbers;
  if (!value)
    return numbers;
  const llvm::json::Array *list = value->getAsArray();
  for (const llvm::json::Value &element : list ? *list : llvm::json::Array()) {
    double number = positiveFloat(element);
    if (!number) {
      list = nullptr;
      break;
    }
    numbers.push_back(number);
  }
  if (!list)
    error(field, "a list of positive numbers, 1.2e-38 to 3.4e38");
  return numbers;
}

/// A number, or an infinity as parseJson() has it; NaN for others.
static double realOrInfinity(const llvm::json::Value &value) {
  if (const llvm::json::Object *object = value.getAsObject())
    if (object->getString("__float__") == "Infinity")
      return std::numeric_limits<double>::infinity();
  return value.getAsNumber().value_or(std::nan(""));
}

std::pair<double, double>
Config::getBounds(StringRef field, std::pair<double, double> defaultValue) {
  const llvm::json::Value *value = find(field);
  if (!value)
    return defaultValue;
  const llvm::json::Array *list = value->getAsArray();
  if (list && list->size() == 2) {
    double least = realOrInfinity((*list)[0]),
           most = realOrInfinity((*list)[1]);
    bool isFinite = least <= std::numeric_limits<float>::max();
    if (least >= 0 && isFinite && most > 0 && least <= most)
      return {least, most};
  }
  error(field, "[least, most], two numbers of 0 or more, most above 0 and not "
               "below least; most may be Infinity");
  return defaultValue;
}

bool Config::getBool(StringRef field, bool defaultValue) {
  const llvm::json::Value *value = find(field);
  if (!value)
    return defaultValue;
  if (std::optional<bool> flag = value->getAsBoolean())
    return *flag;
  std::optional<double> number = value->getAsNumber();
  if (number == 0.0 || number == 1.0)
    return *number == 1.0;
  error(field, "true or false");
  return defaultValue;
}

std::string Config::getString(StringRef field, StringRef defaultValue) {
  const llvm::json::Value *value = find(field);
  if (!value)
    return defaultValue.str();
  if (std::optional<StringRef> text = value->getAsString())
    return text->str();
  error(field, "a string");
  return defaultValue.str();
}

std::vector<std::string> Config::getStrings(StringRef field) {
  const llvm::json::Value *value = find(field);
  std::vector<std::string> strings;
  if (!value)
    return strings;
  const llvm::json::Array *list = value->getAsArray();
  for (const llvm::json::Value &element : list ? *list : llvm::json::Array()) {
    std::optional<StringRef> text = element.getAsString();
    if (!text) {
      list = nullptr;
      break;
    }
    strings.push_back(text->str());
  }
  if (!list)
    error(field, "a list of strings");
  return strings;
}

std::vector<int64_t> Config::getIndices(StringRef field, int64_t count) {
  const llvm::json::Value *value = find(field);
  std::vector<int64_t> indices;
  if (!value)
    return indices;
  const llvm::json::Array *list = value->getAsArray();
  for (const llvm::json::Value &element : list ? *list : llvm::json::Array()) {
    std::optional<int64_t> index = asInteger(element);
    if (!index || *index < 0 || *index >= count) {
      list = nullptr;
      break;
    }
    indices.push_back(*index);
  }
  if (!list)
    error(field, "a list of integers from 0 to " + Twine(count - 1));
  return indices;
}

std::vector<int64_t> Config::getTokenIds(StringRef field) {
  const llvm::json::Value *value = find(field);
  if (!value)
    return {};
  if (std::optional<std::vector<int64_t>> ids = asTokenIds(*value))
    return std::move(*ids);
  error(field, "a token id or a list of token ids");
  return {};
}

std::string Config::getDType() {
  StringRef field = find("dtype") ? "dtype" : "torch_dtype";
  std::string name = getString(field, "float32");
  StringRef dtype =
      llvm::StringSwitch<StringRef>(StringRef(name))
          .Cases({"float32", "torch.float32", "float", "auto"}, "F32")
          .Cases({"bfloat16", "torch.bfloat16"}, "BF16")
          .Cases({"float16", "torch.float16", "half"}, "F16")
          .Default("");
  if (!dtype.empty())
    return dtype.str();
  error(field, "\"float32\", \"bfloat16\" or \"float16\"");
  return "F32";
}

} // namespace mlir::marimba
