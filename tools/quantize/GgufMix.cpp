//===- GgufMix.cpp - Which type each tensor gets --------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/GgufMix.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::GgufFile;

namespace {

/// One row of the table of mixtures.
struct Mix {
  StringLiteral type; // that most tensors get
  StringLiteral name; // as llama-quantize has it
};

/// In the order of GgufMix.
constexpr Mix kMixes[] = {{"F32", "F32"},     {"F16", "F16"},
                          {"BF16", "BF16"},   {"Q8_0", "Q8_0"},
                          {"Q4_0", "Q4_0"},   {"Q4_K", "Q4_K_S"},
                          {"Q4_K", "Q4_K_M"}, {"Q5_K", "Q5_K_S"},
                          {"Q5_K", "Q5_K_M"}, {"Q6_K", "Q6_K"}};

const Mix &rowOf(GgufMix mix) { return kMixes[size_t(mix)]; }

/// What a tensor is for, by its name.
enum class Part {
  Embedding,
  Output,
  Values,
  Keys,
  AttentionOutput,
  Down,
  Steps,
  Other
};

Part partOf(StringRef name) {
  if (name == "output.weight")
    return Part::Output;
  if (name == "token_embd.weight")
    return Part::Embedding;
  for (StringRef values : {"attn_qkv", "attn_kv_b", "attn_v"})
    if (name.contains((values + ".weight").str()))
      return Part::Values;
  if (name.contains("attn_k.weight"))
    return Part::Keys;
  if (name.contains("attn_output.weight"))
    return Part::AttentionOutput;
  // StaysUnquantized.h, by the names that GGUF has for them.
  for (StringRef steps : {"ssm_x", "ssm_dt", "ssm_alpha", "ssm_beta", "ssm_ba"})
    if (name.contains(("." + steps + ".").str()))
      return Part::Steps;
  return name.contains("ffn_down") ? Part::Down : Part::Other;
}

/// Where rows are no whole blocks.
StringRef fallBack(StringRef type, int64_t inputs) {
  if (ggufRowBytes(type, inputs))
    return type;
  StringRef other = type == "Q4_K"   ? "Q5_0"
                    : type == "Q5_K" ? "Q5_1"
                    : type == "Q6_K" ? "Q8_0"
                                     : type;
  return ggufRowBytes(other, inputs) ? other : "F16";
}

/// Chooses the types of one file's tensors, in their order.
class Chooser {
public:
  Chooser(const GgufPlan &plan, GgufMix mix, const MixFacts &facts)
      : mix(mix), facts(facts) {
    for (const GgufPlanTensor &tensor : plan.tensors) {
      Part part = partOf(tensor.name);
      values += part == Part::Values;
      tied &= part != Part::Output;
    }
  }

  StringRef choose(const GgufPlanTensor &tensor);

private:
  bool isMedium() const {
    return mix == GgufMix::Q4_K_M || mix == GgufMix::Q5_K_M;
  }
  /// The first and the last eighth of the layers and, between, every third.
  static bool needsMore(int64_t i, int64_t count) {
    return i < count / 8 || i >= 7 * count / 8 || (i - count / 8) % 3 == 2;
  }
  StringRef chooseValues(StringRef type);
  StringRef chooseDown(StringRef type, StringRef name);

  GgufMix mix;
  const MixFacts &facts;
  int64_t values = 0, valuesSeen = 0, downSeen = 0;
  bool tied = true;
};

} // namespace

StringRef Chooser::chooseValues(StringRef type) {
  int64_t index = valuesSeen++;
  if (isMedium() && needsMore(index, values))
    type = "Q6_K";
  else if (mix == GgufMix::Q4_K_S && index < 4)
    type = "Q5_K";
  if (facts.isLlama70B && type == "Q4_K")
    type = "Q5_K";
  return facts.experts == 8 ? StringRef("Q8_0") : type;
}

StringRef Chooser::chooseDown(StringRef type, StringRef name) {
  int64_t index = facts.experts > 1 ? ggufLayer(name) : downSeen;
  ++downSeen;
  if (isMedium() && needsMore(index, facts.layers))
    return "Q6_K";
  if (mix == GgufMix::Q4_K_S && index < facts.layers / 8)
    return "Q5_K";
  return type;
}

StringRef Chooser::choose(const GgufPlanTensor &tensor) {
  StringRef type = rowOf(mix).type;
  if (mix <= GgufMix::BF16)
    return type;
  Part part = partOf(tensor.name);
  if (part == Part::Output || (tied && part == Part::Embedding)) {
    if (!ggufRowBytes(type, tensor.inputs) || type == "Q8_0")
      type = "Q8_0";
    else
      type = "Q6_K";
  } else if (part == Part::Values) {
    type = chooseValues(type);
  } else if (part == Part::Keys && facts.experts == 8) {
    type = "Q8_0";
  } else if (part == Part::Down) {
    type = chooseDown(type, tensor.name);
  } else if (part == Part::AttentionOutput && facts.experts == 8 &&
             (mix == GgufMix::Q4_K_S || mix == GgufMix::Q4_K_M)) {
    type = "Q5_K";
  } else if (part == Part::Steps) {
    type = "Q8_0";
  }
  return fallBack(type, tensor.inputs);
}

uint32_t marimba::fileTypeOf(GgufMix mix) {
  return uint32_t(mlir::marimba::ggufFileType(rowOf(mix).name));
}

MixFacts MixFacts::of(const GgufFile &file) {
  std::string architecture =
      file.getString("general.architecture").value_or("").str();
  auto read = [&](StringRef key) {
    return file.getInteger((architecture + "." + key).str()).value_or(0);
  };
  MixFacts facts;
  facts.layers = read("block_count");
  facts.experts = read("expert_count");
  facts.isLlama70B =
      architecture == "llama" && facts.layers == 80 &&
      read("attention.head_count") != read("attention.head_count_kv");
  return facts;
}

bool marimba::mayBeQuantized(const GgufPlanTensor &tensor) {
  StringRef name = tensor.name;
  // As in ggml, dimensions of 1 after the last are none.
  auto rows = find_if(tensor.shape, [](int64_t size) { return size != 1; });
  if (std::distance(rows, tensor.shape.end()) < 2 ||
      !name.ends_with("weight") || name.contains("_norm.weight"))
    return false;
  constexpr StringLiteral kept[] = {"ffn_gate_inp.", "ffn_gate_inp_shexp.",
                                    "ssm_conv1d", "shortconv.conv."};
  return none_of(kept, [&](StringRef part) { return name.contains(part); });
}

void marimba::chooseTypes(GgufPlan &plan, GgufMix mix, const MixFacts &facts,
                          bool requantizes,
                          function_ref<bool(const GgufPlanTensor &)> keeps) {
  Chooser chooser(plan, mix, facts);
  for (GgufPlanTensor &tensor : plan.tensors) {
    bool may = mayBeQuantized(tensor);
    // Every one is counted, whatever comes of it.
    std::string chosen = may ? chooser.choose(tensor).str() : "F32";
    bool stays = (!may && requantizes) || (may && keeps(tensor));
    tensor.type = stays ? tensor.sourceType() : chosen;
  }
}
