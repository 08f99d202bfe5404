// RUN: marimba-opt %s -choose-quantized-kernels="integers" | FileCheck %s --check-prefixes=CHECK,BYTES
// RUN: marimba-opt %s -choose-quantized-kernels | FileCheck %s --check-prefixes=CHECK,FLOATS
// RUN: marimba-opt %s -choose-quantized-kernels="library=false integers" | FileCheck %s --check-prefix=LOOPS
// RUN: marimba-opt %s -choose-quantized-kernels="integers any-rows" | FileCheck %s --check-prefix=ANY
// RUN: marimba-opt %s -choose-quantized-kernels="any-rows" | FileCheck %s --check-prefixes=CHECK,FLOATS
// RUN: marimba-opt %s -choose-quantized-kernels="library=false integers whole-rows" | FileCheck %s --check-prefix=WHOLE
// RUN: marimba-opt %s -choose-quantized-kernels="library=false whole-rows" | FileCheck %s --check-prefix=NOBYTES --implicit-check-not=quantize_rows
// RUN: marimba-opt %s -choose-quantized-kernels="library=false bf16" | FileCheck %s --check-prefix=NARROW
// RUN: marimba-opt %s -choose-quantized-kernels="library=false bf16=false" | FileCheck %s --check-prefix=WIDE

!int4 = tensor<70x100xi4, #marimba.quantized<group 32, scale bf16>>
!stack = tensor<3x70x200xi8, #marimba.quantized<channel, scale f32>>

// One token of each sequence: as many groups of activations as of weights.

// CHECK-LABEL: func @decode
// BYTES: %[[Q:.*]]:3 = marimba.quantize_rows %{{.*}} : tensor<?x1x100xf32> -> tensor<?x1x128xi8>, tensor<?x1x4xf32>, tensor<?x1x4xf32>
// BYTES: marimba.quantized_matmul %[[Q]]#0 scales(%[[Q]]#1, %[[Q]]#2
// FLOATS-NOT: quantize_rows
// FLOATS: marimba.quantized_matmul %{{.*}} : tensor<?x1x100xf32>,
func.func @decode(%x: tensor<?x1x100xf32>, %w: !int4) -> tensor<?x1x70xf32> {
  %y = marimba.linear %x, %w : tensor<?x1x100xf32>, !int4 -> tensor<?x1x70xf32>
  return %y : tensor<?x1x70xf32>
}

// What a recurrence multiplies up is of f32, whatever may be rounded.

// CHECK-LABEL: func @exact
// CHECK-NOT: quantize_rows
// CHECK: marimba.quantized_matmul %{{.*}} : tensor<?x1x100xf32>,
// ANY-LABEL: func @exact
// ANY-NOT: quantize_rows
// ANY: marimba.quantized_matmul %{{.*}} : tensor<?x1x100xf32>,
func.func @exact(%x: tensor<?x1x100xf32>, %w: !int4) -> tensor<?x1x70xf32> {
  %y = marimba.linear %x, %w {marimba.exact_products}
      : tensor<?x1x100xf32>, !int4 -> tensor<?x1x70xf32>
  return %y : tensor<?x1x70xf32>
}

// Nor is it handed to the library.

// CHECK-LABEL: func @exact_prompt
// CHECK: marimba.quantized_matmul %{{.*}} : tensor<?x?x100xf32>,
// ANY-LABEL: func @exact_prompt
// ANY-NOT: quantize_rows
// ANY: marimba.quantized_matmul %{{.*}} : tensor<?x?x100xf32>,
func.func @exact_prompt(%x: tensor<?x?x100xf32>, %w: !int4) -> tensor<?x?x70xf32> {
  %y = marimba.linear %x, %w {marimba.exact_products}
      : tensor<?x?x100xf32>, !int4 -> tensor<?x?x70xf32>
  return %y : tensor<?x?x70xf32>
}

// A matrix of a stack by its index; groups of 64 where a scale is a channel's.

// CHECK-LABEL: func @expert
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<3x70x200xi8, {{.*}}, %[[E:[a-z0-9]+]]: index
// BYTES: marimba.quantize_rows %{{.*}} -> tensor<?x256xi8>, tensor<?x4xf32>, tensor<?x4xf32>
// CHECK: marimba.quantized_matmul {{.*}}%[[W]][%[[E]]] as tensor<3x70x200xi8, #marimba.quantized<channel, scale f32>>
func.func @expert(%x: tensor<?x200xf32>, %w: !stack, %e: index) -> tensor<?x70xf32> {
  %m = tensor.extract_slice %w[%e, 0, 0] [1, 70, 200] [1, 1, 1]
      : !stack to tensor<70x200xi8, #marimba.quantized<channel, scale f32>>
  %y = marimba.linear %x, %m {few_rows} : tensor<?x200xf32>,
      tensor<70x200xi8, #marimba.quantized<channel, scale f32>> -> tensor<?x70xf32>
  return %y : tensor<?x70xf32>
}

// Many rows are the library's, and are rounded to 8 bits only with any-rows and
// integers.

// CHECK-LABEL: func @prefill
// CHECK: marimba.linear
// LOOPS-LABEL: func @prefill
// LOOPS-NOT: quantize_rows
// LOOPS: marimba.quantized_matmul
// ANY-LABEL: func @prefill
// ANY: %[[Q:.*]]:3 = marimba.quantize_rows %{{.*}} : tensor<?x?x100xf32> -> tensor<?x?x128xi8>, tensor<?x?x4xf32>, tensor<?x?x4xf32>
// ANY: marimba.quantized_matmul %[[Q]]#0 scales(%[[Q]]#1, %[[Q]]#2
func.func @prefill(%x: tensor<?x?x100xf32>, %w: !int4) -> tensor<?x?x70xf32> {
  %y = marimba.linear %x, %w : tensor<?x?x100xf32>, !int4 -> tensor<?x?x70xf32>
  return %y : tensor<?x?x70xf32>
}

// What is rounded is shared by weights with groups of the same size.

// CHECK-LABEL: func @shared
// BYTES: %[[Q:.*]]:3 = marimba.quantize_rows
// BYTES: marimba.quantized_matmul %[[Q]]#0
// BYTES-NOT: quantize_rows
// BYTES: marimba.quantized_matmul %[[Q]]#0
// BYTES: %[[R:.*]]:3 = marimba.quantize_rows {{.*}} -> tensor<?x1x128xi8>, tensor<?x1x2xf32>
// BYTES: marimba.quantized_matmul %[[R]]#0
func.func @shared(%x: tensor<?x1x100xf32>, %q: !int4, %k: !int4,
    %v: tensor<70x100xi4, #marimba.quantized<group 64, scale bf16>>)
    -> (tensor<?x1x70xf32>, tensor<?x1x70xf32>, tensor<?x1x70xf32>) {
  %a = marimba.linear %x, %q : tensor<?x1x100xf32>, !int4 -> tensor<?x1x70xf32>
  %b = marimba.linear %x, %k : tensor<?x1x100xf32>, !int4 -> tensor<?x1x70xf32>
  %c = marimba.linear %x, %v : tensor<?x1x100xf32>,
      tensor<70x100xi4, #marimba.quantized<group 64, scale bf16>> -> tensor<?x1x70xf32>
  return %a, %b, %c : tensor<?x1x70xf32>, tensor<?x1x70xf32>, tensor<?x1x70xf32>
}

// CHECK-LABEL: func @table
// CHECK: marimba.quantized_embedding
func.func @table(%ids: tensor<?x?xi32>, %w: !int4) -> tensor<?x?x100xf32> {
  %y = marimba.embedding %ids, %w : tensor<?x?xi32>, !int4 -> tensor<?x?x100xf32>
  return %y : tensor<?x?x100xf32>
}

// Other weights are not touched.

// CHECK-LABEL: func @plain
// CHECK: marimba.linear
// CHECK: marimba.embedding
func.func @plain(%x: tensor<?x1x100xf32>, %w: tensor<70x100xbf16>,
    %ids: tensor<?x?xi32>) -> (tensor<?x1x70xf32>, tensor<?x?x100xf32>) {
  %y = marimba.linear %x, %w : tensor<?x1x100xf32>, tensor<70x100xbf16> -> tensor<?x1x70xf32>
  %z = marimba.embedding %ids, %w : tensor<?x?xi32>, tensor<70x100xbf16> -> tensor<?x?x100xf32>
  return %y, %z : tensor<?x1x70xf32>, tensor<?x?x100xf32>
}

// With whole-rows many rows have one scale each where weights have one for each
// channel; few rows, and weights with groups, do not. Nothing without integers.

!int8 = tensor<70x200xi8, #marimba.quantized<channel, scale f32>>
!groups = tensor<70x200xi8, #marimba.quantized<group 64, scale f32>>

// WHOLE-LABEL: func @whole
// WHOLE: marimba.quantize_rows %{{.*}} -> tensor<?x?x{{[0-9]+}}xi8>, tensor<?x?x1xf32>, tensor<?x?x1xf32>
// WHOLE: marimba.quantize_rows %{{.*}} -> tensor<?x1x256xi8>, tensor<?x1x4xf32>, tensor<?x1x4xf32>
// WHOLE-NOT: quantize_rows
// WHOLE: marimba.quantized_matmul %{{.*}} : tensor<?x?x200xf32>,
// NOBYTES-LABEL: func @whole
// NOBYTES-COUNT-3: marimba.quantized_matmul
func.func @whole(%x: tensor<?x?x200xf32>, %d: tensor<?x1x200xf32>, %w: !int8,
    %g: !groups) -> (tensor<?x?x70xf32>, tensor<?x1x70xf32>, tensor<?x?x70xf32>) {
  %a = marimba.linear %x, %w : tensor<?x?x200xf32>, !int8 -> tensor<?x?x70xf32>
  %b = marimba.linear %d, %w : tensor<?x1x200xf32>, !int8 -> tensor<?x1x70xf32>
  %c = marimba.linear %x, %g : tensor<?x?x200xf32>, !groups -> tensor<?x?x70xf32>
  return %a, %b, %c : tensor<?x?x70xf32>, tensor<?x1x70xf32>, tensor<?x?x70xf32>
}

// What was rounded for products of bf16 stays so only where there are some.

// NARROW-LABEL: func @rounded
// NARROW: %[[N:.*]] = arith.truncf
// NARROW: marimba.quantized_matmul %[[N]], %{{.*}} : tensor<?x?x200xbf16>,
// WIDE-LABEL: func @rounded
// WIDE-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x200xf32>
// WIDE: marimba.quantized_matmul %[[X]], %{{.*}} : tensor<?x?x200xf32>,
func.func @rounded(%x: tensor<?x?x200xf32>, %w: !int8) -> tensor<?x?x70xf32> {
  %n = arith.truncf %x : tensor<?x?x200xf32> to tensor<?x?x200xbf16>
  %y = marimba.linear %n, %w : tensor<?x?x200xbf16>, !int8 -> tensor<?x?x70xf32>
  return %y : tensor<?x?x70xf32>
}
