//===- RotaryConfig.cpp - Frequencies of rotary embedding -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/RotaryConfig.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

namespace mlir::marimba {

/// Llama 3.1: long waves are stretched by `factor`, short ones stay, and those
/// between are blended.
static void scaleLlama3(Config &c, StringRef prefix,
                        std::vector<float> &frequencies) {
  auto real = [&](StringRef name, double otherwise) {
    return float(c.getPositiveReal((prefix + name).str(), otherwise));
  };
  float factor = real("factor", 8), low = real("low_freq_factor", 1);
  float high = real("high_freq_factor", 4);
  std::string field = (prefix + "original_max_position_embeddings").str();
  auto length = float(c.getPositive(
      field, c.getPositive("max_position_embeddings", 8192, INT32_MAX),
      INT32_MAX));
  if (high <= low)
    return c.error((prefix + "high_freq_factor").str(),
                   "more than low_freq_factor");
  for (float &frequency : frequencies) {
    float wave = 2 * float(M_PI) / frequency;
    if (wave < length / high)
      continue;
    float stretched = frequency / factor;
    if (wave > length / low) {
      frequency = stretched;
      continue;
    }
    float smooth = (length / wave - low) / (high - low);
    frequency = (1 - smooth) * stretched + smooth * frequency;
  }
}

std::vector<float> readRotaryFrequencies(Config &c, int64_t headDim,
                                         double defaultTheta,
                                         double defaultShare) {
  bool isNew = c.find("rope_parameters");
  StringRef object = isNew ? "rope_parameters" : "rope_scaling";
  c.flatten(object);
  std::string prefix = (object + ".").str();
  auto either = [&](StringRef name) {
    std::string inner = prefix + name.str();
    return c.find(inner) ? inner : name.str();
  };
  double theta = c.getPositiveReal(either("rope_theta"), defaultTheta);

  std::string part = either("partial_rotary_factor");
  double share = c.getPositiveReal(part, defaultShare);
  if (share > 1)
    c.error(part, "at most 1");
  auto size = int64_t(double(headDim) * std::min(share, 1.0));
  if (size < 2 || size % 2 != 0)
    c.error(c.find(part) ? StringRef(part) : StringRef("head_dim"),
            "a value by which an even number of a head's " + Twine(headDim) +
                " elements rotates, at least 2, not " + Twine(size));

  std::vector<float> frequencies;
  for (int64_t j = 0; j < size / 2; ++j) {
    float power = std::pow(float(theta), float(2 * j) / float(size));
    frequencies.push_back(1.0f / power);
  }

  std::string typeField = prefix + "rope_type";
  if (!c.find(typeField) && c.find(prefix + "type"))
    typeField = prefix + "type"; // before 4.43
  std::string type = c.getString(typeField, "default");
  if (type == "linear") {
    auto factor = float(c.getPositiveReal(prefix + "factor", 1));
    for (float &frequency : frequencies)
      frequency /= factor;
  } else if (type == "llama3") {
    scaleLlama3(c, prefix, frequencies);
  } else if (type == "factors") { // of a GGUF file only
    std::vector<double> factors = c.getPositiveReals(prefix + "factors");
    if (factors.size() != frequencies.size())
      c.error(prefix + "factors",
              "as many numbers as frequencies: " + Twine(frequencies.size()));
    for (auto [frequency, factor] : llvm::zip(frequencies, factors))
      frequency /= float(factor);
  } else if (type != "default") {
    c.error(typeField, "\"default\", \"linear\" or \"llama3\"");
  }
  if (!llvm::all_of(frequencies, [](float f) { return std::isfinite(f); }))
    c.error(either("rope_theta"), "one that leaves the frequencies finite");
  return frequencies;
}

} // namespace mlir::marimba
