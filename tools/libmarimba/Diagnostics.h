//===- Diagnostics.h - MLIR's diagnostics as one message --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_DIAGNOSTICS_H
#define MARIMBA_TOOLS_LIBMARIMBA_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace marimba {

/// Keeps the first error that a context reports while the object lives; later
/// ones mostly follow from it. Warnings and remarks pass by.
class ErrorCollector {
public:
  explicit ErrorCollector(mlir::MLIRContext &context);

  /// `<file>:<line>:<column>: <message>` with its notes on further lines, or
  /// `otherwise` where no error was reported.
  std::string text(llvm::StringRef otherwise) const;

private:
  std::string first;
  mlir::ScopedDiagnosticHandler handler;
};

/// Lets passes say why they did what they did: while the object lives, remarks
/// of `context` go to stderr, `remark: <place>: <text>`.
class RemarkPrinter {
public:
  explicit RemarkPrinter(mlir::MLIRContext &context);

private:
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_DIAGNOSTICS_H
