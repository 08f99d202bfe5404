//===- GgufNames.h - What GGUF files call tensors ---------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_GGUF_GGUFNAMES_H
#define MARIMBA_IMPORTER_GGUF_GGUFNAMES_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace mlir::marimba {

/// One tensor's name in GGUF files, as llama.cpp's converter writes it, and in
/// Hugging Face's checkpoints, as families ask for it. ssm_a is -exp(A_log):
/// families call it A, which no checkpoint has.
struct GgufName {
  StringLiteral gguf, checkpoint;
};

/// The tensors that are of no layer, by how the checkpoint calls its last norm:
/// model.norm, model.final_layernorm or backbone.norm_f.
inline constexpr GgufName kGgufModelNorm[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
};
inline constexpr GgufName kGgufFinalLayernorm[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.final_layernorm.weight"},
    {"output.weight", "lm_head.weight"},
};
inline constexpr GgufName kGgufBackbone[] = {
    {"token_embd.weight", "backbone.embeddings.weight"},
    {"token_embd.weight", "backbone.embedding.weight"}, // state-spaces'
    {"output_norm.weight", "backbone.norm_f.weight"},
    {"output.weight", "lm_head.weight"},
};

/// The names of all of a family's tensors. The tables live as long as the
/// program.
class GgufNames {
public:
  /// `layers` is what the names of layers begin with in checkpoints, "blk." in
  /// GGUF files. `outside` has whole names; `inLayer` has those after a layer's
  /// number, without ".weight" and ".bias", with `*` for the number of an
  /// expert where the file has all experts in one tensor.
  GgufNames(StringLiteral layers, ArrayRef<GgufName> outside,
            ArrayRef<GgufName> inLayer)
      : layers(layers), outside(outside), inLayer(inLayer) {}

  /// `blk.0.ffn_up.weight` is `model.layers.0.mlp.up_proj.weight`; nothing
  /// where there is no such tensor in the family. A stack of experts,
  /// `blk.0.ffn_up_exps.weight`, is named with `*` for the expert's number:
  /// `model.layers.0.mlp.experts.*.up_proj.weight`.
  std::optional<std::string> toCheckpoint(StringRef name) const;
  /// The inverse; the expert's number is lost. `name` itself where there is
  /// nothing.
  std::string toGguf(StringRef name) const;
  /// As above, with the number of the expert, -1 where there is none; nothing
  /// where there is no such tensor.
  std::optional<std::string> findGguf(StringRef name, int64_t &expert) const;

private:
  StringLiteral layers;
  ArrayRef<GgufName> outside, inLayer;
};

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_GGUF_GGUFNAMES_H
