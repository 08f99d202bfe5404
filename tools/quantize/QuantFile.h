//===- QuantFile.h - The weights of a quantised model -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTFILE_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTFILE_H

#include "tools/quantize/Calibration.h"
#include "tools/quantize/QuantPlan.h"

#include "marimba/NewFile.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"

namespace marimba {

/// Where everything is in a safetensors file with the tensors of a plan:
/// quantised matrices first, then what is kept, without gaps.
class QuantLayout {
public:
  /// Nothing, and `error`, where the tensors cannot be in one file.
  static std::optional<QuantLayout> create(const QuantPlan &plan,
                                           std::string &error);

  /// The beginning of the file, up to the data: a multiple of 64 bytes, as is
  /// the size of every tensor of a quantised matrix.
  const std::string &header() const { return headerText; }
  uint64_t fileBytes() const { return end; }
  /// Of all tensors of plan.matrices.
  uint64_t quantisedBytes() const { return quantised; }
  /// The offset of the codes of plan.matrices[i]; its other tensors follow.
  uint64_t matrixOffset(size_t i) const { return matrices[i]; }
  /// The offset of plan.kept[i].
  uint64_t keptOffset(size_t i) const { return kept[i]; }

private:
  QuantLayout() = default;

  std::vector<uint64_t> matrices, kept;
  std::string headerText;
  uint64_t quantised = 0, end = 0;
};

/// How codes are found.
struct QuantWork {
  QuantMethod method = QuantMethod::Search;
  /// What is known of the matrices' inputs; may be null. A matrix whose inputs'
  /// moments are there is quantised by GPTQ, one whose inputs' squares are
  /// there by a search that they weigh.
  const Calibration *calibration = nullptr;
};

/// Reads tensors of F32, BF16 or F16. False where `advance` said no, or, with
/// `error` set, where a tensor holds NaN or infinity: the message names tensor
/// and element.
bool checkFinite(
    llvm::ArrayRef<const mlir::marimba::WeightSource *> tensors,
    llvm::function_ref<bool(uint64_t bytes, llvm::StringRef name)> advance,
    std::string &error);

/// Writes the file of a plan into `file`, which messages call `path`, reading
/// the checkpoint a few rows at a time, on all processors. `advance(bytes,
/// name)` hears from time to time how many bytes of the checkpoint have been
/// read since and what comes next, and says whether to go on. Fills in
/// `errors`, one for each matrix. False where that said no, or with `error`
/// set.
bool writeQuantFile(
    const QuantPlan &plan, const QuantLayout &layout, const QuantWork &work,
    rt::NewFile &file, llvm::StringRef path,
    llvm::function_ref<bool(uint64_t bytes, llvm::StringRef name)> advance,
    std::vector<QuantError> &errors, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTFILE_H
