// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @decays
func.func @decays(%a: tensor<?x?x4xf32>, %f: tensor<?x?x4x6xf32>,
    %A: tensor<4xf32>, %b: tensor<4xbf16>, %c: tensor<4x6xf32>) {
  // CHECK: marimba.log_decay %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<4xbf16>) : tensor<?x?x4xf32>, tensor<4xf32>
  %0 = marimba.log_decay %a, %A bias(%b : tensor<4xbf16>)
      : tensor<?x?x4xf32>, tensor<4xf32>
  // CHECK: marimba.log_decay %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<4x6xf32>) : tensor<?x?x4x6xf32>, tensor<4xf32>
  %1 = marimba.log_decay %f, %A bias(%c : tensor<4x6xf32>)
      : tensor<?x?x4x6xf32>, tensor<4xf32>
  // CHECK: marimba.log_decay %{{.*}}, %{{.*}} : tensor<?x?x4xf32>, tensor<4xf32>
  %2 = marimba.log_decay %a, %A : tensor<?x?x4xf32>, tensor<4xf32>
  return
}

// CHECK-LABEL: func @mamba2
func.func @mamba2(%dt: tensor<?x?x4xf32>, %A: tensor<4xf32>,
    %x: tensor<?x?x4x8xf32>, %B: tensor<?x?x2x6xf32>, %D: tensor<4xbf16>,
    %valid: tensor<?xi32>, %s: tensor<?x4x6x8xf32>) {
  // CHECK: marimba.discretize_heads %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x4x8xf32> -> tensor<?x?x4xf32>, tensor<?x?x4x8xf32>
  %g, %v = marimba.discretize_heads %dt, %A, %x
      : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4xf32>, tensor<?x?x4x8xf32>
  // CHECK: marimba.linear_attention %{{.*}}, %{{.*}}, %{{.*}} decay(%{{.*}} : tensor<?x?x4xf32>) skip(%{{.*}}, %{{.*}} : tensor<4xbf16>, tensor<?x?x4x8xf32>) valid(%{{.*}} : tensor<?xi32>) outs(%{{.*}}, %{{.*}} : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>) : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  %y, %last = marimba.linear_attention %B, %B, %v decay(%g : tensor<?x?x4xf32>)
      skip(%D, %x : tensor<4xbf16>, tensor<?x?x4x8xf32>)
      valid(%valid : tensor<?xi32>)
      outs(%x, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  // CHECK: marimba.linear_attention {{.*}} decay(%{{.*}} : tensor<4xf32>) step(%{{.*}} : tensor<?x?x4xf32>) outs(
  %z, %end = marimba.linear_attention %B, %B, %x decay(%A : tensor<4xf32>)
      step(%dt : tensor<?x?x4xf32>)
      outs(%x, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  return
}

// No decay, one for each head, and one for each key channel with a delta rule.

// CHECK-LABEL: func @others
func.func @others(%q: tensor<2x?x4x6xf32>, %v: tensor<2x?x4x8xf32>,
    %slopes: tensor<4xf32>, %g: tensor<2x?x4x6xf32>, %beta: tensor<2x?x4xf32>,
    %s: tensor<2x4x6x8xf32>) {
  // CHECK: marimba.linear_attention %{{.*}}, %{{.*}}, %{{.*}} outs(%{{.*}}) : tensor<2x?x4x6xf32>
  %0:2 = marimba.linear_attention %q, %q, %v
      outs(%v, %s : tensor<2x?x4x8xf32>, tensor<2x4x6x8xf32>)
      : tensor<2x?x4x6xf32>, tensor<2x?x4x6xf32>, tensor<2x?x4x8xf32>
     -> tensor<2x?x4x8xf32>, tensor<2x4x6x8xf32>
  // CHECK: marimba.linear_attention {{.*}} decay(%{{.*}} : tensor<4xf32>) outs(
  %1:2 = marimba.linear_attention %q, %q, %v decay(%slopes : tensor<4xf32>)
      outs(%v, %s : tensor<2x?x4x8xf32>, tensor<2x4x6x8xf32>)
      : tensor<2x?x4x6xf32>, tensor<2x?x4x6xf32>, tensor<2x?x4x8xf32>
     -> tensor<2x?x4x8xf32>, tensor<2x4x6x8xf32>
  // CHECK: marimba.linear_attention {{.*}} decay(%{{.*}} : tensor<2x?x4x6xf32>) beta(%{{.*}} : tensor<2x?x4xf32>) outs(%{{.*}}) {delta_rule, scale = 2.500000e-01 : f64}
  %2:2 = marimba.linear_attention %q, %q, %v decay(%g : tensor<2x?x4x6xf32>)
      beta(%beta : tensor<2x?x4xf32>)
      outs(%v, %s : tensor<2x?x4x8xf32>, tensor<2x4x6x8xf32>)
      {scale = 0.25 : f64, delta_rule}
      : tensor<2x?x4x6xf32>, tensor<2x?x4x6xf32>, tensor<2x?x4x8xf32>
     -> tensor<2x?x4x8xf32>, tensor<2x4x6x8xf32>
  return
}

// CHECK-LABEL: func @buffers
func.func @buffers(%q: memref<?x?x2x6xf32>, %v: memref<?x?x4x8xf32>,
    %s: memref<?x4x6x8xf32, strided<[?, 48, 8, 1], offset: ?>>) {
  // CHECK: marimba.linear_attention %{{.*}} outs(%{{.*}}, %{{.*}} : memref<?x?x4x8xf32>, memref<?x4x6x8xf32, strided<[?, 48, 8, 1], offset: ?>>) : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  marimba.linear_attention %q, %q, %v
      outs(%v, %s : memref<?x?x4x8xf32>,
           memref<?x4x6x8xf32, strided<[?, 48, 8, 1], offset: ?>>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}
