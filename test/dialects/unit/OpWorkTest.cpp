//===- OpWorkTest.cpp - The work of each op, in numbers -------------------===//

#include "dialects/Marimba/IR/Marimba.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>
#include <set>
#include <string>

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// 2 rows of 3 tokens, of which 1 row's logits are wanted; 5 pairs in a group
/// of 7 rows.
double sizeOf(llvm::StringRef letter) {
  if (letter == "B" || letter == "d0")
    return 2;
  if (letter == "T" || letter == "d1")
    return 3;
  if (letter == "G")
    return 5;
  if (letter == "R")
    return 7;
  return 1;
}
constexpr double kTokens = 6;

struct Expected {
  double f32 = 0, f64 = 0, int8 = 0, exps = 0, updates = 0, products = 0;
  double f32PerPair = 0, expsPerPair = 0;
  int64_t window = 0;
  double bytes = 0;
};

struct Case {
  const char *arguments;
  const char *op;
  Expected expected;
};

// D = 8 channels, N = 4 states, H = 8, I = 6, V = 16, dh = 4.
const Case kCases[] = {
    {"%ids: tensor<?x?xi32>, %t: tensor<16x8xbf16>",
     "marimba.embedding %ids, %t : tensor<?x?xi32>, tensor<16x8xbf16> -> "
     "tensor<?x?x8xf32>",
     // ids, 6 of 16 rows of 8 bf16, what comes out
     {.bytes = 6 * 4 + 6 * 8 * 2 + 6 * 8 * 4}},
    {"%x: tensor<?x?x8xf32>, %p: tensor<?x1xi32>",
     "marimba.gather_tokens %x, %p : tensor<?x?x8xf32>, tensor<?x1xi32> -> "
     "tensor<?x1x8xf32>",
     {.bytes = 2 * 8 * 4 + 2 * 4 + 2 * 8 * 4}},
    {"%x: tensor<?x?x8xf32>, %o: tensor<8xi32>",
     "marimba.permute_channels %x, %o : tensor<?x?x8xf32>, tensor<8xi32>",
     {.bytes = kTokens * 8 * 4 + 8 * 4 + kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>, %w: tensor<10x8xbf16>, %b: tensor<10xf32>",
     "marimba.linear %x, %w bias(%b : tensor<10xf32>) : tensor<?x?x8xf32>, "
     "tensor<10x8xbf16> -> tensor<?x?x10xf32>",
     {.f32 = kTokens * 10,
      .products = 2 * kTokens * 8 * 10,
      .bytes = kTokens * 8 * 4 + 80 * 2 + 10 * 4 + kTokens * 10 * 4}},
    {"%x: tensor<?x?x8xf32>, %w: tensor<10x8xbf16>, %b: tensor<10xf32>, %y: "
     "tensor<?x?x10xf32>",
     "marimba.packed_matmul %x, %w packed bf16 bias(%b : tensor<10xf32>) "
     "post_ops [silu] outs(%y : tensor<?x?x10xf32>) : tensor<?x?x8xf32>, "
     "tensor<10x8xbf16> -> tensor<?x?x10xf32>",
     {.f32 = 2 * kTokens * 10,
      .products = 2 * kTokens * 8 * 10,
      .bytes = kTokens * 8 * 4 + 80 * 2 + 10 * 4 + kTokens * 10 * 4}},
    {"%ids: tensor<?x?xi32>, %w: tensor<64x8xbf16>, %y: tensor<?x?x8xf32>",
     "marimba.packed_embedding %ids, %w packed bf16 outs(%y : "
     "tensor<?x?x8xf32>) : tensor<?x?xi32>, tensor<64x8xbf16> -> "
     "tensor<?x?x8xf32>",
     {.bytes = kTokens * 4 + kTokens * 8 * 2 + kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>, %w: tensor<8xf32>",
     "marimba.rms_norm %x weight(%w : tensor<8xf32>) eps(0.1) : "
     "tensor<?x?x8xf32>",
     {.f32 = kTokens * (4 * 8 + 4), .bytes = 2 * kTokens * 8 * 4 + 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.rms_norm %x groups(2) eps(0.1) : tensor<?x?x8xf32>",
     {.f32 = kTokens * (3 * 8 + 2 * 4), .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.l2_norm %x eps(0.1) : tensor<?x?x8xf32>",
     {.f32 = kTokens * (3 * 8 + 4), .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.silu %x : tensor<?x?x8xf32>",
     {.f32 = 2 * kTokens * 8,
      .exps = kTokens * 8,
      .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.gelu %x : tensor<?x?x8xf32>",
     {.f32 = 4 * kTokens * 8,
      .exps = kTokens * 8,
      .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.gelu %x {with_tanh} : tensor<?x?x8xf32>",
     {.f32 = 8 * kTokens * 8,
      .exps = kTokens * 8,
      .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.softcap %x cap(30.0) : tensor<?x?x8xf32>",
     {.f32 = 6 * kTokens * 8,
      .exps = kTokens * 8,
      .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.scale %x by(0.5) : tensor<?x?x8xf32>",
     {.f32 = kTokens * 8, .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.sigmoid %x : tensor<?x?x8xf32>",
     {.f32 = 2 * kTokens * 8,
      .exps = kTokens * 8,
      .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.relu2 %x : tensor<?x?x8xf32>",
     {.f32 = 2 * kTokens * 8, .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.softplus %x : tensor<?x?x8xf32>",
     {.f32 = 2 * kTokens * 8,
      .exps = 2 * kTokens * 8,
      .bytes = 2 * kTokens * 8 * 4}},
    {"%x: tensor<?x?x8xf32>, %b: tensor<8xbf16>",
     "marimba.softplus %x bias(%b : tensor<8xbf16>) max(0.1) : "
     "tensor<?x?x8xf32>",
     {.f32 = 4 * kTokens * 8,
      .exps = 2 * kTokens * 8,
      .bytes = 2 * kTokens * 8 * 4 + 8 * 2}},
    {"%x: tensor<?x?x8xf32>",
     "marimba.swiglu %x, %x : tensor<?x?x8xf32>",
     {.f32 = 3 * kTokens * 8,
      .exps = kTokens * 8,
      .bytes = 3 * kTokens * 8 * 4}},
    {"%d: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>",
     "marimba.discretize euler %d, %A, %B, %d : tensor<?x?x8xf32>, "
     "tensor<4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x4x8xf32>",
     {.f32 = kTokens * 8,
      .updates = kTokens * 32,
      .bytes = 4 * (kTokens * (8 + 4 + 8 + 2 * 32) + 32)}},
    {"%d: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>",
     "marimba.discretize bilinear %d, %A, %B, %d : tensor<?x?x8xf32>, "
     "tensor<4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x4x8xf32>",
     {.f32 = kTokens * 8 * 32,
      .bytes = 4 * (kTokens * (8 + 4 + 8 + 2 * 32) + 32)}},
    {"%x: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>",
     "marimba.scan %x, %x outs(%x, %h : tensor<?x?x4x8xf32>, "
     "tensor<?x4x8xf32>) : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32> -> "
     "tensor<?x?x4x8xf32>, tensor<?x4x8xf32>",
     {.f32 = 2 * kTokens * 32, .bytes = 4 * (3 * kTokens * 32 + 2 * 32)}},
    {"%x: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>",
     "marimba.scan %x, %x outs(%x, %h : tensor<?x?x4x8xf32>, "
     "tensor<?x4x8xf32>) {complex} : tensor<?x?x4x8xf32>, "
     "tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>",
     {.f32 = 4 * kTokens * 32, .bytes = 4 * (3 * kTokens * 32 + 2 * 32)}},
    {"%s: tensor<?x?x4x8xf32>, %C: tensor<?x?x4xf32>, %D: tensor<8xf32>, %u: "
     "tensor<?x?x8xf32>",
     "marimba.readout %s, %C skip(%D, %u : tensor<8xf32>, tensor<?x?x8xf32>) "
     ": tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>",
     {.f32 = 2 * kTokens * (32 + 8),
      .bytes = 4 * (kTokens * (32 + 4 + 8 + 8) + 8)}},
    {"%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>, %D: "
     "tensor<8xf32>, %h: tensor<?x4x8xf32>",
     "marimba.selective_scan %u, %u, %A, %B, %B skip(%D : tensor<8xf32>) "
     "gate(%u : tensor<?x?x8xf32>) outs(%u, %h : tensor<?x?x8xf32>, "
     "tensor<?x4x8xf32>) {delta_softplus} : tensor<?x?x8xf32>, "
     "tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>, "
     "tensor<?x?x4xf32> -> tensor<?x?x8xf32>, tensor<?x4x8xf32>",
     // delta u, softplus 2, skip 2, gate 3
     {.f32 = kTokens * 8 * (1 + 2 + 2 + 3),
      .exps = kTokens * 8 * (2 + 1),
      .updates = kTokens * 32,
      .bytes = 4 * (kTokens * (3 * 8 + 2 * 4 + 8) + 32 + 8 + 2 * 32)}},
    {"%d: tensor<?x?x4xf32>, %A: tensor<4xf32>, %u: tensor<?x?x4x8xf32>",
     "marimba.discretize_heads %d, %A, %u : tensor<?x?x4xf32>, tensor<4xf32>, "
     "tensor<?x?x4x8xf32> -> tensor<?x?x4xf32>, tensor<?x?x4x8xf32>",
     {.f32 = kTokens * (4 + 32),
      .bytes = 4 * (kTokens * (4 + 32 + 4 + 32) + 4)}},
    {"%x: tensor<?x?x4xf32>, %A: tensor<4xf32>, %b: tensor<4xf32>",
     "marimba.log_decay %x, %A bias(%b : tensor<4xf32>) : "
     "tensor<?x?x4xf32>, tensor<4xf32>",
     // bias, softplus 2, A
     {.f32 = 4 * kTokens * 4,
      .exps = 2 * kTokens * 4,
      .bytes = 4 * (2 * kTokens * 4 + 4 + 4)}},
    {"%x: tensor<?x?x4x6xf32>, %A: tensor<4xf32>",
     "marimba.log_decay %x, %A : tensor<?x?x4x6xf32>, tensor<4xf32>",
     {.f32 = 3 * kTokens * 24,
      .exps = 2 * kTokens * 24,
      .bytes = 4 * (2 * kTokens * 24 + 4)}},
    // 4 heads of 6 x 8, 2 groups of keys
    {"%d: tensor<?x?x4xf32>, %A: tensor<4xf32>, %x: tensor<?x?x4x8xf32>, %k: "
     "tensor<?x?x2x6xf32>, %D: tensor<4xf32>, %s: tensor<?x4x6x8xf32>",
     "marimba.linear_attention %k, %k, %x decay(%A : tensor<4xf32>) step(%d : "
     "tensor<?x?x4xf32>) skip(%D, %x : tensor<4xf32>, tensor<?x?x4x8xf32>) "
     "outs(%x, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>) : "
     "tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32> -> "
     "tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>",
     // step times values and A, skip 2
     {.f32 = kTokens * (4 * 192 + 32 + 4 + 2 * 32),
      .exps = kTokens * 4,
      .bytes = 4 * (kTokens * (3 * 32 + 2 * 12 + 4) + 2 * 4 + 2 * 192)}},
    {"%b: tensor<?x?x4xf32>, %v: tensor<?x?x4x8xf32>, %k: "
     "tensor<?x?x4x6xf32>, %s: tensor<?x4x6x8xf32>",
     "marimba.linear_attention %k, %k, %v decay(%k : tensor<?x?x4x6xf32>) "
     "beta(%b : tensor<?x?x4xf32>) outs(%v, %s : tensor<?x?x4x8xf32>, "
     "tensor<?x4x6x8xf32>) {delta_rule, scale = 0.5 : f64} : "
     "tensor<?x?x4x6xf32>, tensor<?x?x4x6xf32>, tensor<?x?x4x8xf32> -> "
     "tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>",
     // v - known, times beta; scale
     {.f32 = kTokens * (6 * 192 + 2 * 32 + 32),
      .exps = kTokens * 24,
      .bytes = 4 * (kTokens * (2 * 32 + 3 * 24 + 4) + 2 * 192)}},
    {"%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>, %c: "
     "tensor<?x4x8xf32>, %s: tensor<?x8xf32>",
     "marimba.scan_summary %u, %u, %A, %B outs(%c, %s : tensor<?x4x8xf32>, "
     "tensor<?x8xf32>) : tensor<?x?x8xf32>, tensor<?x?x8xf32>, "
     "tensor<4x8xf32>, tensor<?x?x4xf32> -> tensor<?x4x8xf32>, "
     "tensor<?x8xf32>",
     {.f32 = 2 * kTokens * 8,
      .updates = kTokens * 32,
      .bytes = 4 * (kTokens * (2 * 8 + 4) + 32 + 2 * 32 + 2 * 8)}},
    {"%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<8xf32>, %h: "
     "tensor<?x3x8xf32>",
     "marimba.causal_conv1d %x, %w bias(%b : tensor<8xf32>) outs(%x, %h : "
     "tensor<?x?x8xf32>, tensor<?x3x8xf32>) {silu} : tensor<?x?x8xf32>, "
     "tensor<4x8xf32> -> tensor<?x?x8xf32>, tensor<?x3x8xf32>",
     {.f32 = kTokens * 8 * (2 * 4 + 1 + 2),
      .exps = kTokens * 8,
      .bytes = 4 * (2 * kTokens * 8 + 32 + 8 + 2 * 24)}},
    {"%dt: tensor<8xf32>, %A: tensor<4x8xf32>",
     "marimba.discretize_lti zoh %dt, %A, %A : tensor<8xf32>, tensor<4x8xf32>",
     {.f64 = 4 * 32, .exps = 32, .bytes = 4 * (8 + 4 * 32)}},
    {"%dt: tensor<8xf32>, %A: tensor<4x8xf32>",
     "marimba.discretize_lti zoh %dt, %A, %A {complex} : tensor<8xf32>, "
     "tensor<4x8xf32>",
     {.f64 = 22 * 16, .exps = 3 * 16, .bytes = 4 * (8 + 4 * 32)}},
    {"%A: tensor<4x8xf32>",
     "marimba.lti_powers %A, %A from 0 : tensor<4x8xf32> -> "
     "tensor<5x4x8xf32>",
     {.f32 = 5 * 32, .bytes = 4 * (2 * 32 + 5 * 32)}},
    {"%C: tensor<4x8xf32>, %p: tensor<5x4x8xf32>",
     "marimba.lti_kernel %C, %p : tensor<4x8xf32>, tensor<5x4x8xf32> -> "
     "tensor<5x8xf32>",
     {.f32 = 2 * 5 * 32, .bytes = 4 * (32 + 5 * 32 + 5 * 8)}},
    {"%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %D: tensor<8xf32>, %h: "
     "tensor<?x4x8xf32>",
     "marimba.lti_scan %u, %A, %A, %A skip(%D : tensor<8xf32>) outs(%u, %h : "
     "tensor<?x?x8xf32>, tensor<?x4x8xf32>) : tensor<?x?x8xf32>, "
     "tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32> -> "
     "tensor<?x?x8xf32>, tensor<?x4x8xf32>",
     {.f32 = kTokens * (5 * 32 + 2 * 8),
      .bytes = 4 * (2 * kTokens * 8 + 3 * 32 + 8 + 2 * 32)}},
    {"%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %h: tensor<?x4x8xf32>",
     "marimba.lti_scan %u, %A, %A, %A outs(%u, %h : tensor<?x?x8xf32>, "
     "tensor<?x4x8xf32>) {complex} : tensor<?x?x8xf32>, tensor<4x8xf32>, "
     "tensor<4x8xf32>, tensor<4x8xf32> -> tensor<?x?x8xf32>, "
     "tensor<?x4x8xf32>",
     {.f32 = kTokens * (7 * 32 + 8),
      .bytes = 4 * (2 * kTokens * 8 + 3 * 32 + 2 * 32)}},
    {"%u: tensor<?x?x8xf32>, %k: tensor<5x8xf32>, %A: tensor<4x8xf32>, %p: "
     "tensor<5x4x8xf32>, %h: tensor<?x4x8xf32>",
     "marimba.long_convolution %u, %k, %A, %p, %p outs(%u, %h : "
     "tensor<?x?x8xf32>, tensor<?x4x8xf32>) : tensor<?x?x8xf32>, "
     "tensor<5x8xf32>, tensor<4x8xf32>, tensor<5x4x8xf32>, "
     "tensor<5x4x8xf32> -> tensor<?x?x8xf32>, tensor<?x4x8xf32>",
     // 3 products on average, readout and inject, the state once a block of 5
     {.f32 = kTokens * (2 * 3 * 8 + 4 * 32 + 2 * 32 / 5.0),
      .bytes = 4 * (2 * kTokens * 8 + 5 * 8 + 32 + 2 * 5 * 32 + 2 * 32)}},
    {"%q: tensor<?x?x6x4xf32>, %k: tensor<?x?x2x4xf32>, %past: tensor<?xi32>, "
     "%c: tensor<?x2x16x4xf32>",
     "marimba.attention %q, %k, %k past(%past) outs(%q, %c, %c : "
     "tensor<?x?x6x4xf32>, tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32>) "
     "{scale = 0.5 : f64, window = 9 : i64} : tensor<?x?x6x4xf32>, "
     "tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>, tensor<?xi32> -> "
     "tensor<?x?x6x4xf32>, tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32>",
     {.f32PerPair = 4 * 6 * 4,
      .expsPerPair = 6,
      .window = 9,
      .bytes = 4 * (kTokens * (24 + 8 + 8 + 24) + 2 + 2 * 2 * 128)}},
    {"%q: tensor<?x?x6x4xf32>, %k: tensor<?x?x1x4xf32>, %c: "
     "tensor<?x1x16x4xf32>, %past: tensor<?xi32>, %y: tensor<?x?x6x3xf32>",
     "marimba.attention %q, %k past(%past) outs(%y, %c : "
     "tensor<?x?x6x3xf32>, tensor<?x1x16x4xf32>) {scale = 0.5 : f64} : "
     "tensor<?x?x6x4xf32>, tensor<?x?x1x4xf32>, tensor<?xi32> -> "
     "tensor<?x?x6x3xf32>, tensor<?x1x16x4xf32>",
     // values are a part of keys
     {.f32PerPair = 2 * 6 * (4 + 3),
      .expsPerPair = 6,
      .bytes = 4 * (kTokens * (24 + 4 + 18) + 2 + 2 * 64)}},
    {"%l: tensor<?x?x4xf32>, %w: tensor<?x?x2xf32>, %e: tensor<?x?x2xi32>",
     "marimba.route %l outs(%w, %e : tensor<?x?x2xf32>, tensor<?x?x2xi32>) "
     "{normalize} : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, "
     "tensor<?x?x2xi32>",
     {.f32 = kTokens * (4 * 4 + 2 * 4 + 2 * 2),
      .exps = kTokens * 4,
      .bytes = 4 * kTokens * (4 + 2 + 2)}},
    {"%l: tensor<?x?x4xf32>, %b: tensor<4xf32>, %w: tensor<?x?x2xf32>, %e: "
     "tensor<?x?x2xi32>",
     "marimba.route %l bias(%b : tensor<4xf32>) outs(%w, %e : "
     "tensor<?x?x2xf32>, tensor<?x?x2xi32>) {sigmoid, scale = 2.5 : f64, "
     "groups = 2 : i64} : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, "
     "tensor<?x?x2xi32>",
     {.f32 = kTokens * ((2 + 1 + 2) * 4 + 2 * 4 + 2),
      .exps = kTokens * 4,
      .bytes = 4 * (kTokens * (4 + 2 + 2) + 4)}},
    {"%x: tensor<?x1x8xf32>, %w: tensor<?x1x2xf32>, %e: tensor<?x1x2xi32>, "
     "%u: tensor<16x6x8xbf16>, %d: tensor<16x8x6xbf16>",
     "marimba.experts %x, %w, %e, %u, %d : tensor<?x1x8xf32>, "
     "tensor<?x1x2xf32>, tensor<?x1x2xi32>, tensor<16x6x8xbf16>, "
     "tensor<16x8x6xbf16>",
     // 4 of 16 experts
     {.f32 = 2 * 2 * (2 * 6 + 2 * 8),
      .products = 2 * 2 * (2 * 2 * 48),
      .bytes = 4 * (2 * 8 + 2 * 2 + 2 * 2 + 2 * 8) + 2 * 4 * 48 * 2}},
    {"%x: tensor<?x1x8xf32>, %w: tensor<?x1x2xf32>, %e: tensor<?x1x2xi32>, "
     "%g: tensor<16x6x8xbf16>, %d: tensor<16x8x6xbf16>",
     "marimba.experts %x, %w, %e, %g, %g, %d : tensor<?x1x8xf32>, "
     "tensor<?x1x2xf32>, tensor<?x1x2xi32>, tensor<16x6x8xbf16>, "
     "tensor<16x6x8xbf16>, tensor<16x8x6xbf16>",
     // 4 of 16 experts
     {.f32 = 2 * 2 * (3 * 6 + 2 * 8),
      .exps = 2 * 2 * 6,
      .products = 3 * 2 * (2 * 2 * 48),
      .bytes = 4 * (2 * 8 + 2 * 2 + 2 * 2 + 2 * 8) + 3 * 4 * 48 * 2}},
    {"%e: tensor<?x2xi32>, %p: tensor<?xi32>, %o: tensor<5xi32>",
     "marimba.group_by_expert %e outs(%p, %o : tensor<?xi32>, tensor<5xi32>) "
     ": tensor<?x2xi32> -> tensor<?xi32>, tensor<5xi32>",
     {.bytes = 4 * (7 * 2 + 1 + 5)}}, // R*K is the caller's: 1
    {"%x: tensor<?x8xf32>, %w: tensor<20x16x8xbf16>, %p: tensor<?xi32>, %o: "
     "tensor<21xi32>, %r: tensor<20xi32>, %y: tensor<10x16xf32>",
     "marimba.grouped_matmul %x, %w gate(%w : tensor<20x16x8xbf16>) groups(%p, "
     "%o, %r : tensor<?xi32>, tensor<21xi32>, tensor<20xi32>) outs(%y : "
     "tensor<10x16xf32>) {top_k = 2 : i64} : tensor<?x8xf32>, "
     "tensor<20x16x8xbf16> -> tensor<10x16xf32>",
     {.exps = 10 * 16,
      .f32 = 3 * 10 * 16,
      .products = 2 * 2 * (10 * 16 * 8),
      // Half of the experts, at most.
      .bytes = 4 * (7 * 8 + 10 + 21 + 20 + 10 * 16) + 2 * 2 * 10 * 16 * 8}},
    {"%x: tensor<?x8xf32>, %p: tensor<?xi32>, %y: tensor<5x8xf32>",
     "marimba.gather_rows %x, %p outs(%y : tensor<5x8xf32>) {top_k = 2 : i64} "
     ": tensor<?x8xf32>, tensor<?xi32> -> tensor<5x8xf32>",
     {.bytes = 4 * (7 * 8 + 5 + 5 * 8)}},
    {"%x: tensor<?x8xf32>, %p: tensor<?xi32>, %w: tensor<14xf32>, %y: "
     "tensor<7x8xf32>",
     "marimba.scatter_add_rows %x, %p, %w outs(%y : tensor<7x8xf32>) {top_k = "
     "2 : i64} : tensor<?x8xf32>, tensor<?xi32>, tensor<14xf32> -> "
     "tensor<7x8xf32>",
     {.f32 = 2 * 5 * 8, .bytes = 4 * (5 * 8 + 5 + 14 + 7 * 8)}},
    {"%p: tensor<?xi32>, %c: tensor<?x?x2xf32>",
     "marimba.rotary_table %p outs(%c, %c : tensor<?x?x2xf32>, "
     "tensor<?x?x2xf32>) {frequencies = array<f32: 1.0, 0.5>} : tensor<?xi32> "
     "-> tensor<?x?x2xf32>, tensor<?x?x2xf32>",
     {.f32 = kTokens * 2,
      .exps = 2 * kTokens * 2,
      .bytes = 4 * (2 + 2 * kTokens * 2)}},
    {"%x: tensor<?x?x6x4xf32>, %c: tensor<?x?x2xf32>",
     "marimba.rotary_embedding %x, %c, %c outs(%x : tensor<?x?x6x4xf32>) : "
     "tensor<?x?x6x4xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32> -> "
     "tensor<?x?x6x4xf32>",
     {.f32 = 6 * kTokens * 6 * 2, .bytes = 4 * kTokens * (2 * 24 + 2 * 2)}},
    {"%x: tensor<?x1x100xf32>, %c: tensor<?x1x128xi8>, %s: tensor<?x1x2xf32>",
     "marimba.quantize_rows %x outs(%c, %s, %s : tensor<?x1x128xi8>, "
     "tensor<?x1x2xf32>, tensor<?x1x2xf32>) : tensor<?x1x100xf32> -> "
     "tensor<?x1x128xi8>, tensor<?x1x2xf32>, tensor<?x1x2xf32>",
     {.f32 = 2 * (4 * 100 + 3 * 2), .bytes = 2 * (100 * 4 + 128 + 2 * 2 * 4)}},
    {"%x: tensor<?x1x128xf32>, %w: tensor<64x128xi8, #marimba.quantized<group "
     "64, scale bf16>>, %y: tensor<?x1x64xf32>",
     "marimba.quantized_matmul %x, %w as tensor<64x128xi8, "
     "#marimba.quantized<group 64, scale bf16>> outs(%y : tensor<?x1x64xf32>) "
     ": tensor<?x1x128xf32>, tensor<64x128xi8, #marimba.quantized<group 64, "
     "scale bf16>> -> tensor<?x1x64xf32>",
     {.f32 = 2 * 2 * 64 * 128,
      .bytes = 2 * 128 * 4 + 64 * 128 + 64 * 2 * 2 + 2 * 64 * 4}},
    {"%x: tensor<?x1x128xi8>, %s: tensor<?x1x2xf32>, %w: tensor<64x128xi8, "
     "#marimba.quantized<group 64, scale bf16>>, %y: tensor<?x1x64xf32>",
     "marimba.quantized_matmul %x scales(%s, %s : tensor<?x1x2xf32>, "
     "tensor<?x1x2xf32>), %w as tensor<64x128xi8, #marimba.quantized<group "
     "64, scale bf16>> outs(%y : tensor<?x1x64xf32>) : tensor<?x1x128xi8>, "
     "tensor<64x128xi8, #marimba.quantized<group 64, scale bf16>> -> "
     "tensor<?x1x64xf32>",
     {.f32 = 3 * 2 * 64 * 2,
      .int8 = 2 * 2 * 64 * 128,
      .bytes = 2 * 128 + 2 * 2 * 2 * 4 + 64 * 128 + 64 * 2 * 2 + 2 * 64 * 4}},
    {"%w: tensor<128x64xi4, #marimba.quantized<group 64, scale bf16>>, %i: "
     "index, %y: tensor<64x64xf32>",
     "marimba.dequantize %w from %i as tensor<128x64xi4, "
     "#marimba.quantized<group 64, scale bf16>> outs(%y : tensor<64x64xf32>) "
     ": tensor<128x64xi4, #marimba.quantized<group 64, scale bf16>> -> "
     "tensor<64x64xf32>",
     {.f32 = 2 * 64 * 64, .bytes = 128 * 64 / 2 + 128 * 2 + 64 * 64 * 4}},
    {"%ids: tensor<?x?xi32>, %w: tensor<64x64xi8, #marimba.quantized<group "
     "64, scale bf16>>, %y: tensor<?x?x64xf32>",
     "marimba.quantized_embedding %ids, %w as tensor<64x64xi8, "
     "#marimba.quantized<group 64, scale bf16>> outs(%y : tensor<?x?x64xf32>) "
     ": tensor<?x?xi32>, tensor<64x64xi8, #marimba.quantized<group 64, scale "
     "bf16>> -> tensor<?x?x64xf32>",
     {.f32 = kTokens * 64,
      .bytes = kTokens * 4 + kTokens * (64 + 2) + kTokens * 64 * 4}},
    {"%w: tensor<64x64xi8, #marimba.quantized<channel, scale f32>>, %s: "
     "tensor<64xf32>, %n: tensor<64xi32>",
     "marimba.channel_terms %w as tensor<64x64xi8, "
     "#marimba.quantized<channel, scale f32>> outs(%s, %n : tensor<64xf32>, "
     "tensor<64xi32>) : tensor<64x64xi8, #marimba.quantized<channel, scale "
     "f32>> -> tensor<64xf32>, tensor<64xi32>",
     {.int8 = 64 * 64, .bytes = 64 * 64 + 64 * 4 + 2 * 64 * 4}},
};

class OpWorkTest : public testing::Test {
protected:
  OpWorkTest() { context.loadDialect<MarimbaDialect, func::FuncDialect>(); }

  OwningOpRef<ModuleOp> parse(const Case &test) {
    return parseSourceString<ModuleOp>(
        "func.func @f(" + std::string(test.arguments) + ") {\n  " + test.op +
            "\n  return\n}\n",
        &context);
  }

  MLIRContext context;
};

TEST_F(OpWorkTest, NumbersOfEachOp) {
  std::set<std::string> seen;
  for (const Case &test : kCases) {
    SCOPED_TRACE(test.op);
    OwningOpRef<ModuleOp> module = parse(test);
    ASSERT_TRUE(module);
    WorkOpInterface op;
    module->walk([&](WorkOpInterface found) { op = found; });
    ASSERT_TRUE(op);
    seen.insert(op->getName().getStringRef().str());
    OpWork work = op.getWork(sizeOf);
    double products = 0;
    for (const OpWork::Products &part : work.products)
      products += part.operations;
    EXPECT_DOUBLE_EQ(work.f32, test.expected.f32);
    EXPECT_DOUBLE_EQ(work.f64, test.expected.f64);
    EXPECT_DOUBLE_EQ(work.int8, test.expected.int8);
    EXPECT_DOUBLE_EQ(work.exps, test.expected.exps);
    EXPECT_DOUBLE_EQ(work.updates, test.expected.updates);
    EXPECT_DOUBLE_EQ(products, test.expected.products);
    EXPECT_DOUBLE_EQ(work.f32PerPair, test.expected.f32PerPair);
    EXPECT_DOUBLE_EQ(work.expsPerPair, test.expected.expsPerPair);
    EXPECT_EQ(work.window, test.expected.window);
    EXPECT_DOUBLE_EQ(op.getBytesMoved(sizeOf), test.expected.bytes);
  }
  // Declarations of weights do nothing; every other op has its numbers above.
  seen.insert({"marimba.weight", "marimba.get_weight"});
  for (RegisteredOperationName name : context.getRegisteredOperations())
    if (name.getDialectNamespace() == "marimba")
      EXPECT_EQ(seen.count(name.getStringRef().str()), 1u)
          << name.getStringRef().str() << " has no case";
}

TEST_F(OpWorkTest, RoutersAreExact) {
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(
      "func.func @f(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>, %a: "
      "tensor<?x?x2xf32>, %b: tensor<?x?x2xi32>) {\n"
      "  %l = marimba.linear %x, %w : tensor<?x?x8xf32>, tensor<4x8xf32> -> "
      "tensor<?x?x4xf32>\n"
      "  %p, %e = marimba.route %l outs(%a, %b : tensor<?x?x2xf32>, "
      "tensor<?x?x2xi32>) : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, "
      "tensor<?x?x2xi32>\n"
      "  %m = marimba.linear %x, %w : tensor<?x?x8xf32>, tensor<4x8xf32> -> "
      "tensor<?x?x4xf32>\n"
      "  return\n}\n",
      &context);
  ASSERT_TRUE(module);
  std::vector<bool> exact, quantized;
  module->walk([&](LinearOp op) {
    exact.push_back(op.getWork(sizeOf).products.front().exact);
    WeightOperand weight = op.getWeightOperand(op.getWeightMutable());
    EXPECT_EQ(weight.role, WeightRole::Projection);
    quantized.push_back(weight.quantize);
    EXPECT_EQ(op.getWeightOperand(op.getInputMutable()).role, WeightRole::None);
  });
  EXPECT_EQ(exact, (std::vector<bool>{true, false}));
  EXPECT_EQ(quantized, (std::vector<bool>{false, true}));
}

} // namespace
