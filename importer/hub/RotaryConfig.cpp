//===- RotaryConfig.cpp - How heads turn by their positions -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/RotaryConfig.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
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

/// Waves that turn often within the original context stay, those that turn
/// seldom are stretched by `factor`, and those between are blended (Peng et al.
/// 2023).
static void scaleYarn(Config &c, StringRef prefix, double theta,
                      Rotation &rotation) {
  auto real = [&](StringRef name, double otherwise) {
    return c.getPositiveReal((prefix + name).str(), otherwise);
  };
  double factor = real("factor", 1);
  double fast = real("beta_fast", 32), slow = real("beta_slow", 1);
  std::string field = (prefix + "original_max_position_embeddings").str();
  auto length = double(c.getPositive(
      field, c.getPositive("max_position_embeddings", 2048, INT32_MAX),
      INT32_MAX));
  bool whole = c.getBool((prefix + "truncate").str(), true);

  // The pair that turns so often within the context.
  auto size = double(rotation.size());
  auto pairOf = [&](double turns) {
    return size * std::log(length / (turns * 2 * M_PI)) / (2 * std::log(theta));
  };
  double first = pairOf(fast), last = pairOf(slow);
  if (whole) {
    first = std::floor(first);
    last = std::ceil(last);
  }
  first = std::max(first, 0.0);
  last = std::min(last, size - 1);
  if (first == last)
    last += 0.001;
  for (auto [j, frequency] : llvm::enumerate(rotation.frequencies)) {
    float ramp = (float(j) - float(first)) / float(last - first);
    float kept = 1 - std::clamp(ramp, 0.0f, 1.0f);
    frequency = frequency / float(factor) * (1 - kept) + frequency * kept;
  }

  auto softer = [&](double weight) {
    return factor > 1 ? 0.1 * weight * std::log(factor) + 1 : 1;
  };
  std::string of = (prefix + "mscale").str(), all = of + "_all_dim";
  double usual =
      c.find(of) && c.find(all)
          ? softer(c.getPositiveReal(of, 1)) / softer(c.getPositiveReal(all, 1))
          : softer(1);
  rotation.factor = real("attention_factor", usual);
}

Rotation plainRotation(double theta, int64_t size) {
  Rotation rotation;
  for (int64_t j = 0; j < size / 2; ++j) {
    float power = std::pow(float(theta), float(2 * j) / float(size));
    rotation.frequencies.push_back(1.0f / power);
  }
  return rotation;
}

/// Scales the frequencies as the object that `prefix` begins the fields of
/// says.
static void scale(Config &c, const std::string &prefix, double theta,
                  Rotation &rotation) {
  std::string typeField = prefix + "rope_type";
  if (!c.find(typeField) && c.find(prefix + "type"))
    typeField = prefix + "type"; // before 4.43
  std::string type = c.getString(typeField, "default");
  std::vector<float> &frequencies = rotation.frequencies;
  if (type == "linear") {
    auto factor = float(c.getPositiveReal(prefix + "factor", 1));
    for (float &frequency : frequencies)
      frequency /= factor;
  } else if (type == "llama3") {
    scaleLlama3(c, prefix, frequencies);
  } else if (type == "yarn") {
    scaleYarn(c, prefix, theta, rotation);
  } else if (type == "factors") { // of a GGUF file only
    std::vector<double> factors = c.getPositiveReals(prefix + "factors");
    if (factors.size() != frequencies.size())
      c.error(prefix + "factors",
              "as many numbers as frequencies: " + Twine(frequencies.size()));
    for (auto [frequency, factor] : llvm::zip(frequencies, factors))
      frequency /= float(factor);
  } else if (type != "default") {
    c.error(typeField, "\"default\", \"linear\", \"llama3\" or \"yarn\"");
  }
}

Rotation readRotation(Config &c, int64_t headDim, double defaultTheta,
                      double defaultShare, StringRef object) {
  bool isOwn = !object.empty();
  if (!isOwn)
    object = c.find("rope_parameters") ? "rope_parameters" : "rope_scaling";
  c.flatten(object);
  std::string prefix = (object + ".").str();
  auto either = [&](StringRef name) {
    std::string inner = prefix + name.str();
    return isOwn || c.find(inner) ? inner : name.str();
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

  Rotation rotation = plainRotation(theta, size);
  scale(c, prefix, theta, rotation);
  if (!llvm::all_of(rotation.frequencies,
                    [](float f) { return std::isfinite(f); }))
    c.error(either("rope_theta"), "one that leaves the frequencies finite");
  return rotation;
}

} // namespace mlir::marimba
