//===- LinearAttentionLayers.h - The layers of the benchmark ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_BENCH_LINEARATTENTIONLAYERS_H
#define MARIMBA_BENCH_LINEARATTENTIONLAYERS_H

#include <cstdint>
#include <vector>

namespace marimba::bench {

/// Uniform values in [low, high); for each token, where `perToken`.
struct RandomTensor {
  std::vector<int64_t> shape; // without rows and tokens
  float low, high;
  bool perToken = true;
};

/// One linear_attention as a layer of a model has it. The module's entry takes
/// the tensors of `inputs`, the output [rows, tokens, heads, values] and the
/// state [rows, heads, keys, values].
struct LinearAttentionLayer {
  const char *name; // of its cases
  int64_t heads, keys, values;
  std::vector<RandomTensor> inputs, weights;
  const char *module;
};

/// Mamba-2 2.7B: softplus, step and D.
inline const LinearAttentionLayer kMamba2Layer = {
    "linear_attention",
    80,
    128,
    64,
    {{{80, 64}, -1, 1}, {{80}, -5, -1}, {{1, 128}, -1, 1}, {{1, 128}, -1, 1}},
    {{{80}, -16, -1, false}, {{80}, 0.5, 1.5, false}},
    R"(
!wide = tensor<?x?x80x64xf32>
!narrow = tensor<?x?x1x128xf32>
!heads = tensor<?x?x80xf32>
!state = tensor<?x80x128x64xf32>
module @linear_attention {
  marimba.weight @A : tensor<80xf32> from ["A"]
  marimba.weight @D : tensor<80xf32> from ["D"]
  func.func @prefill(
      %x: !wide {marimba.input = "x"},
      %dt: !heads {marimba.input = "dt"},
      %B: !narrow {marimba.input = "B"},
      %C: !narrow {marimba.input = "C"},
      %out: !wide {marimba.output = "y"},
      %state: !state {marimba.state = "ssm"}) -> (!wide, !state)
      attributes {marimba.entry = "prefill"} {
    %A = marimba.get_weight @A : tensor<80xf32>
    %D = marimba.get_weight @D : tensor<80xf32>
    %delta = marimba.softplus %dt : !heads
    %y, %last = marimba.linear_attention %C, %B, %x decay(%A : tensor<80xf32>)
        step(%delta : !heads) skip(%D, %x : tensor<80xf32>, !wide)
        outs(%out, %state : !wide, !state)
        : !narrow, !narrow, !wide -> !wide, !state
    return %y, %last : !wide, !state
  }
}
)"};

/// A gated delta net of Qwen3-Next and Qwen3.5: keys of length about 1.
inline const LinearAttentionLayer kGatedDeltaLayer = {
    "gated_delta",
    32,
    128,
    128,
    {{{32, 128}, -1, 1},
     {{32}, -1, 0},
     {{32}, 0, 1},
     {{16, 128}, -0.15F, 0.15F},
     {{16, 128}, -0.15F, 0.15F}},
    {},
    R"(
!wide = tensor<?x?x32x128xf32>
!narrow = tensor<?x?x16x128xf32>
!heads = tensor<?x?x32xf32>
!state = tensor<?x32x128x128xf32>
module @linear_attention {
  func.func @prefill(
      %v: !wide {marimba.input = "v"},
      %g: !heads {marimba.input = "g"},
      %beta: !heads {marimba.input = "beta"},
      %k: !narrow {marimba.input = "k"},
      %q: !narrow {marimba.input = "q"},
      %out: !wide {marimba.output = "y"},
      %state: !state {marimba.state = "ssm"}) -> (!wide, !state)
      attributes {marimba.entry = "prefill"} {
    %y, %last = marimba.linear_attention %q, %k, %v decay(%g : !heads)
        beta(%beta : !heads) outs(%out, %state : !wide, !state)
        {delta_rule, scale = 0.08838834764831845 : f64}
        : !narrow, !narrow, !wide -> !wide, !state
    return %y, %last : !wide, !state
  }
}
)"};

/// Kimi delta attention: each key channel has a decay.
inline const LinearAttentionLayer kKimiDeltaLayer = {
    "kimi_delta",
    32,
    128,
    128,
    {{{32, 128}, -1, 1},
     {{32, 128}, -1, 0},
     {{32}, 0, 1},
     {{32, 128}, -0.15F, 0.15F},
     {{32, 128}, -0.15F, 0.15F}},
    {},
    R"(
!wide = tensor<?x?x32x128xf32>
!heads = tensor<?x?x32xf32>
!state = tensor<?x32x128x128xf32>
module @linear_attention {
  func.func @prefill(
      %v: !wide {marimba.input = "v"},
      %g: !wide {marimba.input = "g"},
      %beta: !heads {marimba.input = "beta"},
      %k: !wide {marimba.input = "k"},
      %q: !wide {marimba.input = "q"},
      %out: !wide {marimba.output = "y"},
      %state: !state {marimba.state = "ssm"}) -> (!wide, !state)
      attributes {marimba.entry = "prefill"} {
    %y, %last = marimba.linear_attention %q, %k, %v decay(%g : !wide)
        beta(%beta : !heads) outs(%out, %state : !wide, !state)
        {delta_rule, scale = 0.08838834764831845 : f64}
        : !wide, !wide, !wide -> !wide, !state
    return %y, %last : !wide, !state
  }
}
)"};

} // namespace marimba::bench

#endif // MARIMBA_BENCH_LINEARATTENTIONLAYERS_H
