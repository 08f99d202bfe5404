// RUN: marimba-opt %s -choose-lti-form -canonicalize -cse -split-input-file \
// RUN:   | FileCheck %s
// RUN: marimba-opt %s -choose-lti-form=form=recurrence -canonicalize -cse \
// RUN:   -split-input-file | FileCheck %s --check-prefix=RECURRENCE

// 32 complex states: 256 instructions a token one by one, 221 in blocks.

// CHECK-LABEL: func @many_states(
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[A:[a-z0-9]+]]: tensor<64x8xf32>, %[[B:[a-z0-9]+]]: tensor<64x8xf32>, %[[C:[a-z0-9]+]]: tensor<64x8xf32>, %[[D:[a-z0-9]+]]: tensor<8xf32>, %[[V:[a-z0-9]+]]: tensor<?xi32>
// CHECK-DAG: %[[IN:.*]] = marimba.lti_powers %[[B]], %[[A]] from 0 {complex} : tensor<64x8xf32> -> tensor<8x64x8xf32>
// CHECK-DAG: %[[OUT:.*]] = marimba.lti_powers %[[C]], %[[A]] from 1 {complex}
// CHECK: %[[K:.*]] = marimba.lti_kernel %[[C]], %[[IN]] {complex}
// CHECK: marimba.long_convolution %[[U]], %[[K]], %[[A]], %[[IN]], %[[OUT]] skip(%[[D]] : tensor<8xf32>) valid(%[[V]] : tensor<?xi32>)
// CHECK-SAME: {complex}
// RECURRENCE-LABEL: func @many_states(
// RECURRENCE: marimba.lti_scan
func.func @many_states(%u: tensor<?x?x8xf32>, %A: tensor<64x8xf32>,
    %B: tensor<64x8xf32>, %C: tensor<64x8xf32>, %D: tensor<8xf32>,
    %v: tensor<?xi32>, %e: tensor<?x?x8xf32>, %h: tensor<?x64x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x64x8xf32>) {
  %y, %last = marimba.lti_scan %u, %A, %B, %C skip(%D : tensor<8xf32>)
      valid(%v : tensor<?xi32>)
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x64x8xf32>) {complex}
      : tensor<?x?x8xf32>, tensor<64x8xf32>, tensor<64x8xf32>, tensor<64x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x64x8xf32>
  return %y, %last : tensor<?x?x8xf32>, tensor<?x64x8xf32>
}

// -----

// 16 real states: 48 one by one, 54 in blocks.

// CHECK-LABEL: func @real_states(
// CHECK: marimba.lti_scan
// CHECK-NOT: long_convolution
func.func @real_states(%u: tensor<?x?x8xf32>, %A: tensor<16x8xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x16x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x16x8xf32>) {
  %y, %last = marimba.lti_scan %u, %A, %A, %A
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x16x8xf32>)
      : tensor<?x?x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x16x8xf32>
  return %y, %last : tensor<?x?x8xf32>, tensor<?x16x8xf32>
}

// -----

// Decoding: one token is no block. The tables go with the convolution.

// CHECK-LABEL: func @one_token(
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<?x1x8xf32>, %[[A:[a-z0-9]+]]: tensor<64x8xf32>, %[[B:[a-z0-9]+]]: tensor<64x8xf32>, %[[C:[a-z0-9]+]]: tensor<64x8xf32>
// CHECK-NOT: lti_powers
// CHECK: marimba.lti_scan %[[U]], %[[A]], %[[B]], %[[C]] outs
// CHECK-SAME: {complex}
func.func @one_token(%u: tensor<?x1x8xf32>, %A: tensor<64x8xf32>,
    %B: tensor<64x8xf32>, %C: tensor<64x8xf32>, %e: tensor<?x1x8xf32>,
    %h: tensor<?x64x8xf32>) -> (tensor<?x1x8xf32>, tensor<?x64x8xf32>) {
  %P = marimba.lti_powers %B, %A from 0 {complex}
      : tensor<64x8xf32> -> tensor<8x64x8xf32>
  %R = marimba.lti_powers %C, %A from 1 {complex}
      : tensor<64x8xf32> -> tensor<8x64x8xf32>
  %K = marimba.lti_kernel %C, %P {complex}
      : tensor<64x8xf32>, tensor<8x64x8xf32> -> tensor<8x8xf32>
  %y, %last = marimba.long_convolution %u, %K, %A, %P, %R
      outs(%e, %h : tensor<?x1x8xf32>, tensor<?x64x8xf32>) {complex}
      : tensor<?x1x8xf32>, tensor<8x8xf32>, tensor<64x8xf32>,
        tensor<8x64x8xf32>, tensor<8x64x8xf32>
     -> tensor<?x1x8xf32>, tensor<?x64x8xf32>
  return %y, %last : tensor<?x1x8xf32>, tensor<?x64x8xf32>
}

// -----

// Nobody knows which recurrence a table of another origin belongs to.

// CHECK-LABEL: func @own_kernel(
// CHECK: marimba.long_convolution
// RECURRENCE-LABEL: func @own_kernel(
// RECURRENCE: marimba.long_convolution
func.func @own_kernel(%u: tensor<?x1x8xf32>, %A: tensor<4x8xf32>,
    %K: tensor<8x8xf32>, %e: tensor<?x1x8xf32>, %h: tensor<?x4x8xf32>)
    -> (tensor<?x1x8xf32>, tensor<?x4x8xf32>) {
  %P = marimba.lti_powers %A, %A from 0 : tensor<4x8xf32> -> tensor<8x4x8xf32>
  %R = marimba.lti_powers %A, %A from 1 : tensor<4x8xf32> -> tensor<8x4x8xf32>
  %y, %last = marimba.long_convolution %u, %K, %A, %P, %R
      outs(%e, %h : tensor<?x1x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x1x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>,
        tensor<8x4x8xf32>, tensor<8x4x8xf32>
     -> tensor<?x1x8xf32>, tensor<?x4x8xf32>
  return %y, %last : tensor<?x1x8xf32>, tensor<?x4x8xf32>
}
