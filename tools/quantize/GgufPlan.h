//===- GgufPlan.h - The tensors of a GGUF file ------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_GGUFPLAN_H
#define MARIMBA_TOOLS_QUANTIZE_GGUFPLAN_H

#include "importer/Importer.h"
#include "importer/gguf/GgufMetadata.h"

#include <string>
#include <vector>

namespace marimba {

/// Rows of a tensor that are `count` rows of one of the source, from `first`
/// on.
struct RowRun {
  const mlir::marimba::WeightSource *source;
  int64_t first = 0, count = 0;
};

/// What becomes of each number of a tensor.
enum class WeightChange {
  None,
  MinusExp, ///< -exp(w): A_log becomes A
  PlusOne,  ///< norms whose factor is 1 + w
};

/// A tensor of the file that is to be written.
struct GgufPlanTensor {
  std::string name;           // in GGUF files
  std::string sourceName;     // in the source, for messages
  std::vector<int64_t> shape; // slowest dimension first
  /// The tensor as rows of numbers that lie together in the source.
  int64_t rows = 1, inputs = 1;
  std::vector<RowRun> runs;
  /// Which input of the source each is; empty: the same.
  std::vector<int64_t> columns{};
  WeightChange change = WeightChange::None;
  std::vector<double> factors{}; // of each row, after the change; none: 1
  /// Instead of runs, the numbers themselves.
  std::vector<float> values{};
  std::string type{}; // "F32", "Q4_K", ...

  int64_t elements() const { return rows * inputs; }
  /// As the source has it: that of all runs.
  std::string sourceType() const {
    return runs.empty() ? "F32" : runs.front().source->dtype;
  }
  uint64_t bytes() const;
};

/// Bytes of `inputs` numbers of a type that we write or copy; 0 where they are
/// no whole blocks or the type is unknown.
uint64_t ggufRowBytes(llvm::StringRef type, int64_t inputs);

struct GgufPlan {
  mlir::marimba::GgufMetadata metadata;
  /// In the order of the file: those of no layer, then layer by layer, by name,
  /// as llama-quantize has them.
  std::vector<GgufPlanTensor> tensors;
  /// Of a GGUF file as the source: its tensors, which runs point to.
  std::vector<mlir::marimba::WeightSource> sources{};
};

/// The number of a tensor's layer, "blk.7.ffn_up.weight"; -1 where it is of
/// none.
int64_t ggufLayer(llvm::StringRef name);
void sortTensors(std::vector<GgufPlanTensor> &tensors);

/// Where everything is in the file of a plan.
struct GgufLayout {
  std::string header;            // up to the data
  std::vector<uint64_t> offsets; // from the beginning of the file, by tensor
  uint64_t fileBytes = 0;

  /// `asF32`: as if all tensors were of F32.
  static GgufLayout of(const GgufPlan &plan, bool asF32 = false);
};

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_GGUFPLAN_H
