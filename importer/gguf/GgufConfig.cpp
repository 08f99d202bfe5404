//===- GgufConfig.cpp - Metadata as fields of config.json -------*- C++ -*-===//
//
// Part of Marimba.
//
// Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; those of
// jamba and falcon_mamba, and what tensors say instead of keys: llama.cpp's
// conversion/*.py.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/GgufConfig.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include <set>

namespace mlir::marimba {
namespace {

class Reader {
public:
  Reader(const GgufFile &file, ErrorFn emitError)
      : file(file), emitError(emitError) {}

  FailureOr<GgufConfig> run();

private:
  void error(const Twine &message) {
    hasFailed = true;
    emitError(file.file() + ": " + message);
  }
  void keyError(StringRef key, const Twine &expected) {
    error(file.describe(key) + ", expected " + expected);
  }
  std::string key(StringRef suffix) const {
    return architecture + "." + suffix.str();
  }
  bool hasTensor(const Twine &name) const {
    return file.findTensor(name.str()) != nullptr;
  }
  /// The whole number `name`; where it is an array with one for each layer,
  /// what all of these are. Layers of a jamba that have no such part say 0.
  std::optional<int64_t> integer(StringRef name) const;
  /// An integer above zero; 0 after an error, or where there is none.
  int64_t positive(StringRef suffix, int64_t max, bool required = true);

  void set(StringRef field, llvm::json::Value value, StringRef from) {
    // A key that is no std::string would not be owned.
    config.fields[field.str()] = std::move(value);
    config.names.names[field] = from.str();
  }
  /// The value of `<architecture>.<suffix>` becomes `field`.
  void copy(StringRef suffix, StringRef field, bool required = true);
  bool readGeneral();
  void readCommon();
  llvm::json::Value token(StringRef key, std::optional<int64_t> otherwise);
  void readTokens();
  void readMixer(StringRef state, StringRef window, StringRef rank);
  void readMamba();
  void readJamba();
  void readTransformer();
  void readRotary(int64_t headDim);
  void readLayerPattern(const std::set<int64_t> &layers, StringRef kind,
                        StringRef from, StringRef fields);

  const GgufFile &file;
  ErrorFn emitError;
  std::string architecture;
  GgufConfig config;
  int64_t layers = 0, hidden = 0;
  int64_t vocabulary = 0; // tokens; 0: not known
  bool hasFailed = false;
};

std::optional<int64_t> Reader::integer(StringRef name) const {
  std::optional<std::vector<int64_t>> each = file.getIntegers(name);
  if (!each)
    return file.getInteger(name);
  if (int64_t(each->size()) != layers)
    return std::nullopt;
  if (architecture == "jamba")
    llvm::erase(*each, 0);
  return llvm::all_equal(*each) && !each->empty() ? std::optional(each->front())
                                                  : std::nullopt;
}

int64_t Reader::positive(StringRef suffix, int64_t max, bool required) {
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

void Reader::copy(StringRef suffix, StringRef field, bool required) {
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

bool Reader::readGeneral() {
  StringRef name = "general.architecture";
  std::optional<StringRef> found = file.getString(name);
  std::optional<StringRef> type = file.getString("general.type");
  bool isPart = type && !type->empty() && *type != "model";
  if (isPart || found == "clip") {
    StringRef what = type == "adapter" ? "an adapter (LoRA)"
                     : type == "mmproj" || found == "clip"
                         ? "what sees or hears for a model (mmproj)"
                         : "something else";
    keyError(isPart ? "general.type" : name,
             "that of a model: this file is " + what);
    return false;
  }
  // Before the architecture, which the parts behind the first do not say.
  std::optional<int64_t> parts = file.getInteger("split.count");
  if (file.find("split.count") && parts != 1 && parts != 0) {
    keyError("split.count", "1: models in several files are not supported; "
                            "llama.cpp's llama-gguf-split --merge makes one");
    return false;
  }
  if (!found || !llvm::is_contained({"jamba", "mamba", "llama"}, *found)) {
    keyError(name, "\"jamba\", \"mamba\" or \"llama\" (which mixtral is, too)");
    return false;
  }
  architecture = found->str();
  config.modelType = architecture;
  return true;
}

void Reader::readCommon() {
  layers = positive("block_count", kMaxLayers);
  hidden = positive("embedding_length", kMaxSize);
  copy("block_count", "num_hidden_layers");
  copy("embedding_length", "hidden_size");
  set("tie_word_embeddings", !hasTensor("output.weight"), "output.weight");
  const GgufTensor *embedding = file.findTensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2)
    return error("tensor 'token_embd.weight' " +
                 (embedding ? "has shape " + printShape(embedding->shape)
                            : std::string("is missing")) +
                 ", expected one row for each token");
  set("vocab_size", embedding->shape[0], "token_embd.weight");
}

/// The token that `key` says; `otherwise` where it is absent or says that there
/// is none. As in llama.cpp, one beyond the vocabulary says so, too.
llvm::json::Value Reader::token(StringRef key,
                                std::optional<int64_t> otherwise) {
  const GgufValue *value = file.find(key);
  std::optional<int64_t> id = file.getTokenId(key);
  if (value && !id) // a list, or an error for the reader of the fields
    return file.toJson(key);
  bool beyond = id && vocabulary && *id >= vocabulary;
  if (id && *id >= 0 && !beyond)
    return *id;
  if (beyond)
    config.notes.push_back(file.file().str() + ": " + file.describe(key) +
                           ", but there are " + std::to_string(vocabulary) +
                           " tokens: read as " +
                           (otherwise ? std::to_string(*otherwise) : "none"));
  return otherwise ? llvm::json::Value(*otherwise) : nullptr;
}

void Reader::readTokens() {
  // llama.cpp's defaults for vocabularies of SentencePiece.
  bool isPieces = file.getString("tokenizer.ggml.model") == "llama";
  const GgufValue *tokens = file.find("tokenizer.ggml.tokens");
  const GgufTensor *embedding = file.findTensor("token_embd.weight");
  if (tokens && tokens->isArray)
    vocabulary = int64_t(tokens->count);
  else if (embedding && embedding->shape.size() == 2)
    vocabulary = embedding->shape[0];
  auto set = [&](StringRef field, StringRef name,
                 std::optional<int64_t> otherwise) {
    this->set(field, token(name, isPieces ? otherwise : std::nullopt), name);
  };
  set("bos_token_id", "tokenizer.ggml.bos_token_id", 1);
  set("eos_token_id", "tokenizer.ggml.eos_token_id", 2);
  set("pad_token_id", "tokenizer.ggml.padding_token_id", std::nullopt);
}

void Reader::readMixer(StringRef state, StringRef window, StringRef rank) {
  copy("ssm.state_size", state);
  copy("ssm.conv_kernel", window);
  copy("ssm.time_step_rank", rank);
}

void Reader::readMamba() {
  readMixer("state_size", "conv_kernel", "time_step_rank");
  copy("attention.layer_norm_rms_epsilon", "layer_norm_epsilon");
  int64_t inner = positive("ssm.inner_size", kMaxExpand * kMaxSize);
  if (hidden && inner > kMaxExpand * hidden)
    keyError(key("ssm.inner_size"),
             "at most " + Twine(kMaxExpand) + " * " + key("embedding_length"));
  if (hidden)
    set("expand", double(inner) / double(hidden), key("ssm.inner_size"));
  set("intermediate_size", inner, key("ssm.inner_size"));
  set("use_bias", hasTensor("blk.0.ssm_in.bias"), "blk.0.ssm_in.bias");
  std::string norms = key("ssm.dt_b_c_rms");
  if (file.find(norms) && !file.getBool(norms))
    keyError(norms, "a boolean");
  if (file.getBool(norms).value_or(false))
    config.modelType = "falcon_mamba";
}

/// `layers`, those of one kind, as a period and an offset.
void Reader::readLayerPattern(const std::set<int64_t> &those, StringRef kind,
                              StringRef from, StringRef fields) {
  // Where there is none, an offset that no layer has.
  int64_t offset = those.empty() ? layers : *those.begin();
  int64_t period = those.size() < 2 ? std::max<int64_t>(layers, 1)
                                    : *std::next(those.begin()) - offset;
  for (int64_t i = 0; i < layers; ++i)
    if ((i % period == offset) != (those.count(i) > 0))
      return error(from + ": layer " + Twine(i) + " is " +
                   (those.count(i) ? "" : "not ") + kind + ", expected every " +
                   Twine(period) + "th, as the layers before it are");
  set((fields + "_layer_period").str(), period, from);
  set((fields + "_layer_offset").str(), offset, from);
  config.names
      .names[(fields + "_layer_period and " + fields + "_layer_offset").str()] =
      from.str();
}

void Reader::readJamba() {
  readMixer("mamba_d_state", "mamba_d_conv", "mamba_dt_rank");
  copy("attention.layer_norm_rms_epsilon", "rms_norm_eps");
  copy("feed_forward_length", "intermediate_size");
  copy("attention.head_count", "num_attention_heads");
  copy("expert_used_count", "num_experts_per_tok", /*required=*/false);
  int64_t inner = positive("ssm.inner_size", kMaxExpand * kMaxSize);
  if (hidden && inner % hidden != 0)
    keyError(key("ssm.inner_size"), "a multiple of " + key("embedding_length") +
                                        " (" + Twine(hidden) + ")");
  else if (hidden)
    set("mamba_expand", inner / hidden, key("ssm.inner_size"));

  // A layer with heads of keys is one of attention; one number is for all.
  std::string heads = key("attention.head_count_kv");
  std::vector<int64_t> each(layers, file.getInteger(heads).value_or(0));
  if (std::optional<std::vector<int64_t>> list = file.getIntegers(heads))
    each = *list;
  else if (!file.getInteger(heads))
    return keyError(heads, "an array of integers");
  if (int64_t(each.size()) != layers)
    return error("key " + quoted(heads) + " has " + Twine(each.size()) +
                 " elements, expected " + Twine(layers) + " (" +
                 key("block_count") + ")");
  std::set<int64_t> attention;
  int64_t count = 0;
  for (auto [layer, value] : llvm::enumerate(each)) {
    if (value == 0)
      continue;
    if (value < 0 || (count != 0 && value != count))
      return keyError(heads, "0 or one number of heads for all layers");
    count = value;
    attention.insert(int64_t(layer));
  }
  set("num_key_value_heads", count ? llvm::json::Value(count) : nullptr, heads);
  readLayerPattern(attention, "attention", heads, "attn");

  // As in llama.cpp, a layer with a router is a mixture.
  std::set<int64_t> mixtures;
  for (int64_t i = 0; i < layers; ++i)
    if (hasTensor("blk." + Twine(i) + ".ffn_gate_inp.weight"))
      mixtures.insert(i);
  config.experts = mixtures.empty() ? 1 : positive("expert_count", kMaxExperts);
  set("num_experts", config.experts, key("expert_count"));
  if (mixtures.empty())
    set("num_experts_per_tok", 1, key("expert_used_count"));
  readLayerPattern(mixtures, "a mixture of experts",
                   "blk.*.ffn_gate_inp.weight", "expert");
}

void Reader::readRotary(int64_t headDim) {
  std::string base = key("rope.freq_base");
  if (file.find(base))
    copy("rope.freq_base", "rope_theta");
  else
    set("rope_theta", 10000.0, base);
  std::string count = key("rope.dimension_count");
  if (file.find(count) && file.getInteger(count) != headDim)
    keyError(count, "the size of a head, " + Twine(headDim));

  std::string kind = key("rope.scaling.type");
  std::string linear = key("rope.scale_linear"); // before "scaling"
  std::optional<StringRef> type = file.getString(kind);
  if (type == "")
    type = "none";
  bool isLinear = type == "linear" || (!type && file.find(linear));
  if (file.find(kind) && type != "linear" && type != "none")
    keyError(kind, "\"none\" or \"linear\"");
  StringRef factor = type ? "rope.scaling.factor" : "rope.scale_linear";
  // As in llama.cpp.
  if (file.getInteger(key(factor)) == 0)
    isLinear = false;
  if (isLinear) {
    set("rope_scaling",
        llvm::json::Object{{"rope_type", "linear"},
                           {"factor", file.toJson(key(factor))}},
        kind);
    config.names.names["rope_scaling.factor"] = key(factor);
  }
  const GgufTensor *factors = file.findTensor("rope_freqs.weight");
  if (!factors)
    return;
  std::vector<int64_t> shape{headDim / 2};
  if (isLinear || factors->type != "F32" || factors->shape != shape)
    return error("tensor 'rope_freqs.weight' has type " + factors->type +
                 " and shape " + printShape(factors->shape) +
                 ", expected F32 and " + printShape(shape) +
                 ", without linear scaling beside it");
  llvm::json::Array values;
  StringRef data = file.data(*factors);
  for (int64_t i = 0; i < headDim / 2; ++i)
    values.push_back(
        double(llvm::support::endian::read<float, llvm::endianness::little>(
            data.data() + i * sizeof(float))));
  set("rope_scaling",
      llvm::json::Object{{"rope_type", "factors"},
                         {"factors", std::move(values)}},
      "rope_freqs.weight");
  config.names.names["rope_scaling.factors"] = "rope_freqs.weight";
}

void Reader::readTransformer() {
  constexpr int64_t mostHeads = 1 << 16;
  copy("attention.layer_norm_rms_epsilon", "rms_norm_eps");
  copy("feed_forward_length", "intermediate_size");
  copy("attention.head_count", "num_attention_heads");
  config.queryHeads = positive("attention.head_count", mostHeads);
  copy("attention.head_count_kv", "num_key_value_heads", /*required=*/false);
  config.keyHeads = positive("attention.head_count_kv", mostHeads, false);
  if (!config.keyHeads)
    config.keyHeads = config.queryHeads;
  set("attention_bias", hasTensor("blk.0.attn_q.bias"), "blk.0.attn_q.bias");
  set("mlp_bias", hasTensor("blk.0.ffn_gate.bias"), "blk.0.ffn_gate.bias");

  int64_t headDim = positive("attention.key_length", kMaxSize, false);
  if (headDim)
    copy("attention.key_length", "head_dim");
  else if (config.queryHeads)
    headDim = hidden / config.queryHeads;
  std::string values = key("attention.value_length");
  if (file.find(values) && file.getInteger(values) != headDim)
    keyError(values, "the size of a head, " + Twine(headDim));
  readRotary(headDim);

  std::string experts = key("expert_count"),
              windowKey = key("attention.sliding_window");
  // An unsigned -1 is none here, too.
  int64_t window = file.getTokenId(windowKey).value_or(0);
  if (file.find(windowKey) && !file.getTokenId(windowKey))
    keyError(windowKey, "an integer");
  if (file.find(experts) && file.getInteger(experts) != 0) {
    config.modelType = "mixtral";
    config.experts = positive("expert_count", kMaxExperts);
    copy("expert_count", "num_local_experts");
    copy("expert_used_count", "num_experts_per_tok");
    if (window > 0)
      copy("attention.sliding_window", "sliding_window");
    return;
  }
  // One that is as wide as the context hides nothing.
  int64_t context = file.getInteger(key("context_length")).value_or(0);
  if (window > 0 && (context <= 0 || window < context))
    keyError(windowKey, "0: a window needs experts (mixtral)");
}

FailureOr<GgufConfig> Reader::run() {
  config.names.kind = "key";
  if (!readGeneral())
    return failure();
  readCommon();
  readTokens();
  if (!layers || !hidden)
    return failure();
  if (architecture == "mamba")
    readMamba();
  else if (architecture == "jamba")
    readJamba();
  else
    readTransformer();
  set("model_type", config.modelType, "general.architecture");
  if (hasFailed)
    return failure();
  return std::move(config);
}

} // namespace

FailureOr<GgufConfig> readGgufConfig(const GgufFile &file, ErrorFn emitError) {
  return Reader(file, emitError).run();
}

} // namespace mlir::marimba
