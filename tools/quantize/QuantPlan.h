//===- QuantPlan.h - Which weights of a model are quantised -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTPLAN_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTPLAN_H

#include "importer/Importer.h"
#include "tools/quantize/Calibration.h"
#include "tools/quantize/QuantizedMatrix.h"

#include <optional>
#include <string>
#include <vector>

namespace marimba {

/// What to make of a model.
struct QuantizeOptions {
  Encoding layers;
  /// Of the embedding and the output head; none: they stay.
  std::optional<Encoding> head;
  QuantMethod method = QuantMethod::Search;
  CalibrateOptions calibrate;
  /// Regular expressions; tensors that one matches stay.
  std::vector<std::string> keep;
};

/// A matrix [rows,inputs] of the checkpoint that is quantised.
struct PlannedMatrix {
  std::string name; // its tensors' without suffix
  const mlir::marimba::WeightSource *source;
  int64_t rows, inputs;
  Encoding format;

  Layout layout() const { return Layout::of(format, rows, inputs); }
};

struct QuantPlan {
  /// In the order of the new file: experts of a stack follow each other.
  std::vector<PlannedMatrix> matrices;
  /// Weights that stay as they are, by their names.
  std::vector<const mlir::marimba::WeightSource *> kept;
};

/// Finds the matrices by what `module` does with them: operands of projections,
/// of experts, and of the embedding are quantised, but neither routers nor the
/// small projections of a state-space layer's parameters (x_proj, dt_proj). Of
/// experts all stay where one does; the module must have been imported with
/// ImportOptions::apartExperts. `sources` must outlive the plan. False,
/// with `error` set, where an expression is none or decides nothing.
bool planQuantization(mlir::ModuleOp module,
                      const std::vector<mlir::marimba::WeightSource> &sources,
                      const QuantizeOptions &options, QuantPlan &plan,
                      std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTPLAN_H
