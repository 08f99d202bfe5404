//===- BenchMatrix.h - marimba bench --matrix -------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_BENCHMATRIX_H
#define MARIMBA_TOOLS_MARIMBA_BENCHMATRIX_H

#include "tools/measure/Matrix.h"
#include "llvm/Support/JSON.h"

namespace marimba::driver {

/// Limits as all answers of `bench` have them.
llvm::json::Value jsonLimits(const Limits &limits);

/// The cells that lists of --matrix-types, --matrix-rows and --matrix-shapes
/// name, separated by commas; empty ones: all. Prints the error and returns
/// false where one is none.
bool parseCells(llvm::StringRef types, llvm::StringRef rows,
                llvm::StringRef shapes, MatrixRequest &request);

/// Measures and prints a table in Markdown, or JSON. Writes who was faster to
/// the file `table`, if it has a name. Returns the exit code.
int runMatrixCommand(const MatrixRequest &request, llvm::StringRef table,
                     bool json, bool quiet);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_BENCHMATRIX_H
