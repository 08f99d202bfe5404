// RUN: marimba-opt %s -decompose-experts -split-input-file | FileCheck %s

// CHECK-LABEL: func @experts
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>, %[[W:.*]]: tensor<?x?x2xf32>, %[[E:.*]]: tensor<?x?x2xi32>, %[[GATE:.*]]: tensor<4x16x8xbf16>, %[[UP:.*]]: tensor<4x16x8xbf16>, %[[DOWN:.*]]: tensor<4x8x16xbf16>
// CHECK-NOT: marimba.experts
// CHECK-DAG: %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK-DAG: %[[CHOSEN:.*]] = tensor.collapse_shape %[[E]] {{\[\[}}0, 1], [2]]
// CHECK-DAG: %[[WEIGHTS:.*]] = tensor.collapse_shape %[[W]] {{\[\[}}0, 1, 2]]
// CHECK: %[[GROUPS:.*]]:2 = marimba.group_by_expert %[[CHOSEN]] outs(%{{.*}}, %{{.*}} : tensor<?xi32>, tensor<5xi32>)
// CHECK: %[[ZERO:.*]] = linalg.fill
// CHECK: %[[COUNT:.*]] = arith.constant 4 : index
// CHECK: %[[SUM:.*]] = scf.for %[[I:.*]] = %[[FROM:.*]] to %[[COUNT]] step %{{.*}} iter_args(%[[OLD:.*]] = %[[ZERO]])
// CHECK: %[[FIRST32:.*]] = tensor.extract %[[GROUPS]]#1[%[[I]]]
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[FIRST32]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[I]],
// CHECK: %[[LAST32:.*]] = tensor.extract %[[GROUPS]]#1[%[[NEXT]]]
// CHECK: %[[LAST:.*]] = arith.index_cast %[[LAST32]]
// CHECK: %[[SIZE:.*]] = arith.subi %[[LAST]], %[[FIRST]]
// An expert that nobody chose is one branch.
// CHECK: %[[ANY:.*]] = arith.cmpi sgt, %[[SIZE]], %[[FROM]]
// CHECK: scf.if %[[ANY]]
// CHECK: %[[PAIRS:.*]] = tensor.extract_slice %[[GROUPS]]#0[%[[FIRST]]] [%[[SIZE]]] [1]
// The group is padded to a size that others have, too.
// CHECK-COUNT-2: arith.ceildivui %[[SIZE]],
// CHECK: arith.select %{{.*}}, %{{.*}}, %[[SIZE]] : index
// CHECK: %[[PADDED:.*]] = arith.select
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[PADDED]]) : tensor<?x8xf32>
// CHECK: %[[XE:.*]] = marimba.gather_rows %[[ROWS]], %[[PAIRS]] outs(%[[EMPTY]] : {{.*}}) {top_k = 2 : i64}
// CHECK: %[[WG:.*]] = tensor.extract_slice %[[GATE]][%[[I]], 0, 0] [1, 16, 8]
// CHECK: %[[G:.*]] = marimba.linear %[[XE]], %[[WG]]
// CHECK: %[[WU:.*]] = tensor.extract_slice %[[UP]][%[[I]], 0, 0] [1, 16, 8]
// CHECK: %[[U:.*]] = marimba.linear %[[XE]], %[[WU]]
// CHECK: %[[H:.*]] = marimba.swiglu %[[G]], %[[U]]
// CHECK: %[[WD:.*]] = tensor.extract_slice %[[DOWN]][%[[I]], 0, 0] [1, 8, 16]
// CHECK: %[[YP:.*]] = marimba.linear %[[H]], %[[WD]]
// CHECK: %[[Y:.*]] = tensor.extract_slice %[[YP]][0, 0] [%[[SIZE]], 8] [1, 1]
// CHECK: %[[ADDED:.*]] = marimba.scatter_add_rows %[[Y]], %[[PAIRS]], %[[WEIGHTS]] outs(%[[OLD]] : {{.*}}) {top_k = 2 : i64}
// CHECK: scf.yield %[[ADDED]]
// CHECK: } else {
// CHECK-NEXT: scf.yield %[[OLD]]
// CHECK: tensor.expand_shape %[[SUM]] {{\[\[}}0, 1], [2]]
func.func @experts(%x: tensor<?x?x8xf32>, %w: tensor<?x?x2xf32>,
    %e: tensor<?x?x2xi32>, %gate: tensor<4x16x8xbf16>,
    %up: tensor<4x16x8xbf16>, %down: tensor<4x8x16xbf16>)
    -> tensor<?x?x8xf32> {
  %y = marimba.experts %x, %w, %e, %gate, %up, %down
      : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
        tensor<4x16x8xbf16>, tensor<4x16x8xbf16>, tensor<4x8x16xbf16>
  return %y : tensor<?x?x8xf32>
}

// -----

// Static batch and time: three tokens, one expert each.

// CHECK-LABEL: func @static
// CHECK: marimba.group_by_expert {{.*}} : tensor<3xi32>, tensor<3xi32>)
// CHECK: marimba.gather_rows {{.*}} {top_k = 1 : i64} : tensor<3x8xf32>, tensor<?xi32>
// CHECK: tensor.expand_shape {{.*}} output_shape [1, 3, 8]
func.func @static(%x: tensor<1x3x8xf32>, %w: tensor<1x3x1xf32>,
    %e: tensor<1x3x1xi32>, %gate: tensor<2x16x8xf32>,
    %down: tensor<2x8x16xf32>) -> tensor<1x3x8xf32> {
  %y = marimba.experts %x, %w, %e, %gate, %gate, %down
      : tensor<1x3x8xf32>, tensor<1x3x1xf32>, tensor<1x3x1xi32>,
        tensor<2x16x8xf32>, tensor<2x16x8xf32>, tensor<2x8x16xf32>
  return %y : tensor<1x3x8xf32>
}

// -----

// Not an op of the pass.

// CHECK-LABEL: func @dense
// CHECK-NOT: scf.for
// CHECK: marimba.swiglu
func.func @dense(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %y = marimba.swiglu %x, %x : tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// Without a gate.

// CHECK-LABEL: func @relu2
// CHECK-SAME: %[[UP:[a-z0-9]+]]: tensor<4x16x8xbf16>, %[[DOWN:[a-z0-9]+]]: tensor<4x8x16xbf16>
// CHECK: %[[WU:.*]] = tensor.extract_slice %[[UP]]
// CHECK: %[[U:.*]] = marimba.linear %{{.*}}, %[[WU]]
// CHECK-NEXT: %[[H:.*]] = marimba.relu2 %[[U]]
// CHECK: %[[WD:.*]] = tensor.extract_slice %[[DOWN]]
// CHECK: marimba.linear %[[H]], %[[WD]]
// CHECK-NOT: marimba.linear
func.func @relu2(%x: tensor<?x?x8xf32>, %w: tensor<?x?x2xf32>,
    %e: tensor<?x?x2xi32>, %up: tensor<4x16x8xbf16>,
    %down: tensor<4x8x16xbf16>) -> tensor<?x?x8xf32> {
  %y = marimba.experts %x, %w, %e, %up, %down
      : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
        tensor<4x16x8xbf16>, tensor<4x8x16xbf16>
  return %y : tensor<?x?x8xf32>
}

// -----

// One token of each sequence: where there is one sequence, its experts in the
// order of the groups, whose row is no copy and whose number of rows is known.

// CHECK-LABEL: func @one_token
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x1x8xf32>, %{{.*}}: tensor<?x1x2xf32>, %[[E:[a-z0-9]+]]: tensor<?x1x2xi32>, %[[UP:[a-z0-9]+]]: tensor<4x16x8xbf16>
// CHECK: %[[CHOSEN:.*]] = tensor.collapse_shape %[[E]]
// CHECK: %[[GROUPS:.*]]:2 = marimba.group_by_expert
// CHECK: %[[ONE:.*]] = arith.cmpi eq,
// CHECK: scf.if %[[ONE]]
// CHECK: %[[ROW:.*]] = tensor.extract_slice %{{.*}}[0, 0] [1, 8] [1, 1] : tensor<?x8xf32> to tensor<1x8xf32>
// CHECK: %[[END:.*]] = arith.constant 2 : index
// CHECK: %[[SUM:.*]] = scf.for %[[I:.*]] = %[[FROM:.*]] to %[[END]] step
// CHECK: %[[K32:.*]] = tensor.extract %[[GROUPS]]#0[%[[I]]]
// CHECK: %[[K:.*]] = arith.index_cast %[[K32]]
// CHECK: %[[EXPERT32:.*]] = tensor.extract %[[CHOSEN]][%[[FROM]], %[[K]]]
// CHECK: %[[EXPERT:.*]] = arith.index_cast %[[EXPERT32]]
// CHECK: %[[PAIR:.*]] = tensor.extract_slice %[[GROUPS]]#0[%[[I]]] [1] [1] : tensor<?xi32> to tensor<1xi32>
// CHECK: %[[WU:.*]] = tensor.extract_slice %[[UP]][%[[EXPERT]], 0, 0] [1, 16, 8]
// CHECK: marimba.linear %[[ROW]], %[[WU]] {{.*}}tensor<1x16xf32>
// CHECK: marimba.scatter_add_rows %{{.*}}, %[[PAIR]],
// CHECK: tensor.insert_slice %[[SUM]] into %{{.*}}[0, 0] [1, 8] [1, 1]
// CHECK: } else {
// CHECK: marimba.gather_rows
func.func @one_token(%x: tensor<?x1x8xf32>, %w: tensor<?x1x2xf32>,
    %e: tensor<?x1x2xi32>, %up: tensor<4x16x8xbf16>,
    %down: tensor<4x8x16xbf16>) -> tensor<?x1x8xf32> {
  %y = marimba.experts %x, %w, %e, %up, %down
      : tensor<?x1x8xf32>, tensor<?x1x2xf32>, tensor<?x1x2xi32>,
        tensor<4x16x8xbf16>, tensor<4x8x16xbf16>
  return %y : tensor<?x1x8xf32>
}
