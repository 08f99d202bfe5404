//===- GgufProbe.h - A planned GGUF file, read back -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_GGUFPROBE_H
#define MARIMBA_TOOLS_QUANTIZE_GGUFPROBE_H

#include "importer/hub/ModelDirectory.h"
#include "tools/quantize/GgufPlan.h"

#include <optional>

namespace marimba {

/// The file of a plan as the importer sees it: all of F32 and, but for numbers
/// that the plan has itself, without data. It takes no disk space.
class GgufProbe {
public:
  /// Nothing, with `error` set, where it cannot be made or is not understood.
  static std::optional<GgufProbe> create(const GgufPlan &plan,
                                         std::string &error);
  GgufProbe(GgufProbe &&other) noexcept;
  GgufProbe &operator=(GgufProbe &&) = delete;
  ~GgufProbe();

  mlir::marimba::ModelDirectory &directory() { return *opened; }
  /// Whether it is the model that `info` describes; `error` says what is not.
  bool isModel(const mlir::marimba::ModelInfo &info, std::string &error) const;

private:
  GgufProbe() = default;
  std::string path() const;

  int file = -1;
  std::optional<mlir::marimba::ModelDirectory> opened;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_GGUFPROBE_H
