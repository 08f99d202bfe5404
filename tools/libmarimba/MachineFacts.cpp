//===- MachineFacts.cpp - What code is made for ---------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/MachineFacts.h"

#include "marimba/PrimitiveCache.h"
#include "marimba/Tiles.h"

using namespace marimba;
using mlir::marimba::PipelineOptions;

/// What oneDNN will do on this machine, where it may be told to use less than
/// there is, and whether the system lets this process use AMX's tiles. On
/// another they may use all that there is.
static void askMachine(PipelineOptions &pipeline,
                       const mlir::marimba::TargetOptions &machine) {
  if (!machine.cpu.empty() || !machine.features.empty())
    return;
  rt::OneDNNUnits units = rt::oneDNNUnits();
  pipeline.bf16Dots = pipeline.bf16Dots && units.bf16;
  pipeline.libraryBlocks = pipeline.libraryBlocks && units.f32;
  pipeline.libraryBytes = pipeline.libraryBytes && units.bytes;
  std::string refused;
  pipeline.tiles = pipeline.tiles && rt::mayUseTiles(refused);
}

void marimba::addMachineFacts(const mlir::marimba::Target &target,
                              const mlir::marimba::TargetOptions &machine,
                              PipelineOptions &pipeline) {
  target.addFacts(machine, pipeline);
  askMachine(pipeline, machine);
}
