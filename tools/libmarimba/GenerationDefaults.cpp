//===- GenerationDefaults.cpp - How a model's makers sample ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/GenerationDefaults.h"
#include "importer/hub/Json.h"

#include "marimba/InputFile.h"
#include "marimba/Sampler.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace marimba;
using namespace llvm;

namespace {
class Reader {
public:
  Reader(const json::Object &object, std::string &error)
      : object(object), error(error) {}

  /// The number `name`; nothing where it is absent or null.
  std::optional<double> number(StringRef name) {
    const json::Value *value = find(name);
    std::optional<double> found = value ? value->getAsNumber() : std::nullopt;
    if (value && !found)
      fail(name, "a number", *value);
    return found;
  }
  bool flag(StringRef name) {
    const json::Value *value = find(name);
    std::optional<bool> found = value ? value->getAsBoolean() : std::nullopt;
    // Python's True and False are numbers.
    if (value && (value->getAsInteger() == 0 || value->getAsInteger() == 1))
      found = value->getAsInteger() == 1;
    if (value && !found)
      fail(name, "true or false", *value);
    return found.value_or(false);
  }
  /// The number as a member of the sampler's options, which must allow it.
  std::optional<float> option(StringRef name,
                              float rt::SamplerOptions::*member) {
    std::optional<double> found = number(name);
    if (!found)
      return std::nullopt;
    rt::SamplerOptions options;
    options.*member = static_cast<float>(*found);
    std::string problem = rt::checkSamplerOptions(options);
    if (!problem.empty() && error.empty())
      error = problem;
    return options.*member;
  }

private:
  const json::Value *find(StringRef name) const {
    const json::Value *value = object.get(name);
    return value && value->kind() != json::Value::Null ? value : nullptr;
  }
  void fail(StringRef name, StringRef expected, const json::Value &found) {
    if (error.empty())
      error = (name + ": expected " + expected + ", found " +
               mlir::marimba::printJson(found))
                  .str();
  }

  const json::Object &object;
  std::string &error;
};
} // namespace

/// transformers keeps all for what keeps nothing in other programs' files.
static int32_t toTopK(double value) {
  return value >= 1 && value <= INT32_MAX ? static_cast<int32_t>(value) : 0;
}

std::optional<GenerationDefaults>
marimba::readGenerationDefaults(StringRef modelDir, std::string &error) {
  GenerationDefaults defaults;
  SmallString<128> path(modelDir);
  sys::path::append(path, "generation_config.json");
  if (!rt::isThere(path.str().str()))
    return defaults;
  constexpr uint64_t longest = 1 << 24;
  error.clear();
  auto object = mlir::marimba::readJsonFile(
      path, path, longest, {.mayBeEmpty = true},
      [&](const Twine &text) { error = text.str(); });
  if (mlir::failed(object))
    return std::nullopt;
  defaults.file = path.str().str();
  Reader reader(*object, error);
  defaults.sample = reader.flag("do_sample");
  defaults.temperature =
      reader.option("temperature", &rt::SamplerOptions::temperature);
  std::optional<double> topP = reader.number("top_p");
  if (topP && *topP > 0 && *topP < 1)
    defaults.topP = static_cast<float>(*topP);
  else if (topP && *topP == 0)
    defaults.topP = 1e-30F; // the likeliest alone
  else if (topP && *topP >= 1)
    defaults.topP = 1;
  else if (topP)
    reader.option("top_p", &rt::SamplerOptions::topP); // says what is wrong
  defaults.minP = reader.option("min_p", &rt::SamplerOptions::minP);
  defaults.repetitionPenalty = reader.option(
      "repetition_penalty", &rt::SamplerOptions::repetitionPenalty);
  if (std::optional<double> topK = reader.number("top_k"))
    defaults.topK = toTopK(*topK);
  // As GenerationConfig of transformers, but not for null.
  else if (defaults.sample && !object->get("top_k"))
    defaults.topK = 50;
  if (error.empty())
    return defaults;
  error = defaults.file + ": " + error;
  return std::nullopt;
}
