//===- GgufKeys.cpp - How a family writes GGUF's metadata -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/GgufKeys.h"
#include "importer/hub/RotaryConfig.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::marimba {

int64_t GgufKeys::size(StringRef name) const {
  for (const auto &[field, value] : info.sizes)
    if (name == field)
      return value;
  return 0;
}

void GgufKeys::sizes(ArrayRef<GgufSize> list) {
  for (const GgufSize &one : list)
    if (int64_t value = size(one.size))
      integer(one.key, value);
}

void GgufKeys::common() {
  metadata.setString("general.architecture", architecture);
  metadata.setString("general.type", "model");
  metadata.setString("general.name", info.name);
  // llama.cpp's converter says as much of models that know no limit.
  integer("context_length",
          config.getPositive("max_position_embeddings", 1 << 20, INT32_MAX));
  integer("embedding_length", info.hiddenSize);
  integer("block_count", int64_t(info.layerKinds.size()));
  integer("vocab_size", info.vocabSize);
  real("attention.layer_norm_rms_epsilon", info.normEpsilon);
}

bool GgufKeys::isKind(size_t layer, StringRef of) const {
  StringRef kind = info.layerKinds[layer];
  auto [mixer, rest] = kind.split('+');
  return mixer == of || rest == of;
}

void GgufKeys::perLayer(StringRef suffix, StringRef of, int64_t value) {
  std::vector<int64_t> each;
  for (size_t i = 0; i < info.layerKinds.size(); ++i)
    each.push_back(isKind(i, of) ? value : 0);
  metadata.setIntegers(key(suffix), each);
}

void GgufKeys::rotary(int64_t headDim, double defaultTheta, double defaultShare,
                      StringRef object) {
  Rotation rotation =
      readRotation(config, headDim, defaultTheta, defaultShare, object);
  if (object.empty())
    object =
        config.find("rope_parameters") ? "rope_parameters" : "rope_scaling";
  std::string prefix = (object + ".").str();
  auto either = [&](StringRef name) {
    std::string inner = prefix + name.str();
    return config.find(inner) ? inner : name.str();
  };
  double theta = config.getPositiveReal(either("rope_theta"), defaultTheta);
  real("rope.freq_base", theta);
  integer("rope.dimension_count", rotation.size());

  std::string field = prefix + "rope_type";
  if (!config.find(field) && config.find(prefix + "type"))
    field = prefix + "type";
  std::string type = config.getString(field, "default");
  auto scaling = [&](StringRef name, StringRef suffix) {
    std::string from = prefix + name.str();
    if (config.find(from))
      real(("rope.scaling." + suffix).str(), config.getPositiveReal(from, 1));
  };
  if (type == "llama3" || type == "factors") {
    Rotation plain = plainRotation(theta, rotation.size());
    for (auto [before, after] :
         llvm::zip_equal(plain.frequencies, rotation.frequencies))
      rotaryFactors.push_back(before / after);
  } else if (type == "linear" || type == "yarn") {
    metadata.setString(key("rope.scaling.type"), type);
    scaling("factor", "factor");
  }
  if (type != "yarn")
    return;
  std::string length = prefix + "original_max_position_embeddings";
  integer("rope.scaling.original_context_length",
          config.getPositive(
              length,
              config.getPositive("max_position_embeddings", 2048, INT32_MAX),
              INT32_MAX));
  scaling("beta_fast", "yarn_beta_fast");
  scaling("beta_slow", "yarn_beta_slow");
  for (StringRef other :
       {"attention_factor", "mscale", "mscale_all_dim", "truncate"})
    if (config.find(prefix + other.str()))
      config.error(prefix + other.str(), "none, as a GGUF file cannot say it");
}

} // namespace mlir::marimba
