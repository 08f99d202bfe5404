//===- GgufTensors.cpp - A checkpoint's tensors as GGUF has them ----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/GgufTensors.h"

#include "tools/quantize/GgufProbe.h"

#include "importer/gguf/GgufKeys.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using namespace marimba;
using namespace llvm;
using namespace mlir::marimba;

namespace {

/// What goes into one tensor of the file: one source, or one for each expert.
struct Parts {
  std::string sourceName;
  std::map<int64_t, const WeightSource *> sources; // by expert; -1: none
};

class Planner {
public:
  Planner(const ImportedModel &model, const Family &family,
          const GgufKeys &keys, GgufPlan &plan, std::string &error)
      : info(model.info), model(model), family(family), keys(keys), plan(plan),
        error(error) {}

  bool run();

private:
  bool collect();
  bool addTensor(const std::string &name, const Parts &parts);
  void addSplit(StringRef layer, const WeightSource &source);
  int64_t size(StringRef field) const { return keys.size(field); }
  /// Once the file's header has been read back.
  void orderRows(GgufPlanTensor &tensor);
  void multiplyRows(GgufPlanTensor &tensor) const;
  void tileValueHeads(GgufPlanTensor &tensor, StringRef part);

  const ModelInfo &info;
  const ImportedModel &model;
  const Family &family;
  const GgufKeys &keys;
  GgufPlan &plan;
  std::string &error;
  std::map<std::string, Parts> tensors; // by their names in the file
  ModelDirectory *readBack = nullptr;
};

} // namespace

/// Rows of one source after the other.
static void appendRows(GgufPlanTensor &tensor, const WeightSource &source,
                       int64_t first, int64_t count) {
  tensor.runs.push_back({&source, first, count});
}

/// Makes the rows of `tensor`, which are one run, those that `order` lists.
static void takeRows(GgufPlanTensor &tensor, ArrayRef<int64_t> order) {
  const WeightSource *source = tensor.runs.front().source;
  // A vector is a matrix with one column.
  if (tensor.rows == 1) {
    tensor.rows = tensor.inputs;
    tensor.inputs = 1;
  }
  tensor.runs.clear();
  for (int64_t row : order) {
    RowRun *last = tensor.runs.empty() ? nullptr : &tensor.runs.back();
    if (last && last->first + last->count == row)
      ++last->count;
    else
      tensor.runs.push_back({source, row, 1});
  }
}

/// Qwen3-Next: of the projection's rows, q, k, v and z of one key head after
/// the other, those of q, k and v of all heads, and those of z.
void Planner::addSplit(StringRef layer, const WeightSource &source) {
  int64_t heads = size("linear_num_key_heads");
  int64_t key = size("linear_key_head_dim");
  int64_t value =
      size("linear_num_value_heads") / heads * size("linear_value_head_dim");
  int64_t begins[] = {0, key, 2 * key, 2 * key + value};
  int64_t sizes[] = {key, key, value, value};
  for (bool isGate : {false, true}) {
    GgufPlanTensor tensor;
    tensor.name =
        (layer + (isGate ? "attn_gate.weight" : "attn_qkv.weight")).str();
    tensor.sourceName = source.name;
    tensor.inputs = source.shape[1];
    tensor.rows = 0;
    for (int part = isGate ? 3 : 0; part < (isGate ? 4 : 3); ++part)
      for (int64_t head = 0; head < heads; ++head) {
        appendRows(tensor, source, head * 2 * (key + value) + begins[part],
                   sizes[part]);
        tensor.rows += sizes[part];
      }
    tensor.shape = {tensor.rows, tensor.inputs};
    plan.tensors.push_back(std::move(tensor));
  }
}

bool Planner::collect() {
  for (const WeightSource &source : model.sources) {
    StringRef known = source.name;
    // Families call it A where it is -exp(A_log).
    if (known.ends_with("A_log"))
      known = known.drop_back(StringRef("_log").size());
    int64_t expert = -1;
    std::optional<std::string> name = family.gguf.names.findGguf(known, expert);
    if (!name) {
      error = "tensor '" + source.name + "' has no name in GGUF files of " +
              family.modelType.str();
      return false;
    }
    if (known.ends_with(".in_proj_qkvz.weight")) {
      addSplit(StringRef(*name).drop_back(StringRef("ssm_in.weight").size()),
               source);
      continue;
    }
    // The embedding may be there as the head.
    if (info.tiedEmbeddings && *name == "output.weight")
      name = "token_embd.weight";
    // Without experts the shared one is the feed-forward.
    if (size_t at = name->find("_shexp."); at != std::string::npos &&
                                           info.family == "granitemoehybrid" &&
                                           !size("num_local_experts"))
      name->erase(at, StringRef("_shexp").size());
    Parts &parts = tensors[*name];
    parts.sourceName = known.str();
    if (!parts.sources.try_emplace(expert, &source).second) {
      error = "tensor '" + source.name + "' would be '" + *name +
              "' in the GGUF file, as another one is";
      return false;
    }
  }
  return true;
}

/// The shape that the file has of `shape`, which families ask for.
static std::vector<int64_t> shapeInFile(StringRef name,
                                        std::vector<int64_t> shape,
                                        bool vectorMixers, int64_t groups) {
  if ((name.ends_with(".ssm_conv1d.weight") ||
       name.ends_with(".shortconv.conv.weight")) &&
      shape.size() == 3)
    shape.erase(shape.begin() + 1);
  if (name.ends_with(".ffn_gate_inp_shexp.weight") && shape.size() == 2)
    shape.erase(shape.begin());
  if (vectorMixers && shape.size() == 1) {
    if (name.ends_with(".ssm_a") || name.ends_with(".ssm_d"))
      shape.push_back(1);
    if (name.ends_with(".ssm_norm.weight") && groups > 0)
      shape = {groups, shape[0] / groups};
  }
  return shape;
}

bool Planner::addTensor(const std::string &name, const Parts &parts) {
  const WeightSource &first = *parts.sources.begin()->second;
  auto count = int64_t(parts.sources.size());
  bool isStack = parts.sources.begin()->first >= 0;
  GgufPlanTensor tensor;
  tensor.name = name;
  tensor.sourceName = parts.sourceName;
  int64_t groups = std::max(size("n_groups"), size("mamba_n_groups"));
  tensor.shape =
      shapeInFile(name, first.shape, family.gguf.vectorMixers, groups);
  tensor.inputs = first.shape.empty() ? 1 : first.shape.back();
  int64_t rows = 1;
  for (int64_t each : ArrayRef(first.shape).drop_back(!first.shape.empty()))
    rows *= each;
  tensor.rows = rows * count;
  if (isStack)
    tensor.shape.insert(tensor.shape.begin(), count);
  int64_t expected = isStack ? 0 : -1;
  for (const auto &[expert, source] : parts.sources) {
    if (expert != expected++ || source->shape != first.shape ||
        source->dtype != first.dtype) {
      error = "tensor '" + source->name + "' is not like the other experts'";
      return false;
    }
    appendRows(tensor, *source, 0, rows);
  }
  if (StringRef(first.name).ends_with("A_log"))
    tensor.change = WeightChange::MinusExp;
  plan.tensors.push_back(std::move(tensor));
  return true;
}

/// Takes the factors of the tensor's rows from the keys.
void Planner::multiplyRows(GgufPlanTensor &tensor) const {
  StringRef part = tensor.name;
  if (part.consume_front("blk."))
    part = part.split('.').second;
  if (!part.consume_back(".weight"))
    return;
  for (const GgufFactor &each : keys.factors) {
    if (each.part != part)
      continue;
    int64_t left = tensor.rows - int64_t(tensor.factors.size());
    tensor.factors.insert(tensor.factors.end(), each.rows ? each.rows : left,
                          each.factor);
  }
  if (all_of(tensor.factors, [](double factor) { return factor == 1; }))
    tensor.factors.clear();
}

/// Qwen3.5: value head j becomes one of key head j % hk, not j / (hv / hk).
void Planner::tileValueHeads(GgufPlanTensor &tensor, StringRef part) {
  int64_t keyHeads = size("linear_num_key_heads");
  int64_t each = size("linear_num_value_heads") / keyHeads;
  part.consume_back(".weight");
  int64_t width = 0;
  if (is_contained({"in_proj_a", "in_proj_b", "A", "dt_bias"}, part))
    width = 1;
  if (is_contained({"in_proj_qkv", "in_proj_z", "conv1d", "out_proj"}, part))
    width = size("linear_value_head_dim");
  if (!width || each == 1)
    return;
  std::vector<int64_t> order;
  for (int64_t i = 0; i < each; ++i)
    for (int64_t head = 0; head < keyHeads; ++head)
      for (int64_t element = 0; element < width; ++element)
        order.push_back((head * each + i) * width + element);
  if (part == "out_proj") {
    tensor.columns = std::move(order);
    return;
  }
  // Those of queries and keys come first, and stay.
  int64_t all = tensor.rows == 1 ? tensor.inputs : tensor.rows;
  int64_t before = all - int64_t(order.size());
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < before; ++i)
    rows.push_back(i);
  for (int64_t row : order)
    rows.push_back(before + row);
  takeRows(tensor, rows);
}

void Planner::orderRows(GgufPlanTensor &tensor) {
  StringRef name = tensor.sourceName;
  auto flag = [&](StringRef field) {
    return readBack->config().getBoolean(field).value_or(false);
  };
  StringRef part = name.substr(name.rfind("linear_attn.") + 12);
  bool isMixer = name.contains("linear_attn.");
  if (flag("norm_weights_include_one") && name.ends_with("norm.weight") &&
      !(isMixer && part == "norm.weight"))
    tensor.change = WeightChange::PlusOne;
  multiplyRows(tensor);
  if (flag("tiled_value_heads") && isMixer)
    tileValueHeads(tensor, part);
  const CheckpointTensor *found = readBack->find(name);
  if (!found || !found->interleavedHeads)
    return;
  int64_t heads = found->interleavedHeads;
  int64_t rows = tensor.rows == 1 ? tensor.inputs : tensor.rows;
  int64_t width = rows / heads;
  std::vector<int64_t> order;
  for (int64_t row = 0; row < rows; ++row)
    order.push_back(row / width * width + row % 2 * (width / 2) +
                    row % width / 2);
  takeRows(tensor, order);
}

bool Planner::run() {
  if (!collect())
    return false;
  for (const auto &[name, parts] : tensors)
    if (!addTensor(name, parts))
      return false;
  if (!keys.rotaryFactors.empty()) {
    GgufPlanTensor factors;
    factors.name = factors.sourceName = "rope_freqs.weight";
    factors.values = keys.rotaryFactors;
    factors.inputs = int64_t(factors.values.size());
    factors.shape = {factors.inputs};
    plan.tensors.push_back(std::move(factors));
  }
  sortTensors(plan.tensors);
  plan.metadata = keys.metadata;
  std::optional<GgufProbe> probe = GgufProbe::create(plan, error);
  if (!probe || !probe->isModel(info, error))
    return false;
  readBack = &probe->directory();
  for (GgufPlanTensor &tensor : plan.tensors)
    if (!tensor.runs.empty())
      orderRows(tensor);
  return true;
}

bool marimba::planGguf(const ImportedModel &model, const Family &family,
                       GgufKeys &keys, StringRef modelDir, GgufPlan &plan,
                       std::string &error) {
  if (Planner(model, family, keys, plan, error).run())
    return true;
  error = (modelDir + ": " + error).str();
  return false;
}

//===----------------------------------------------------------------------===//
// A GGUF file as the source
//===----------------------------------------------------------------------===//

bool marimba::planGgufCopy(const GgufFile &file, GgufPlan &plan,
                           std::string &error) {
  StringRef architecture = "general.architecture";
  if (const GgufValue *value = file.find(architecture))
    plan.metadata.setValue(architecture, *value);
  for (StringRef key : file.keysWith(""))
    if (key != architecture && key != "general.alignment" &&
        !key.starts_with("split."))
      plan.metadata.setValue(key, *file.find(key));
  plan.sources.reserve(file.tensors().size()); // runs point to them
  for (const GgufTensor &from : file.tensors()) {
    GgufPlanTensor tensor;
    tensor.name = tensor.sourceName = from.name;
    tensor.shape = from.shape;
    tensor.inputs = from.shape.empty() ? 1 : from.shape.back();
    if (is_contained(from.shape, 0)) // the file need not hold its other sizes
      tensor.rows = 0;
    else
      for (int64_t each : ArrayRef(from.shape).drop_back(!from.shape.empty()))
        tensor.rows *= each;
    if (!formats::findFormat(from.type)) {
      error =
          (file.fileOf(from) + ": tensor '" + from.name + "' has type " +
           from.type + ", expected " + formats::listFormats(/*blocks=*/true))
              .str();
      return false;
    }
    WeightSource &source = plan.sources.emplace_back();
    source.name = from.name;
    source.file = file.fileOf(from).str();
    source.offset = from.offset;
    source.bytes = from.bytes;
    source.dtype = from.type;
    source.shape = from.shape;
    appendRows(tensor, source, 0, tensor.rows);
    plan.tensors.push_back(std::move(tensor));
  }
  sortTensors(plan.tensors);
  return true;
}
