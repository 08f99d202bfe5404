//===- LimitsText.h - The probes of the limits as MLIR ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_LIMITSTEXT_H
#define MARIMBA_TOOLS_MEASURE_LIMITSTEXT_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace marimba {

// The text of a probe is made by expand(): a line that begins with `*` stands
// once for each of $N accumulators, $[...] is a list of as many, and $i is the
// number of one.

/// All that the probes share: a loop body for the team, in which each thread
/// runs %n iterations on accumulators of its own. They start from different
/// values: equal ones could be computed once.
inline constexpr llvm::StringLiteral kFrame = R"(
func.func @probe(%closure: !llvm.ptr, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %at64 = llvm.getelementptr %closure[64] : (!llvm.ptr) -> !llvm.ptr, i8
  %at72 = llvm.getelementptr %closure[72] : (!llvm.ptr) -> !llvm.ptr, i8
  %at80 = llvm.getelementptr %closure[80] : (!llvm.ptr) -> !llvm.ptr, i8
  %at88 = llvm.getelementptr %closure[88] : (!llvm.ptr) -> !llvm.ptr, i8
  %at96 = llvm.getelementptr %closure[96] : (!llvm.ptr) -> !llvm.ptr, i8
  %n64 = llvm.load %at64 : !llvm.ptr -> i64
  %n = arith.index_cast %n64 : i64 to index
  %sinks = llvm.load %at72 : !llvm.ptr -> !llvm.ptr
  %memory = llvm.load %at80 : !llvm.ptr -> !llvm.ptr
  %share = llvm.load %at88 : !llvm.ptr -> i64
  %x = llvm.load %closure : !llvm.ptr -> $OPERAND
*  %init$i = arith.constant dense<$i$POINT> : $ACC
$SETUP
  scf.for %thread = %begin to %end step %c1 {
    %t64 = arith.index_cast %thread : index to i64
    %line = arith.constant 64 : i64
    %offset = arith.muli %t64, %line : i64
    %sink = llvm.getelementptr %sinks[%offset] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %first = arith.muli %t64, %share : i64
    %mine = llvm.getelementptr %memory[%first] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %r:$N = scf.for %k = %c0 to %n step %c1
        iter_args($[%a$i = %init$i]) -> ($[$ACC]) {
$BODY
      scf.yield $[%s$i] : $[$ACC]
    }
*   llvm.store volatile %r#$i, %sink : $ACC, !llvm.ptr
  }
  return
}
)";

inline constexpr llvm::StringLiteral kFma = R"(
*     %s$i = math.fma %x, %x, %a$i : $ACC
)";

inline constexpr llvm::StringLiteral kDot = R"(
*     %s$i = llvm.call_intrinsic "$CALLEE"(%a$i, %x, %x) : ($ACC, $OPERAND, $OPERAND) -> $ACC
)";

/// int8 operands that were widened to int16. The accumulator is an operand:
/// otherwise the product would be one for all iterations.
inline constexpr llvm::StringLiteral kWideDot = R"(
*     %w$i = llvm.bitcast %a$i : $ACC to $OPERAND
*     %d$i = llvm.call_intrinsic "$CALLEE"(%w$i, %x) : ($OPERAND, $OPERAND) -> $ACC
*     %s$i = arith.addi %a$i, %d$i : $ACC
)";

/// Bytes in $OPERAND: one without a sign (%a) times one with, added in pairs to
/// int16, those in pairs to int32. What codes of 8 bits need for every word.
inline constexpr llvm::StringLiteral kByteDot = R"(
*     %b$i = llvm.bitcast %a$i : $ACC to $OPERAND
*     %h$i = llvm.call_intrinsic "$PAIRS"(%b$i, %x) : ($OPERAND, $OPERAND) -> $HALVES
*     %d$i = llvm.call_intrinsic "$CALLEE"(%h$i, %ones) : ($HALVES, $HALVES) -> $ACC
*     %s$i = arith.addi %a$i, %d$i : $ACC
)";
inline constexpr llvm::StringLiteral kByteDotSetup = R"(
  %ones = arith.constant dense<1> : $HALVES
)";

/// The same for codes of 4 bits: eight products fit into the sum of an int16.
/// Product number # takes the sum of number @, the one before: equal ones would
/// be computed once.
inline constexpr llvm::StringLiteral kNibbleDotFirst = R"(
*     %b0_$i = llvm.bitcast %a$i : $ACC to $OPERAND
*     %h0_$i = llvm.call_intrinsic "$PAIRS"(%b0_$i, %x) : ($OPERAND, $OPERAND) -> $HALVES
)";
inline constexpr llvm::StringLiteral kNibbleDotNext = R"(
*     %b#_$i = llvm.bitcast %h@_$i : $HALVES to $OPERAND
*     %m#_$i = llvm.call_intrinsic "$PAIRS"(%b#_$i, %x) : ($OPERAND, $OPERAND) -> $HALVES
*     %h#_$i = arith.addi %h@_$i, %m#_$i : $HALVES
)";
inline constexpr llvm::StringLiteral kNibbleDotEnd = R"(
*     %d$i = llvm.call_intrinsic "$CALLEE"(%h@_$i, %ones) : ($HALVES, $HALVES) -> $ACC
*     %s$i = arith.addi %d$i, %xs : $ACC
)";
inline constexpr llvm::StringLiteral kNibbleDotSetup = R"(
  %ones = arith.constant dense<1> : $HALVES
  %xs = llvm.bitcast %x : $OPERAND to $ACC
)";
/// Products of a kind that one int16 adds up.
inline constexpr unsigned kNibbleProducts = 8;

/// e^x = 2^n e^r: n by the rounding of a large addend, |r| <= ln2/2, a
/// polynomial of degree 5 (Remez, 0.75e-7 relative), 2^n added to the
/// exponent. x moves by %step1 an iteration, which is zero.
inline constexpr llvm::StringLiteral kExpSetup = R"(
  %step1 = llvm.load %at96 : !llvm.ptr -> f32
* %number$i = arith.constant $i.0 : f32
* %shift$i = arith.mulf %number$i, %step1 : f32
* %shifts$i = vector.broadcast %shift$i : f32 to $ACC
* %from$i = arith.addf %x, %shifts$i : $ACC
  %log2e = arith.constant dense<1.44269502> : $ACC
  %magic = arith.constant dense<12582912.0> : $ACC
  %ln2 = arith.constant dense<-0.693147182> : $ACC
  %p0 = arith.constant dense<1.0000000718663848> : $ACC
  %p1 = arith.constant dense<0.9999996910699441> : $ACC
  %p2 = arith.constant dense<0.49998892661193134> : $ACC
  %p3 = arith.constant dense<0.1666757654180822> : $ACC
  %p4 = arith.constant dense<0.041915629250534533> : $ACC
  %p5 = arith.constant dense<0.00829761946630291> : $ACC
  %mantissa = arith.constant dense<23> : $INT
)";
/// Arguments and results in registers: $N sums.
inline constexpr llvm::StringLiteral kExpSums = R"(
      %k64 = arith.index_cast %k : index to i64
      %kf = arith.sitofp %k64 : i64 to f32
      %kstep = arith.mulf %kf, %step1 : f32
      %moved = vector.broadcast %kstep : f32 to $ACC
*     %x$i = arith.addf %from$i, %moved : $ACC
$EXP
*     %s$i = arith.addf %a$i, %e$i : $ACC
)";
/// From memory to memory, in the first-level cache: $N at a time.
inline constexpr llvm::StringLiteral kExpArray = R"(
*     %x$i = llvm.load volatile %closure : !llvm.ptr -> $ACC
$EXP
*     llvm.store volatile %e$i, %sink : $ACC, !llvm.ptr
*     %s$i = arith.bitcast %e$i : $ACC to $ACC
)";
/// Both do this.
inline constexpr llvm::StringLiteral kExp = R"(
*     %t$i = math.fma %x$i, %log2e, %magic : $ACC
*     %n$i = arith.subf %t$i, %magic : $ACC
*     %r$i = math.fma %n$i, %ln2, %x$i : $ACC
*     %q4$i = math.fma %r$i, %p5, %p4 : $ACC
*     %q3$i = math.fma %r$i, %q4$i, %p3 : $ACC
*     %q2$i = math.fma %r$i, %q3$i, %p2 : $ACC
*     %q1$i = math.fma %r$i, %q2$i, %p1 : $ACC
*     %q0$i = math.fma %r$i, %q1$i, %p0 : $ACC
*     %ti$i = arith.bitcast %t$i : $ACC to $INT
*     %qi$i = arith.bitcast %q0$i : $ACC to $INT
*     %sh$i = arith.shli %ti$i, %mantissa : $INT
*     %ei$i = arith.addi %qi$i, %sh$i : $INT
*     %e$i = arith.bitcast %ei$i : $INT to $ACC
)";

/// $N streams, one cache line of each in an iteration.
inline constexpr llvm::StringLiteral kReadBody = R"(
      %k64 = arith.index_cast %k : index to i64
      %here = arith.muli %k64, %line : i64
      %lines = arith.muli %n64, %line : i64
*     %no$i = arith.constant $i : i64
*     %off$i = arith.muli %no$i, %lines : i64
*     %base$i = llvm.getelementptr %mine[%off$i] : (!llvm.ptr, i64) -> !llvm.ptr, i8
*     %p$i = llvm.getelementptr %base$i[%here] : (!llvm.ptr, i64) -> !llvm.ptr, i8
*     %v$i = llvm.load %p$i : !llvm.ptr -> $ACC
*     %s$i = arith.addi %a$i, %v$i : $ACC
)";

/// Asks for what kReadBody reads $AHEAD bytes later. What is asked for behind
/// the end is never there, which is harmless.
inline constexpr llvm::StringLiteral kReadAhead = R"(
*     %f$i = llvm.getelementptr %p$i[$AHEAD] : (!llvm.ptr) -> !llvm.ptr, i8
*     "llvm.intr.prefetch"(%f$i) <{cache = 1 : i32, hint = 3 : i32, rw = 0 : i32}> : (!llvm.ptr) -> ()
)";

/// Body of the probe of codes of 4 bits.
std::string nibbleDot();

/// The text of `pattern` with all names filled in.
std::string expand(llvm::StringRef pattern, unsigned copies,
                   const llvm::StringMap<std::string> &names);

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_LIMITSTEXT_H
