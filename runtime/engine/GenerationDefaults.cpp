//===- GenerationDefaults.cpp - How a model's makers sample ---------------===//

#include "marimba/GenerationDefaults.h"

#include "JsonFile.h"
#include "marimba/InputFile.h"
#include "marimba/Sampler.h"
#include "marimba/formats/JsonText.h"

#include <filesystem>

namespace marimba::rt {

using Json = nlohmann::json;

namespace {
class Reader {
public:
  Reader(const Json &object, std::string &error)
      : object(object), error(error) {}

  /// The number `name`; nothing where it is absent or null.
  std::optional<double> number(const char *name) {
    const Json *value = find(name);
    std::optional<double> found;
    if (value && value->is_number())
      found = value->get<double>();
    if (value && !found)
      fail(name, "a number", *value);
    return found;
  }
  bool flag(const char *name) {
    const Json *value = find(name);
    std::optional<bool> found;
    if (value && value->is_boolean())
      found = value->get<bool>();
    // Python's True and False are numbers.
    if (value && (asInteger(*value) == 0 || asInteger(*value) == 1))
      found = asInteger(*value) == 1;
    if (value && !found)
      fail(name, "true or false", *value);
    return found.value_or(false);
  }
  /// The number as a member of the sampler's options, which must allow it.
  std::optional<float> option(const char *name, float SamplerOptions::*member) {
    std::optional<double> found = number(name);
    if (!found)
      return std::nullopt;
    SamplerOptions options;
    options.*member = static_cast<float>(*found);
    std::string problem = checkSamplerOptions(options);
    if (!problem.empty() && error.empty())
      error = problem;
    return options.*member;
  }

private:
  const Json *find(const char *name) const {
    auto value = object.find(name);
    return value != object.end() && !value->is_null() ? &*value : nullptr;
  }
  void fail(const std::string &name, const char *expected, const Json &found) {
    if (error.empty())
      error = name + ": expected " + expected + ", found " + printJson(found);
  }

  const Json &object;
  std::string &error;
};
} // namespace

/// transformers keeps all for what keeps nothing in other programs' files.
static int32_t toTopK(double value) {
  return value >= 1 && value <= INT32_MAX ? static_cast<int32_t>(value) : 0;
}

std::optional<GenerationDefaults>
readGenerationDefaults(const std::string &modelDir, std::string &error) {
  GenerationDefaults defaults;
  std::string path =
      (std::filesystem::path(modelDir) / "generation_config.json").string();
  if (!isThere(path))
    return defaults;
  constexpr uint64_t longest = 1 << 24;
  error.clear();
  std::string problem;
  std::optional<std::string> text = readWhole(path, longest, problem);
  if (!text) {
    error = path + ": " + problem;
    return std::nullopt;
  }
  std::optional<Json> object =
      parseJsonFile(*text, path, /*mayBeEmpty=*/true, error);
  if (!object)
    return std::nullopt;
  if (!object->is_object()) {
    error = path + ": is " + printJson(*object) + ", expected a JSON object";
    return std::nullopt;
  }
  defaults.file = path;
  Reader reader(*object, error);
  defaults.sample = reader.flag("do_sample");
  defaults.temperature =
      reader.option("temperature", &SamplerOptions::temperature);
  std::optional<double> topP = reader.number("top_p");
  if (topP && *topP > 0 && *topP < 1)
    defaults.topP = static_cast<float>(*topP);
  else if (topP && *topP == 0)
    defaults.topP = 1e-30F; // the likeliest alone
  else if (topP && *topP >= 1)
    defaults.topP = 1;
  else if (topP)
    reader.option("top_p", &SamplerOptions::topP); // says what is wrong
  defaults.minP = reader.option("min_p", &SamplerOptions::minP);
  defaults.repetitionPenalty =
      reader.option("repetition_penalty", &SamplerOptions::repetitionPenalty);
  if (std::optional<double> topK = reader.number("top_k"))
    defaults.topK = toTopK(*topK);
  // As GenerationConfig of transformers, but not for null.
  else if (defaults.sample && !object->contains("top_k"))
    defaults.topK = 50;
  if (error.empty())
    return defaults;
  error = defaults.file + ": " + error;
  return std::nullopt;
}

} // namespace marimba::rt
