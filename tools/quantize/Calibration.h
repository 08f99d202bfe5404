//===- Calibration.h - What projections multiply, of a text -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_CALIBRATION_H
#define MARIMBA_TOOLS_QUANTIZE_CALIBRATION_H

#include "tools/libmarimba/Compiler.h"
#include "tools/quantize/GramMatrix.h"
#include "llvm/ADT/StringMap.h"

#include <memory>
#include <string>
#include <vector>

namespace marimba {
class LoadedModel;

/// How to calibrate.
struct CalibrateOptions {
  /// The name of a text, for messages; empty: not at all.
  std::string file;
  std::string text; // UTF-8
  /// Tokens of it that are read, from its beginning.
  int64_t tokens = 16384;
  /// For the second moments of all inputs together. Inputs that do not fit, the
  /// widest first, have their squares alone.
  uint64_t bytes = uint64_t(4) << 30;
};

/// The second moments of the inputs of a model's projections.
class Calibration {
public:
  /// Runs `modelDir` on the text, and takes the moments of what the matrices
  /// multiply whose names `wanted` knows. Null where `goOn` said no, or with
  /// `error` set. Takes the memory that the model takes and that of the
  /// moments.
  static std::unique_ptr<Calibration>
  measure(llvm::StringRef modelDir, const CalibrateOptions &options,
          llvm::function_ref<bool(llvm::StringRef)> wanted, ProgressFn progress,
          llvm::function_ref<bool()> goOn, std::string &error);

  /// The moments of what the matrix multiplies, by the name of its tensor; null
  /// where nothing is known.
  const GramMatrix *find(llvm::StringRef weight) const {
    auto at = byWeight.find(weight);
    return at == byWeight.end() ? nullptr : &moments[at->second];
  }

  int64_t tokens() const { return seen; }

private:
  Calibration() = default;
  void allocate(llvm::ArrayRef<mlir::marimba::ProjectionInput> inputs,
                llvm::function_ref<bool(llvm::StringRef)> wanted,
                uint64_t bytes);
  bool run(LoadedModel &model, llvm::ArrayRef<int32_t> ids, ProgressFn progress,
           llvm::function_ref<bool()> goOn, std::string &error);

  /// The columns where each input begins: several where layers share a block.
  std::vector<std::vector<int64_t>> begins;
  std::vector<GramMatrix> moments;
  llvm::StringMap<size_t> byWeight;
  int64_t columns = 0, seen = 0;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_CALIBRATION_H
