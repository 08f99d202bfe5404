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
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace mlir::marimba {

/// The body of a layer function while it is being emitted.
class LayerScope {
public:
  LayerScope(OpBuilder &builder, StringRef kind, Value x, Value past,
             Value valid);

  OpBuilder &builder;
  Value x;     // the residual stream, [B,T,H]
  Value past;  // [B], null in layers that do not ask for it
  Value valid; // [B]
  /// Of the positions, [B,T,J]; null in layers that do not ask for them.
  Value cos, sin;

  void addWeight(StringRef name, Value value) { weights[name] = value; }
  /// The weight's value; null where the layer has none of this name.
  Value weight(StringRef name) const { return weights.lookup(name); }

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
  llvm::StringMap<Value> weights, states;
};

/// input Wᵀ (+ b) with the weights `name` and, if there, `name`.bias.
Value emitLinear(LayerScope &scope, Value input, StringRef name);
/// RMS norm with the weight `name`, or none if there is none.
Value emitNorm(LayerScope &scope, Value input, StringRef name, double epsilon);
/// x + y, the end of a residual block.
Value emitResidual(LayerScope &scope, Value x, Value y, StringRef part);

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

struct AttentionSizes {
  int64_t heads = 0, keyHeads = 0, headDim = 0;
  int64_t rotary = 0; // elements of a head that rotate; 0: no positions
  int64_t window = 0; // tokens that a query sees; 0: all
};
/// Attention, with queries and keys turned by their positions if they have any.
/// Weights: q_proj, k_proj, v_proj, o_proj; states: key, value [B,Hkv,C,dh],
/// and where these are codes key_scales, value_scales [B,Hkv,C].
Value emitAttention(LayerScope &scope, const AttentionSizes &sizes, Value h);

/// down(swiglu(gate h, up h)). Weights: gate_proj, up_proj, down_proj.
Value emitDenseFeedForward(LayerScope &scope, Value h);
/// Weights: router, experts.down, and experts.gate with experts.up or both in
/// one, experts.gate_up [E,2I,H], gate rows first; or experts.<e>.gate, .up and
/// .down of each expert, which then takes all tokens. With `normalize` the
/// weights of a token's experts add up to 1.
Value emitMixtureOfExperts(LayerScope &scope, int64_t topK, Value h,
                           bool normalize);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_BLOCKS_H
