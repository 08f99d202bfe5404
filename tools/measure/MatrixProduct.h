//===- MatrixProduct.h - One projection, compiled and called ----*- C++ -*-===//
//
// Part of Marimba. Private to Matrix.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_MATRIXPRODUCT_H
#define MARIMBA_TOOLS_MEASURE_MATRIXPRODUCT_H

#include "tools/libmarimba/JitCode.h"

#include "marimba/Context.h"
#include "marimba/Description.h"
#include "marimba/Tensor.h"
#include "marimba/Weights.h"
#include "marimba/abi.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <string>
#include <vector>

namespace marimba {

/// How the matrix stores weights.
struct MatrixType {
  llvm::StringLiteral name;     // for people and --matrix-types
  llvm::StringLiteral element;  // of the tensor's type
  llvm::StringLiteral encoding; // of a quantised one; empty: none
  bool besideBF16; // whether models with such weights store others as bf16
};

/// All types that are measured.
llvm::ArrayRef<MatrixType> matrixTypes();

/// y [rows, channels] = x [rows, inputs] times a random weight, through all
/// stages, for a team.
class MatrixProduct {
public:
  /// Compiles it for `machine`, whose facts `pipeline` has. Null and `error`
  /// where that fails.
  static std::unique_ptr<MatrixProduct>
  create(const MatrixType &type, int64_t inputs, int64_t channels,
         const mlir::marimba::PipelineOptions &pipeline,
         const mlir::marimba::TargetOptions &machine, std::string &error);

  /// Bytes of the weight as it is stored, and how, where it is quantised.
  int64_t weightBytes() const { return bytes; }
  const formats::Layout *quantized() const {
    return layout ? &*layout : nullptr;
  }

  /// Makes `copies` of the weight, which calls take in turns.
  bool makeWeights(int64_t copies, std::string &error);

  /// Makes room for calls of `rows` rows: those of a batch with a token each up
  /// to kMostBatchRows, tokens of one sequence beyond. Calls once with every
  /// copy of the weight that was not packed yet, at least one.
  bool prepare(int64_t rows, std::string &error);

  /// One call: its seconds. 0 and `error` where it fails.
  double call(std::string &error);

  /// Who computed the last call of prepare(): oneDNN's name of its
  /// implementation, or "generated".
  const std::string &ran() const { return implementation; }

  /// Whether the last call wrote numbers, some of them not zero.
  bool sane() const;

  static constexpr int64_t kMostBatchRows = 16;

private:
  MatrixProduct() = default;
  bool run(const rt::Weights &weights, llvm::StringRef entry,
           llvm::ArrayRef<MarimbaTensor> args, std::string &error);
  bool derive(const rt::Weights &weights, std::string &error);

  int threads = 1;
  int64_t inputs = 0, channels = 0, bytes = 0;
  std::optional<formats::Layout> layout;
  CodePtr code;
  rt::ModuleTables tables;
  // In this order: packed copies are found by the addresses of weights.
  std::vector<std::unique_ptr<rt::Weights>> weights;
  std::shared_ptr<rt::PrimitiveCache> library;
  std::unique_ptr<rt::Context> context;
  rt::AlignedBuffer x, y;
  int64_t rows = 0;
  std::vector<MarimbaTensor> args;
  bool batch = false, packed = false;
  size_t turn = 0;
  std::string implementation;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_MATRIXPRODUCT_H
