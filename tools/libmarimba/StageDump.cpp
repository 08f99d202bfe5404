//===- StageDump.cpp - The IR after every stage, in files -----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/StageDump.h"

#include "lowering/Pipelines.h"
#include "marimba/NewFile.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

mlir::LogicalResult StageDump::stageEnded(StringRef stage,
                                          mlir::ModuleOp module) {
  SmallString<128> path(folder);
  std::error_code code = sys::fs::create_directories(path);
  if (code) {
    error = (path + ": " + code.message()).str();
    return mlir::failure();
  }
  unsigned number = mlir::marimba::stageNumber(stage).value_or(0);
  sys::path::append(path, formatv("{0,0+2}-{1}.mlir", number, stage).str());
  std::string text, problem;
  raw_string_ostream os(text);
  mlir::OpPrintingFlags flags;
  flags.enableDebugInfo(/*enable=*/true, /*prettyForm=*/false);
  flags.printNameLocAsPrefix();
  module.print(os, flags);
  os << '\n';
  if (rt::writeWhole(path.str().str(), text, problem))
    return mlir::success();
  error = (path + ": " + problem).str();
  return mlir::failure();
}
