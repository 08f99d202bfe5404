//===- PipelineOptions.cpp - How a module is compiled ---------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Target/PipelineOptions.h"

using namespace mlir;
using namespace mlir::marimba;

PipelineOptions::PipelineOptions() = default;
PipelineOptions::~PipelineOptions() = default;

PipelineOptions::PipelineOptions(const PipelineOptions &other)
    : mlir::detail::PassOptions(), PassPipelineOptions<PipelineOptions>() {
  copyOptionValuesFrom(other);
}

PipelineOptions &PipelineOptions::operator=(const PipelineOptions &other) {
  copyOptionValuesFrom(other);
  return *this;
}
