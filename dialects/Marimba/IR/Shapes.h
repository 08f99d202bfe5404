//===- Shapes.h - How the sizes and indices of an op relate -----*- C++ -*-===//
//
// Part of Marimba. What the letters of the dialect's description say of each
// op, in one table that verifiers hold against static sizes and
// --insert-checks against those of a run.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_SHAPES_H
#define MARIMBA_DIALECTS_MARIMBA_IR_SHAPES_H

#include "dialects/Marimba/IR/Marimba.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include <string>

namespace mlir::marimba {

/// An operand or a result and the letters of its dimensions. A letter may
/// follow from others: "W-1", "E+1", "R*K". An absent operand is null.
struct NamedShape {
  llvm::StringRef name;
  Value value;
  std::string letters;
};

/// Elements of an operand that say where an op reads or writes: each is at
/// least 0 and less than `factor` times the size of `letter`, plus `offset`.
struct IndexRange {
  llvm::StringRef name;
  Value values; // a tensor of integers, or one index
  llvm::StringRef letter;
  int64_t offset = 0, factor = 1;
  /// What is added to each element first: that of `plus`, a tensor of the same
  /// shape, or the size of `plusLetter`.
  Value plus = {};
  llvm::StringRef plusLetter = {};
  int64_t multipleOf = 1;
};

struct OpShapes {
  llvm::SmallVector<NamedShape> values;
  /// Letters whose sizes follow from attributes and element types.
  llvm::SmallVector<std::pair<llvm::StringRef, int64_t>> sizes = {};
  /// The size of the first letter is at most that of the second.
  llvm::SmallVector<std::pair<llvm::StringRef, llvm::StringRef>> atMost = {};
  llvm::SmallVector<IndexRange> indices = {};
};

/// The letters of an operand or a result, one for each dimension; none if it is
/// not in the table.
llvm::SmallVector<llvm::StringRef> lettersOf(const OpShapes &table,
                                             Value value);

/// The sizes that letters stand for in an op: those of its types, else the
/// caller's.
class LetterSizes {
public:
  LetterSizes(const OpShapes &table, DynamicSize dynamic);

  /// The product of the sizes of some letters: "B T D". Of none it is 1.
  double operator()(llvm::StringRef letters) const;

private:
  llvm::StringMap<double> known;
  DynamicSize dynamic;
};

// One for each op of the dialect: an op without does not compile. The op has
// to be verified as far as its types go.
OpShapes shapesOf(WeightOp op);
OpShapes shapesOf(GetWeightOp op);
OpShapes shapesOf(EmbeddingOp op);
OpShapes shapesOf(GatherTokensOp op);
OpShapes shapesOf(PermuteChannelsOp op);
OpShapes shapesOf(LinearOp op);
OpShapes shapesOf(PackedEmbeddingOp op);
OpShapes shapesOf(PackedMatmulOp op);
OpShapes shapesOf(RMSNormOp op);
OpShapes shapesOf(L2NormOp op);
OpShapes shapesOf(SiluOp op);
OpShapes shapesOf(SigmoidOp op);
OpShapes shapesOf(Relu2Op op);
OpShapes shapesOf(GeluOp op);
OpShapes shapesOf(ScaleOp op);
OpShapes shapesOf(SoftcapOp op);
OpShapes shapesOf(SoftplusOp op);
OpShapes shapesOf(SwiGLUOp op);
OpShapes shapesOf(DiscretizeOp op);
OpShapes shapesOf(ScanOp op);
OpShapes shapesOf(ReadoutOp op);
OpShapes shapesOf(SelectiveScanOp op);
OpShapes shapesOf(ScanSummaryOp op);
OpShapes shapesOf(CausalConv1dOp op);
OpShapes shapesOf(DiscretizeLTIOp op);
OpShapes shapesOf(LTIPowersOp op);
OpShapes shapesOf(LTIKernelOp op);
OpShapes shapesOf(LTIScanOp op);
OpShapes shapesOf(LongConvolutionOp op);
OpShapes shapesOf(DiscretizeHeadsOp op);
OpShapes shapesOf(LogDecayOp op);
OpShapes shapesOf(LinearAttentionOp op);
OpShapes shapesOf(AttentionOp op);
OpShapes shapesOf(RouteOp op);
OpShapes shapesOf(ExpertsOp op);
OpShapes shapesOf(GroupByExpertOp op);
OpShapes shapesOf(GroupedMatmulOp op);
OpShapes shapesOf(GatherRowsOp op);
OpShapes shapesOf(ScatterAddRowsOp op);
OpShapes shapesOf(RotaryTableOp op);
OpShapes shapesOf(RotaryEmbeddingOp op);
OpShapes shapesOf(QuantizeRowsOp op);
OpShapes shapesOf(QuantizedMatmulOp op);
OpShapes shapesOf(DequantizeOp op);
OpShapes shapesOf(QuantizedEmbeddingOp op);
OpShapes shapesOf(ChannelTermsOp op);

/// The table of any op of the dialect; empty for one of another.
OpShapes shapesOfOp(Operation *op);

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_SHAPES_H
