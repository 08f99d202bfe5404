//===- StageDump.h - The IR after every stage, in files ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_STAGEDUMP_H
#define MARIMBA_TOOLS_LIBMARIMBA_STAGEDUMP_H

#include "lowering/Target/StageInstrumentation.h"
#include <string>

namespace marimba {

/// Writes NN-<stage>.mlir into a folder, which is made, with locations. Where
/// that fails, the pipeline does, and `error` says why; it must outlive this.
class StageDump : public mlir::marimba::StageInstrumentation {
public:
  StageDump(llvm::StringRef folder, std::string &error)
      : folder(folder.str()), error(error) {}

  mlir::LogicalResult stageEnded(llvm::StringRef stage,
                                 mlir::ModuleOp module) override;

private:
  std::string folder;
  std::string &error;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_STAGEDUMP_H
