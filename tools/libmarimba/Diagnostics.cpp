//===- Diagnostics.cpp - MLIR's diagnostics as one message ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;

/// Where a diagnostic points: a place in a file, else a name, else nothing.
static void printPlace(llvm::raw_ostream &os, mlir::Location location) {
  if (auto place = location->findInstanceOf<mlir::FileLineColLoc>())
    os << place.getFilename().getValue() << ':' << place.getLine() << ':'
       << place.getColumn() << ": ";
  else if (auto name = location->findInstanceOf<mlir::NameLoc>()) {
    // A part of a layer: the layer first.
    if (auto around = name.getChildLoc()->findInstanceOf<mlir::NameLoc>())
      os << around.getName().getValue() << '.';
    os << name.getName().getValue() << ": ";
  }
}

static std::string describe(mlir::Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printPlace(os, diagnostic.getLocation());
  os << diagnostic;
  for (mlir::Diagnostic &note : diagnostic.getNotes()) {
    os << "\nnote: ";
    printPlace(os, note.getLocation());
    os << note;
  }
  return text;
}

ErrorCollector::ErrorCollector(mlir::MLIRContext &context)
    : handler(&context, [this](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
          return mlir::failure();
        if (first.empty())
          first = describe(diagnostic);
        return mlir::success();
      }) {}

std::string ErrorCollector::text(llvm::StringRef otherwise) const {
  return first.empty() ? otherwise.str() : first;
}

RemarkPrinter::RemarkPrinter(mlir::MLIRContext &context)
    : handler(&context, [](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Remark)
          return mlir::failure();
        llvm::errs() << "remark: " << describe(diagnostic) << '\n';
        return mlir::success();
      }) {
  mlir::remark::RemarkCategories categories;
  categories.passed = categories.missed = ".*";
  // Cannot fail without a file to write to.
  (void)mlir::remark::enableOptimizationRemarks(
      context, /*streamer=*/nullptr,
      std::make_unique<mlir::remark::RemarkEmittingPolicyAll>(), categories,
      /*printAsEmitRemarks=*/true);
}
