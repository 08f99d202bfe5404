//===- QuantizeModel.h - A model directory, quantised -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTIZEMODEL_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTIZEMODEL_H

#include "tools/libmarimba/Compiler.h"
#include "tools/quantize/QuantPlan.h"
#include "tools/quantize/QuantizedMatrix.h"

#include <map>

namespace marimba {

/// What quantizeModel() did.
struct QuantizeReport {
  uint64_t matrices = 0, weights = 0; // quantised; padding does not count
  uint64_t quantisedBytes = 0;        // theirs, afterwards
  uint64_t keptTensors = 0, keptBytes = 0;
  uint64_t bytesBefore = 0; // of all that the model uses
  /// With calibration: tokens that were read, and matrices that were quantised
  /// by GPTQ and by a search that the squares of their inputs weigh.
  int64_t calibrationTokens = 0;
  uint64_t calibrated = 0, weighed = 0;
  /// Tensors of the checkpoint that the model has no use for: they are left
  /// out.
  std::vector<std::string> dropped;
  std::vector<std::string> notes; // of the importer
  /// The mean squared error over the weights' mean square: of all that was
  /// quantised, and of the matrix where it is largest.
  double relativeError = 0, worstError = 0;
  std::string worstMatrix;
  /// Of a GGUF file: how many tensors have which type.
  std::map<std::string, uint64_t> types;
  double seconds = 0;

  /// Adds what `matrix` lost to `all`, which is of those before it, and says
  /// what is lost of all.
  void addError(const std::string &matrix, const QuantError &lost,
                QuantError &all);

  uint64_t bytesAfter() const { return quantisedBytes + keptBytes; }
  double bitsPerWeight() const {
    return weights ? 8.0 * double(quantisedBytes) / double(weights) : 0;
  }
};

/// Writes the model in `modelDir`, quantised, as a new directory `outDir`,
/// which must be new or empty. docs/quantization.md has the format. The
/// directory appears when it is whole: where `goOn` says no (false, without
/// `error`) or something fails (with `error`) there is nothing.
bool quantizeModel(llvm::StringRef modelDir, llvm::StringRef outDir,
                   const QuantizeOptions &options, ProgressFn progress,
                   llvm::function_ref<bool()> goOn, QuantizeReport &report,
                   std::string &error);

/// Whether a directory's config.json says that nothing is quantised, or
/// nothing that can be read; sets `error` where not.
bool isUnquantized(llvm::StringRef modelDir, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTIZEMODEL_H
