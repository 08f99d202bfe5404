//===- GemmaModel.h - What Gemma 2 and 3 share ------------------*- C++ -*-===//
//
// Part of Marimba. Gemma 2 (Gemma Team 2024) and Gemma 3 (Gemma Team 2025):
// norms before and behind attention and feed-forward, whose factors are 1 + w;
// a gate of GELU; an embedding times the root of its size; windows in most
// layers.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_GEMMAMODEL_H
#define MARIMBA_IMPORTER_BLOCKS_GEMMAMODEL_H

#include "importer/blocks/TransformerModel.h"

namespace mlir::marimba {

/// Reads what both have but for windows and rotations. `vocab` and `softcap`
/// (of the logits, 0: none) are the class's defaults.
TransformerModel readGemma(Config &config, int64_t vocab, double softcap);

/// A cap of the field's size, `otherwise` where the file does not mention it;
/// 0: none.
double readSoftcap(Config &config, StringRef field, double otherwise);

/// Names of a layer's tensors in GGUF files.
inline constexpr GgufName kGgufGemmaLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"post_attention_norm", "post_attention_layernorm"},
    {"ffn_norm", "pre_feedforward_layernorm"},
    {"post_ffw_norm", "post_feedforward_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};

/// Reads the fields of a GGUF file. Every `period`-th layer has no window,
/// unless the file says otherwise. The file does not say by what scores are
/// scaled: it follows from a head's size, and in the largest model, which has
/// `largest` layers, from the hidden size, as in llama.cpp.
void readGgufGemma(GgufFields &fields, int64_t period, int64_t largest);
/// The inverse, but for how heads turn.
void writeGgufGemma(GgufKeys &keys, int64_t period, int64_t largest);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_GEMMAMODEL_H
