//===- ForeignMatrix.h - A matrix that others quantised ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_HUB_FOREIGNMATRIX_H
#define MARIMBA_IMPORTER_HUB_FOREIGNMATRIX_H

#include "importer/hub/ModelDirectory.h"

namespace mlir::marimba {

/// What the tensors of one matrix become: those that docs/quantization.md
/// describes.
struct ConvertedMatrix {
  std::vector<CheckpointTensor> tensors;
  /// The names in the files, which are no tensors of their own then.
  SmallVector<std::string> used;
};

/// The tensors `base`.SUFFIX of one matrix, and what is common to those who
/// read them.
class ForeignMatrix {
protected:
  ForeignMatrix(const ModelDirectory &directory, StringRef base,
                ErrorFn emitError)
      : directory(directory), base(base.str()), emitError(emitError) {}

  /// "FILE: tensor 'BASE.SUFFIX' WHAT".
  LogicalResult fail(StringRef suffix, const Twine &what) const;
  LogicalResult failType(StringRef suffix, const CheckpointTensor &tensor,
                         const Twine &expected) const;
  /// The tensor, if it is there; it counts as used.
  const CheckpointTensor *find(StringRef suffix);
  /// The tensor, of one of these types and so many dimensions; null, with an
  /// error, where it is not there or another. `present` is a suffix that is.
  const CheckpointTensor *take(StringRef suffix, StringRef present,
                               ArrayRef<StringRef> dtypes, size_t rank);
  /// All bytes of a tensor.
  std::optional<std::string> bytes(const CheckpointTensor &tensor) const;
  /// All 32-bit words of a tensor.
  std::optional<std::vector<uint32_t>>
  words(const CheckpointTensor &tensor) const;

  /// Reads g_idx, the group of each input, if `suffix` is there: nothing is to
  /// be done where groups are of inputs that follow each other; otherwise it is
  /// kept for addCodes() and each group must have `size` inputs.
  LogicalResult readOrder(StringRef suffix, int64_t inputs, int64_t size);

  /// A part of `base`.weight, made of `from`, which is `stored` as
  /// runtime/formats names it.
  CheckpointTensor &add(const CheckpointTensor &from,
                        ::marimba::formats::PartKind kind,
                        const ::marimba::formats::Layout &layout,
                        StringRef stored);
  /// The codes, with their inputs sorted where readOrder() found an order,
  /// which is a tensor `base`.weight.order then.
  void addCodes(const CheckpointTensor &from,
                const ::marimba::formats::Layout &layout, StringRef stored);

  const ModelDirectory &directory;
  std::string base;
  ErrorFn emitError;
  ConvertedMatrix result;

private:
  const CheckpointTensor *order = nullptr;
  std::string orderDigest;
};

/// Channels and inputs of a block that shares one scale; none where the config
/// names no blocks.
using BlockSize = std::optional<std::pair<int64_t, int64_t>>;

/// The matrix `base`.weight, stored row by row with scales beside it.
FailureOr<ConvertedMatrix> readScaledMatrix(const ModelDirectory &directory,
                                            StringRef base, BlockSize block,
                                            ErrorFn emitError);

/// All matrices that a directory's quantization_config speaks of. None, with
/// nothing said, where `method` is another program's.
FailureOr<std::vector<ConvertedMatrix>>
readAwqGptq(const ModelDirectory &directory, const llvm::json::Object &fields,
            StringRef method, ErrorFn emitError);
FailureOr<std::vector<ConvertedMatrix>>
readScaledMatrices(const ModelDirectory &directory,
                   const llvm::json::Object &fields, StringRef method,
                   ErrorFn emitError);

/// Reports a field of quantization_config.
void reportField(const ModelDirectory &directory,
                 const llvm::json::Object &fields, StringRef field,
                 const Twine &expected, ErrorFn emitError);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_HUB_FOREIGNMATRIX_H
