//===- Blocks.h - The parts that layers are made of -------------*- C++ -*-===//
//
// Part of Marimba.
//
// Each block emits one part of a layer's body; a family puts blocks together.
// Formulas: docs/importer.md.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_BLOCKS_H
#define MARIMBA_IMPORTER_BLOCKS_BLOCKS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include <array>
#include <functional>
#include <limits>

namespace mlir::marimba {

/// The body of a layer function while it is being emitted.
class LayerScope {
public:
  LayerScope(OpBuilder &builder, StringRef kind, Value x, Value past,
             Value valid);

  OpBuilder &builder;
  Value x;     // the residual stream, [B,T,H]
  Value x0;    // the embedding, [B,T,H]; null in layers that do not ask for it
  Value past;  // [B], null in layers that do not ask for it
  Value valid; // [B]
  /// Of the positions, [B,T,J]; null in layers that do not ask for them.
  Value cos, sin;

  void addWeight(StringRef name, Value value) { weights[name] = value; }
  /// The weight's value; null where the layer has none of this name.
  Value weight(StringRef name) const { return weights.lookup(name); }

  /// Says that the inputs of the matrix `name` are in this order.
  void addOrder(StringRef name, Value order) { orders[name] = order; }
  /// `input` as the matrix `name` takes it: itself, or in the matrix's order.
  Value permuted(Value input, StringRef name);

  /// The present value of a state; a block that updates it sets the new one.
  Value &state(StringRef name) { return states[name]; }

  /// Called with what each projection multiplies, where it is set.
  std::function<void(StringRef name, Value input)> onProjection;

  /// The location of a part of this kind of layer.
  Location loc(StringRef part) const;

  /// [B,T,sizes...] as sizes of an op.
  SmallVector<OpFoldResult> shape(ArrayRef<int64_t> sizes) const;
  /// A destination [B,T,sizes...]; f32 if no type is given.
  Value empty(Location loc, ArrayRef<int64_t> sizes, Type element = {});
  /// [?,?,sizes...] of f32.
  RankedTensorType activation(ArrayRef<int64_t> sizes) const;

private:
  std::string kind;
  Value batch, time;
  llvm::StringMap<Value> weights, states, orders;
  /// What matrices with the same order share.
  llvm::DenseMap<std::pair<Value, Value>, Value> permutedInputs;
};

/// input Wᵀ (+ b) with the weights `name` and, if there, `name`.bias.
Value emitLinear(LayerScope &scope, Value input, StringRef name);
/// As emitLinear, plus, where the layer has one, a low-rank adapter, input Dᵀ
/// Uᵀ (Hu et al. 2021): weights `name` + kAdapterDown [R,in] and + kAdapterUp
/// [out,R].
Value emitAdaptedLinear(LayerScope &scope, Value input, StringRef name);
inline constexpr StringLiteral kAdapterDown = ".adapter_down";
inline constexpr StringLiteral kAdapterUp = ".adapter_up";
/// RMS norm with the weight `name`, or none if there is none; each of `groups`
/// equal parts of the channels by itself. `zeroCentered`: the factor is 1 + w.
Value emitNorm(LayerScope &scope, Value input, StringRef name, double epsilon,
               int64_t groups = 1, bool zeroCentered = false);
/// x + y, the end of a residual block.
Value emitResidual(LayerScope &scope, Value x, Value y, StringRef part);
/// factor value, in f32; the value itself if the factor is 1.
Value emitScaled(OpBuilder &b, Location loc, Value value, double factor);
Value emitScaled(LayerScope &scope, Value value, double factor, StringRef part);
/// value[:, :, begin : begin + size].
Value sliceChannels(LayerScope &scope, StringRef part, Value value,
                    int64_t begin, int64_t size);
/// [B,T,outer*inner] as [B,T,outer,inner], and back.
Value splitChannels(LayerScope &scope, StringRef part, Value value,
                    int64_t outer, int64_t inner);
Value joinChannels(LayerScope &scope, StringRef part, Value value);
/// value[:, :, :, begin : begin + size] of [B,T,heads,n].
Value sliceHeads(LayerScope &scope, StringRef part, Value value, int64_t begin,
                 int64_t size);
/// One after the other, along the channels.
Value concatChannels(LayerScope &scope, StringRef part, ValueRange values);
/// For each head x and then y.
Value concatHeads(LayerScope &scope, StringRef part, Value x, Value y);

struct MambaSizes {
  int64_t inner = 0;       // D
  int64_t state = 0;       // N
  int64_t rank = 0;        // R
  int64_t window = 0;      // W
  bool innerNorms = false; // of dt, B and C
  double normEpsilon = 0;  // theirs
};
/// Mamba-1's mixer. Weights: in_proj, conv (derived), conv1d.bias, x_proj,
/// dt_layernorm, b_layernorm, c_layernorm, dt_proj, A (derived), D, out_proj;
/// states: conv [B,W-1,D], ssm [B,N,D].
Value emitMambaMixer(LayerScope &scope, const MambaSizes &sizes, Value h);

/// A = -exp(A_log)ᵀ, or only transposed where the input is A already, and conv
/// = conv1dᵀ in f32; inputs A_log [D,N] and conv1d [D,1,W], destinations [N,D]
/// and [W,D].
SmallVector<Value> emitMambaPreparation(OpBuilder &b, Location loc,
                                        ValueRange inputs, ValueRange outputs,
                                        bool holdsA);

struct Mamba2Sizes {
  int64_t heads = 0;   // Hv
  int64_t headDim = 0; // P
  int64_t groups = 0;  // G, heads that share B and C
  int64_t state = 0;   // N
  int64_t window = 0;  // W
  /// Parts of the channels that the gated norm takes by themselves; 0: no norm.
  int64_t normGroups = 1;
  bool normBeforeGate = false; // RMS(y) silu(z), else RMS(y silu(z))
  double normEpsilon = 0;
  /// Bounds of delta.
  double minStep = 0, maxStep = std::numeric_limits<double>::infinity();
  /// Of the parts of in_proj's result: z, x, B, C and dt.
  std::array<double, 5> multipliers{1, 1, 1, 1, 1};

  int64_t inner() const { return heads * headDim; }                  // D
  int64_t convolved() const { return inner() + 2 * groups * state; } // x, B, C
  int64_t projected() const { return inner() + convolved() + heads; }
  bool hasMultipliers() const {
    return llvm::any_of(multipliers, [](double m) { return m != 1; });
  }
};
/// Mamba-2's mixer. Weights: in_proj, conv (derived), conv1d.bias, dt_bias, A
/// (derived), D, gated_norm, out_proj, and multipliers (derived) where there
/// are some; states: conv [B,W-1,D+2GN], ssm [B,Hv,N,P].
Value emitMamba2Mixer(LayerScope &scope, const Mamba2Sizes &sizes, Value h);

/// A = -exp(A_log), or A itself where the input is that already, conv =
/// conv1dᵀ, and the multipliers by row of in_proj where there are some, all in
/// f32; inputs A_log [Hv] and conv1d [D+2GN,1,W], destinations [Hv], [W,D+2GN]
/// and [2D+2GN+Hv].
SmallVector<Value> emitMamba2Preparation(OpBuilder &b, Location loc,
                                         const Mamba2Sizes &sizes,
                                         ValueRange inputs, ValueRange outputs,
                                         bool holdsA);

/// conv = conv1dᵀ in f32; input conv1d [D,1,W], destination [W,D].
SmallVector<Value> emitConvPreparation(OpBuilder &b, Location loc,
                                       ValueRange inputs, ValueRange outputs);

struct ShortConvSizes {
  int64_t channels = 0; // H
  int64_t window = 0;   // W
};
/// The gated short convolution: out_proj(C conv(B u)) where B, C and u are the
/// parts of in_proj h. Weights: in_proj, conv (derived), conv.bias, out_proj;
/// state: conv [B,W-1,H], of B u.
Value emitShortConv(LayerScope &scope, const ShortConvSizes &sizes, Value h);

/// Norms of queries and keys before they are turned.
enum class QueryKeyNorm {
  None,
  OfHeads, // each head by itself, weights [dh]
  OfAll    // all heads together, weights [heads*dh]
};

struct AttentionSizes {
  int64_t heads = 0, keyHeads = 0, headDim = 0;
  int64_t rotary = 0; // elements of a head that rotate; 0: no positions
  int64_t window = 0; // tokens that a query sees; 0: all
  double scale = 0;   // of the scores; 0: dh^-0.5
  double inputScale = 1, keyScale = 1; // factors of h, and of the keys
  double softcap = 0;                  // of the scores; 0: none
  QueryKeyNorm norm = QueryKeyNorm::None;
  double normEpsilon = 0;
  bool zeroCenteredNorm = false; // its factor is 1 + w
  /// q_proj has, for each head, its query and then a gate of its output, as
  /// long; the output is multiplied by the gate's sigmoid.
  bool gated = false;
};
/// Attention, with queries and keys turned by their positions if they have any.
/// Weights: q_proj, k_proj, v_proj, each perhaps with an adapter, o_proj, and
/// where there are norms q_norm and k_norm; states: key, value [B,Hkv,C,dh],
/// and where these are codes key_scales, value_scales [B,Hkv,C].
Value emitAttention(LayerScope &scope, const AttentionSizes &sizes, Value h);

struct LatentAttentionSizes {
  int64_t heads = 0;
  int64_t rank = 0;      // of what is kept for all heads' keys and values
  int64_t queryRank = 0; // of queries, likewise; 0: these are no product of two
  int64_t content = 0;   // dn, elements of a key that are made of the latent
  int64_t shared = 0;    // dr, further elements, which all heads share
  int64_t value = 0;     // dv
  double normEpsilon = 0;

  int64_t query() const { return content + shared; } // elements of a head
  int64_t key() const { return rank + shared; }      // elements that are kept
};
/// Multi-head latent attention without positions. Weights: q_proj, or q_a_proj,
/// q_a_layernorm and q_b_proj; kv_a_proj_with_mqa, kv_a_layernorm, into_latent
/// [heads,dn,rank] and out_of_latent [heads,rank,dv] (both derived), o_proj;
/// state: key [B,1,C,rank+dr], and where it is codes key_scales [B,1,C].
Value emitLatentAttention(LayerScope &scope, const LatentAttentionSizes &sizes,
                          Value h);

struct LightningSizes {
  int64_t heads = 0, headDim = 0;
  double normEpsilon = 0;
};
/// Lightning attention, its output normed over all heads and gated. Weights:
/// qkv_proj (rows q, k, v of one head after the other), decay (derived), norm,
/// output_gate, out_proj; state: ssm [B,heads,dh,dh].
Value emitLightningMixer(LayerScope &scope, const LightningSizes &sizes,
                         Value h);

struct GatedDeltaSizes {
  int64_t keyHeads = 0, valueHeads = 0; // hk, hv
  int64_t keyDim = 0, valueDim = 0;     // dk, dv
  int64_t window = 0;                   // W
  double normEpsilon = 0;               // of the output's norm
  double betaScale = 1;                 // 2: eigenvalues may be below 0
  bool channelDecay = false;            // one for each key channel
  bool sigmoidGate = false;             // of the output; else SiLU
  /// Value head j reads key head j % hk, as in GGUF files; else j / (hv/hk).
  bool tiledHeads = false;

  int64_t keys() const { return keyHeads * keyDim; }
  int64_t inner() const { return valueHeads * valueDim; }
  int64_t convolved() const { return 2 * keys() + inner(); } // C: q, k, v
};
/// What projections of h give a gated delta net.
struct GatedDeltaInputs {
  Value qkv;   // [B,T,C], queries, keys and values, each of all heads
  Value gate;  // [B,T,hv*dv], z
  Value beta;  // [B,T,hv], before its sigmoid
  Value decay; // [B,T,hv], of channels [B,T,hv*dk], before dt_bias is added
};
/// A gated delta net, but for the projections before it: the convolution, the
/// delta rule, the output normed by head and gated, out_proj. Weights: conv, A
/// (both derived), dt_bias [hv] or [hv*dk], gated_norm [dv], out_proj; states:
/// conv [B,W-1,C], ssm [B,hv,dk,dv].
Value emitGatedDelta(LayerScope &scope, const GatedDeltaSizes &sizes,
                     const GatedDeltaInputs &inputs);
/// The projections of Qwen's spellings. Weights: in_proj_qkv and in_proj_z, or
/// in_proj_qkvz, rows q, k, v, z of one key head after the other; in_proj_b and
/// in_proj_a, or in_proj_ba, rows b, a of one key head after the other.
GatedDeltaInputs emitGatedDeltaProjections(LayerScope &scope,
                                           const GatedDeltaSizes &sizes,
                                           Value h);

/// A = -exp(A_log), or A itself where the input is that already, and conv, the
/// convolutions' weights one after the other, transposed, all in f32; inputs
/// A_log, of hv elements, and each [.,1,W], destinations [hv] and [W,C].
SmallVector<Value> emitGatedDeltaPreparation(OpBuilder &b, Location loc,
                                             ValueRange inputs,
                                             ValueRange outputs, bool holdsA);

/// What a feed-forward does to its gate.
enum class GateActivation { Silu, GeluWithTanh };

/// down(act(gateScale gate h) up h), or without gate_proj down(relu2(up h)).
/// Weights: gate_proj, up_proj, down_proj, each after `prefix`.
Value emitDenseFeedForward(LayerScope &scope, Value h, StringRef prefix = "",
                           double gateScale = 1,
                           GateActivation activation = GateActivation::Silu);
/// down(gelu(g) u) where g and u are the halves of gate_up h. Weights:
/// gate_up_proj, perhaps with an adapter, down_proj.
Value emitGeluFeedForward(LayerScope &scope, Value h);

/// How a token's experts are chosen and weighed (marimba.route).
struct Routing {
  int64_t topK = 0;
  bool sigmoid = false;   // scores, else softmax over all experts
  bool normalize = false; // the weights of a token's experts add up to `scale`
  double epsilon = 0;     // added to the sum that they are divided by
  double scale = 1;
  int64_t groups = 1, topGroups = 1; // of experts; those that may be chosen
};
/// Weights: router, correction_bias if it has one, experts.up, experts.down,
/// and experts.gate unless experts are relu2; or gate and up in one,
/// experts.gate_up [E,2I,H], gate rows first; or experts.<e>.gate, .up and
/// .down of each expert, which then takes all tokens. With fc1_latent_proj and
/// fc2_latent_proj experts work between these; with shared_experts.up_proj the
/// feed-forward shared_experts is added, and with shared_expert_gate [1,H] it
/// is times the sigmoid of that one's product with h.
Value emitMixtureOfExperts(LayerScope &scope, const Routing &routing, Value h);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_BLOCKS_H
