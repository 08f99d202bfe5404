// The module of the tests of options.

module @tiny {
marimba.weight @emb : tensor<16x32xf32> from ["emb"]
marimba.weight @w : tensor<32x32xf32> from ["w"]
marimba.weight @A : tensor<4x32xf32> from ["A"]
func.func private @layer(%x: tensor<?x?x32xf32>, %w: tensor<32x32xf32>,
    %A: tensor<4x32xf32>, %s: tensor<?x3x32xf32>, %h: tensor<?x4x32xf32>)
    -> (tensor<?x?x32xf32>, tensor<?x3x32xf32>, tensor<?x4x32xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x32xf32>
  %es = tensor.empty(%b, %t) : tensor<?x?x4x32xf32>
  %c, %s1 = marimba.causal_conv1d %x, %A
      outs(%e, %s : tensor<?x?x32xf32>, tensor<?x3x32xf32>)
      : tensor<?x?x32xf32>, tensor<4x32xf32>
     -> tensor<?x?x32xf32>, tensor<?x3x32xf32>
  %u = marimba.silu %c : tensor<?x?x32xf32>
  %dt = marimba.linear %u, %w
      : tensor<?x?x32xf32>, tensor<32x32xf32> -> tensor<?x?x32xf32>
  %delta = marimba.softplus %dt : tensor<?x?x32xf32>
  %B = marimba.linear %u, %A
      : tensor<?x?x32xf32>, tensor<4x32xf32> -> tensor<?x?x4xf32>
  %decay, %input = marimba.discretize euler %delta, %A, %B, %u
      : tensor<?x?x32xf32>, tensor<4x32xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x32xf32>
  %states, %h1 = marimba.scan %decay, %input
      outs(%es, %h : tensor<?x?x4x32xf32>, tensor<?x4x32xf32>)
      : tensor<?x?x4x32xf32>, tensor<?x?x4x32xf32>
     -> tensor<?x?x4x32xf32>, tensor<?x4x32xf32>
  %y = marimba.readout %states, %B
      : tensor<?x?x4x32xf32>, tensor<?x?x4xf32> -> tensor<?x?x32xf32>
  %z = marimba.silu %x : tensor<?x?x32xf32>
  %g = arith.mulf %y, %z : tensor<?x?x32xf32>
  %r = linalg.copy ins(%g : tensor<?x?x32xf32>)
      outs(%x : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %r, %s1, %h1
      : tensor<?x?x32xf32>, tensor<?x3x32xf32>, tensor<?x4x32xf32>
}
func.func @prefill(%ids: tensor<?x?xi32> {marimba.input = "tokens"},
    %s: tensor<?x3x32xf32> {marimba.state = "conv"},
    %h: tensor<?x4x32xf32> {marimba.state = "h"},
    %out: tensor<?x?x32xf32> {marimba.output = "hidden"})
    -> (tensor<?x?x32xf32>, tensor<?x3x32xf32>, tensor<?x4x32xf32>)
    attributes {marimba.entry = "prefill"} {
  %table = marimba.get_weight @emb : tensor<16x32xf32>
  %w = marimba.get_weight @w : tensor<32x32xf32>
  %A = marimba.get_weight @A : tensor<4x32xf32>
  %x = marimba.embedding %ids, %table
      : tensor<?x?xi32>, tensor<16x32xf32> -> tensor<?x?x32xf32>
  %0:3 = call @layer(%x, %w, %A, %s, %h)
      : (tensor<?x?x32xf32>, tensor<32x32xf32>, tensor<4x32xf32>,
         tensor<?x3x32xf32>, tensor<?x4x32xf32>)
     -> (tensor<?x?x32xf32>, tensor<?x3x32xf32>, tensor<?x4x32xf32>)
  %n = marimba.rms_norm %0#0 eps(1.0e-05) : tensor<?x?x32xf32>
  %r = linalg.copy ins(%n : tensor<?x?x32xf32>)
      outs(%out : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %r, %0#1, %0#2
      : tensor<?x?x32xf32>, tensor<?x3x32xf32>, tensor<?x4x32xf32>
}
}
