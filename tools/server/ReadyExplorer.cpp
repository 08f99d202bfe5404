//===- ReadyExplorer.cpp - What a loaded model says of itself -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/ReadyExplorer.h"

#include "marimba/AvailableMemory.h"
#include "marimba/Model.h"
#include "marimba/SavedState.h"
#include "marimba/Tensor.h"
#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

using namespace marimba;
using namespace marimba::server;
using nlohmann::json;

/// "layers.3.mamba.in_proj" is of layer 3; -1: of none.
static int64_t layerOf(std::string_view name) {
  constexpr std::string_view prefix = "layers.";
  if (!name.starts_with(prefix))
    return -1;
  int64_t layer = -1;
  std::from_chars(name.data() + prefix.size(), name.data() + name.size(),
                  layer);
  return layer;
}

/// Without "layers.3.".
static std::string_view nameInLayer(std::string_view name, int64_t layer) {
  if (layer < 0)
    return name;
  size_t dot = name.find('.', sizeof("layers.") - 1);
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

/// Bytes of a tensor and, where a size is that of the tokens, of one of them.
static int64_t bytesOf(const rt::TensorSpec &spec, bool skipFirst,
                       bool *grows) {
  int64_t bytes = rt::dtypeSize(spec.dtype);
  for (size_t i = skipFirst ? 1 : 0; i < spec.shape.size(); ++i) {
    if (spec.shape[i] < 0 && grows)
      *grows = true;
    bytes *= std::max<int64_t>(spec.shape[i], spec.shape[i] < 0 ? 1 : 0);
  }
  return bytes;
}

static std::string typeName(const rt::WeightSpec &spec) {
  if (spec.quantized)
    return std::to_string(spec.quantized->encoding.bits) + "-bit codes";
  return std::string(rt::dtypeName(spec.dtype));
}

namespace {
struct Sum {
  int64_t weights = 0, bytes = 0;
};
/// What one layer has, or what no layer has.
struct Part {
  int64_t bytes = 0, derivedBytes = 0, stateBytes = 0, tokenBytes = 0;
  json weights = json::array(), states = json::array();

  json take() {
    return {{"bytes", bytes},
            {"derived_bytes", derivedBytes},
            {"state_bytes", stateBytes},
            {"kv_bytes_per_token", tokenBytes},
            {"weights", std::move(weights)},
            {"states", std::move(states)}};
  }
};
} // namespace

ReadyExplorer::ReadyExplorer(std::shared_ptr<const rt::ReadyModel> model)
    : loaded(std::move(model)) {}

/// What model() answers.
static json factsOf(const rt::ReadyModel &model) {
  const rt::Description &description = model.parts().description();
  std::map<int64_t, Part> parts;
  std::map<std::string, Sum> types;
  Sum all;
  for (const rt::WeightSpec &spec : description.weights) {
    int64_t layer = layerOf(spec.name);
    Part &part = parts[layer];
    int64_t bytes = bytesOf(spec, /*skipFirst=*/false, nullptr);
    std::string type = typeName(spec);
    if (spec.derived) {
      part.derivedBytes += bytes;
    } else {
      part.bytes += bytes;
      Sum &sum = types[type];
      ++sum.weights, sum.bytes += bytes;
      ++all.weights, all.bytes += bytes;
    }
    part.weights.push_back({{"name", nameInLayer(spec.name, layer)},
                            {"type", type},
                            {"shape", spec.shape},
                            {"bytes", bytes},
                            {"derived", spec.derived},
                            {"packed", spec.packed ? rt::dtypeName(*spec.packed)
                                                   : std::string_view()}});
  }
  for (const rt::ArgSpec &state : description.states()) {
    int64_t layer = layerOf(state.name);
    Part &part = parts[layer];
    bool grows = false;
    int64_t bytes = bytesOf(state, /*skipFirst=*/true, &grows);
    (grows ? part.tokenBytes : part.stateBytes) += bytes;
    part.states.push_back({{"name", nameInLayer(state.name, layer)},
                           {"type", rt::dtypeName(state.dtype)},
                           {"shape", state.shape},
                           {"bytes", bytes},
                           {"grows", grows}});
  }
  json layers = json::array();
  json outside = Part().take();
  for (auto &[layer, part] : parts) {
    json one = part.take();
    if (layer < 0) {
      outside = std::move(one);
      continue;
    }
    one["index"] = layer;
    layers.push_back(std::move(one));
  }
  json byType = json::array();
  for (const auto &[type, sum] : types)
    byType.push_back(
        {{"type", type}, {"weights", sum.weights}, {"bytes", sum.bytes}});
  json arithmetic = json::object();
  for (const auto &[name, value] : model.stateOrigin().arithmetic)
    arithmetic[name] = value;
  rt::SequenceBytes sequence = model.sequenceBytes();
  return {{"available", true},
          {"name", model.name()},
          {"vocabulary", model.vocabulary()},
          {"chunk", model.chunk()},
          {"arithmetic", std::move(arithmetic)},
          {"weights", all.weights},
          {"weight_bytes", all.bytes},
          {"weights_by_type", std::move(byType)},
          {"state_bytes", sequence.fixed},
          {"kv_bytes_per_token", sequence.perToken},
          {"layers", std::move(layers)},
          {"outside", std::move(outside)}};
}

bool ReadyExplorer::model(std::string &json, std::string & /*why*/) {
  json = factsOf(*loaded).dump(-1, ' ', false, json::error_handler_t::replace);
  return true;
}

static bool noCompiler(std::string &why, const char *what) {
  why = std::string("The model is a package: its code was compiled before, and "
                    "this server has no compiler. ") +
        what + " are there where a model's folder or GGUF file is served.";
  return false;
}

bool ReadyExplorer::stages(std::string & /*json*/, std::string &why) {
  return noCompiler(why, "The stages of compiling");
}

bool ReadyExplorer::stage(int64_t /*number*/, std::string & /*json*/,
                          std::string &why) {
  return noCompiler(why, "The stages of compiling");
}

bool ReadyExplorer::roofline(std::string & /*json*/, std::string &why) {
  return noCompiler(why, "Times of single ops");
}

bool ReadyExplorer::measureRoofline(const RooflineRequest & /*request*/,
                                    std::string & /*json*/, std::string &why) {
  return noCompiler(why, "Times of single ops");
}

bool ReadyExplorer::memory(std::string &json, std::string & /*why*/) {
  rt::SequenceBytes sequence = loaded->sequenceBytes();
  int64_t weights = 0;
  for (const rt::WeightSpec &spec : loaded->parts().description().weights)
    weights += bytesOf(spec, /*skipFirst=*/false, nullptr);
  nlohmann::json object{
      {"available", true},
      {"state_bytes", sequence.fixed},
      {"kv_bytes_per_token", sequence.perToken},
      {"weight_bytes", weights},
      {"packed_bytes", loaded->parts().library()->stats().packedBytes},
      {"resident_bytes",
       rt::readKibibytes("/proc/self/status", "VmRSS").value_or(0)},
      {"available_bytes", nullptr}};
  if (auto available = rt::availableMemory())
    object["available_bytes"] = *available;
  json = object.dump();
  return true;
}
