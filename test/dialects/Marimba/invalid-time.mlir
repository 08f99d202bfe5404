// RUN: marimba-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{argument 0: "marimba.time" is "1", expected a dimension of i64}}
func.func private @text(%x: tensor<?x?xi32> {marimba.time = "1"})

// -----

// expected-error@+1 {{argument 1: "marimba.time" is 2 : i64, expected a dimension of 'tensor<?x?xi32>'}}
func.func private @rank(%b: index, %x: tensor<?x?xi32> {marimba.time = 2 : i64})

// -----

// expected-error@+1 {{argument 0: "marimba.time" is -1 : i64, expected a dimension of 'tensor<?x?xi32>'}}
func.func private @negative(%x: tensor<?x?xi32> {marimba.time = -1 : i64})

// -----

// expected-error@+1 {{argument 0: "marimba.time" is 2 : i64, a dimension of size 8, expected one that is dynamic, or 1}}
func.func private @fixed(%x: tensor<?x?x8xf32> {marimba.time = 2 : i64})

// -----

func.func private @valid(%x: tensor<?x1x8xf32> {marimba.time = 1 : i64},
    %y: memref<?x?xf32> {marimba.time = 0 : i64})
