//===- Matrix.h - Projections of every kind beside the limits ---*- C++ -*-===//
//
// Part of Marimba. What a cell counts stands in docs/benchmarks.md.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_MATRIX_H
#define MARIMBA_TOOLS_MEASURE_MATRIX_H

#include "lowering/CPU/MarimbaToOneDNN/MatmulTable.h"
#include "tools/libmarimba/Compiler.h"
#include "tools/measure/Limits.h"
#include "tools/measure/ModelWork.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <utility>
#include <vector>

namespace marimba {

/// Which cells to measure. Empty lists: all of the table in Matrix.cpp.
struct MatrixRequest {
  CompileOptions compile; // its route does not count
  unsigned threads = 1;
  std::vector<std::string> types; // names of matrixTypes()
  std::vector<int64_t> rows;
  std::vector<std::pair<int64_t, int64_t>> shapes; // inputs, channels
  /// Time that a route may take for a cell; three calls at least.
  double secondsPerCell = 0.15;
};

/// A way that products may go, as --matmul names it.
struct MatrixRoute {
  llvm::StringLiteral name;
  mlir::marimba::MatmulRoute route;
};

/// The routes that are held against each other, the generated one first.
llvm::ArrayRef<MatrixRoute> matrixRoutes();

/// One route's fastest call of a cell.
struct MatrixRun {
  std::string ran; // "generated", or oneDNN's name of its implementation
  double seconds = 0;
};

/// One product.
struct MatrixCell {
  std::string type;      // as the matrix names it
  std::string tableType; // as MatmulTable does
  int64_t rows = 0, inputs = 0, channels = 0;
  double flops = 0;
  ProductType multiplied = ProductType::F32;
  double bytes = 0;            // of the weight, as stored
  double allowed = 0;          // seconds
  std::vector<MatrixRun> runs; // one for each route

  double efficiency(size_t route) const {
    return allowed / runs[route].seconds;
  }
  /// The generated kernel's rate divided by the library's.
  double ratio() const { return runs[1].seconds / runs[0].seconds; }
};

struct MatrixResult {
  std::string unit; // matmulUnit()
  Limits limits;
  std::vector<MatrixCell> cells;

  /// Who was faster in each cell that the library computed on its route; each
  /// type of the table once.
  mlir::marimba::MatmulTable table() const;
};

/// Measures the limits, before and after, and all cells, the routes of a cell
/// in turns. False and `error`, which is empty where `keepGoing` ended it, if
/// that fails.
bool runMatrix(const MatrixRequest &request, MatrixResult &result,
               std::string &error, ProgressFn progress = {},
               llvm::function_ref<bool()> keepGoing = {});

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_MATRIX_H
