//===- GgufConfig.cpp - Metadata as fields of config.json -------*- C++ -*-===//
//
// Part of Marimba. What all families have; the rest is in their own files.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/GgufConfig.h"
#include "importer/families/FamilyRegistry.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::marimba {

static constexpr StringLiteral kArchitecture = "general.architecture";

/// The families of `architecture` that are not called so: " (which mixtral is,
/// too)", or without a family of its name " (which bamba and granitemoehybrid
/// are)".
static std::string otherFamilies(StringRef architecture) {
  std::string plain = architecture.str();
  llvm::replace(plain, '-', '_');
  SmallVector<StringRef> others;
  bool hasOwn = false;
  for (const Family &family : families()) {
    if (family.gguf.architecture != architecture)
      continue;
    if (family.modelType.contains(plain))
      hasOwn = true;
    else
      others.push_back(family.modelType);
  }
  if (others.empty())
    return "";
  return " (which " + llvm::join(others, " and ") +
         (others.size() > 1 ? " are" : " is") + (hasOwn ? ", too)" : ")");
}

/// The architectures that families have.
static SmallVector<StringRef> architectureNames() {
  SmallVector<StringRef> names;
  for (const Family &family : families())
    for (StringRef name : {family.gguf.architecture, family.gguf.alsoCalled})
      if (!name.empty() && !llvm::is_contained(names, name))
        names.push_back(name);
  return names;
}

/// All of them, for messages. A family that is not called as its architecture
/// is named beside it.
static std::string architectures(ArrayRef<StringRef> names) {
  std::string text;
  for (auto [i, name] : llvm::enumerate(names)) {
    text += i == 0 ? "" : i + 1 < names.size() ? ", " : " or ";
    text += ("\"" + name + "\"" + otherFamilies(name)).str();
  }
  return text;
}

/// Null where no family has the architecture.
static const Family *chooseFamily(const GgufFile &file,
                                  StringRef architecture) {
  const Family *found = nullptr;
  for (const Family &family : families()) {
    if (architecture.empty() || (family.gguf.architecture != architecture &&
                                 family.gguf.alsoCalled != architecture))
      continue;
    if (!family.gguf.claims)
      found = &family;
    else if (family.gguf.claims(file))
      return &family;
  }
  return found;
}

/// What a file that is not a model is, and what to do with it; empty of a
/// model.
static StringRef describeOther(StringRef type, StringRef architecture) {
  struct Kind {
    StringLiteral type, text;
  };
  static constexpr StringLiteral projector =
      "the vision or audio part of a model (mmproj), which is not run; the "
      "file of the text model runs without it";
  static constexpr Kind kinds[] = {
      {"adapter", "an adapter (LoRA), which changes a model; llama.cpp's "
                  "llama-export-lora merges it into one"},
      {"mmproj", projector},
      {"imatrix", "an importance matrix, which llama-quantize reads"},
      {"vocab", "a vocabulary without a model; tokenize reads it"},
      {"controlvector", "a control vector, which steers a model"},
  };
  if (architecture == "clip")
    return projector;
  for (const Kind &kind : kinds)
    if (type == kind.type || (type.empty() && architecture == kind.type))
      return kind.text;
  return type.empty() || type == "model" ? "" : "something else";
}

/// Reports that no family has the architecture that was `found`.
static void reportArchitecture(GgufFields &f, std::optional<StringRef> found) {
  SmallVector<StringRef> names = architectureNames();
  StringRef near = found ? nearest(*found, names) : "";
  f.keyError(
      kArchitecture,
      architectures(names) +
          (near.empty() ? "" : "; the nearest is \"" + near.str() + "\""));
}

/// Whether the file is one model of a family, which this then sets.
static bool readGeneral(GgufFields &f) {
  const GgufFile &file = f.file;
  constexpr StringLiteral typeKey = "general.type";
  std::optional<StringRef> found = file.getString(kArchitecture);
  StringRef type = file.getString(typeKey).value_or("");
  StringRef other = describeOther(type, found.value_or(""));
  if (!other.empty()) {
    bool byType = !type.empty() && type != "model";
    f.keyError(byType ? typeKey : kArchitecture,
               "that of a model: this file is " + other);
    return false;
  }
  const Family *family = found ? chooseFamily(file, *found) : nullptr;
  if (!family) {
    reportArchitecture(f, found);
    return false;
  }
  if (file.tensors().empty()) {
    f.error("has no tensors, expected a model" +
            Twine(file.find("tokenizer.ggml.tokens")
                      ? ": this file is a vocabulary alone, which tokenize "
                        "reads"
                      : ""));
    return false;
  }
  f.config.family = family;
  f.architecture = found->str();
  f.zeroIsNone = family->gguf.zeroIsNone;
  return true;
}

static void readCommon(GgufFields &f) {
  f.layers = f.positive("block_count", kMaxLayers);
  f.hidden = f.positive("embedding_length", kMaxSize);
  f.copy("block_count", "num_hidden_layers");
  f.copy("embedding_length", "hidden_size");
  f.set("tie_word_embeddings", !f.hasTensor("output.weight"), "output.weight");
  const GgufTensor *embedding = f.file.findTensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2)
    return f.error("tensor 'token_embd.weight' " +
                       (embedding ? "has shape " + printShape(embedding->shape)
                                  : std::string("is missing")) +
                       ", expected one row for each token",
                   embedding);
  f.set("vocab_size", embedding->shape[0], "token_embd.weight");
}

/// The token that `key` says; `otherwise` where it is absent or says that there
/// is none. As in llama.cpp, one beyond the `vocabulary` (0: its size is not
/// known) says so, too.
static llvm::json::Value readToken(GgufFields &f, StringRef key,
                                   int64_t vocabulary,
                                   std::optional<int64_t> otherwise) {
  const GgufValue *value = f.file.find(key);
  std::optional<int64_t> id = f.file.getTokenId(key);
  if (value && !id) // a list, or an error for the reader of the fields
    return f.file.toJson(key);
  bool beyond = id && vocabulary && *id >= vocabulary;
  if (id && *id >= 0 && !beyond)
    return *id;
  if (beyond)
    f.config.notes.push_back(f.file.file().str() + ": " + f.file.describe(key) +
                             ", but there are " + std::to_string(vocabulary) +
                             " tokens: read as " +
                             (otherwise ? std::to_string(*otherwise) : "none"));
  return otherwise ? llvm::json::Value(*otherwise) : nullptr;
}

static void readTokens(GgufFields &f) {
  // llama.cpp's defaults for vocabularies of SentencePiece.
  bool isPieces = f.file.getString("tokenizer.ggml.model") == "llama";
  const GgufValue *tokens = f.file.find("tokenizer.ggml.tokens");
  const GgufTensor *embedding = f.file.findTensor("token_embd.weight");
  int64_t vocabulary = 0;
  if (tokens && tokens->isArray)
    vocabulary = int64_t(tokens->count);
  else if (embedding && embedding->shape.size() == 2)
    vocabulary = embedding->shape[0];
  auto set = [&](StringRef field, StringRef name,
                 std::optional<int64_t> otherwise) {
    f.set(field,
          readToken(f, name, vocabulary, isPieces ? otherwise : std::nullopt),
          name);
  };
  set("bos_token_id", "tokenizer.ggml.bos_token_id", 1);
  set("eos_token_id", "tokenizer.ggml.eos_token_id", 2);
  set("pad_token_id", "tokenizer.ggml.padding_token_id", std::nullopt);
}

FailureOr<GgufConfig> readGgufConfig(const GgufFile &file, ErrorFn emitError) {
  GgufFields fields(file, emitError);
  fields.config.names.kind = "key";
  if (!readGeneral(fields))
    return failure();
  readCommon(fields);
  readTokens(fields);
  if (!fields.layers || !fields.hidden)
    return failure();
  const Family &family = *fields.config.family;
  family.gguf.read(fields);
  fields.set("model_type", family.modelType, kArchitecture);
  if (fields.failed)
    return failure();
  return std::move(fields.config);
}

} // namespace mlir::marimba
