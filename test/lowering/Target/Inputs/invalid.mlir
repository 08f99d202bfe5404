func.func @f() -> i32 {
  %two = arith.addi %one, %one : i32
  %one = arith.constant 1 : i32
  return %two : i32
}
