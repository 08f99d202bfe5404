//===- MatmulTable.h - Who was faster -------------------------*- C++ -*-===//
//
// Part of Marimba. Measured choices between generated kernels and the library:
// MatmulTable.def has those of the processors at hand, and `marimba bench
// --matrix --write-table` measures those of another (docs/benchmarks.md).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOONEDNN_MATMULTABLE_H
#define MARIMBA_LOWERING_CPU_MARIMBATOONEDNN_MATMULTABLE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace marimba::formats {
struct Layout;
} // namespace marimba::formats

namespace mlir::marimba {

/// Rows of a call where nobody knows how many there will be: many.
inline constexpr int64_t kManyRows = std::numeric_limits<int64_t>::max();

/// One measured product: `rows` rows of `inputs` times a weight of `channels`
/// channels, stored as `type` (weightTypeName), on the processor's `unit`.
struct MatmulMeasurement {
  std::string unit, type;
  int64_t rows = 0, inputs = 0, channels = 0;
  /// Who was faster, and the generated kernel's rate divided by the library's.
  bool generated = false;
  double ratio = 1;

  /// For a remark: "generated 1.12 times the library's rate for bf16, K 2560,
  /// N 10240, 512 rows on avx2".
  std::string reason() const;
};

/// Measurements, and which of them speaks for a product that is none of them.
///
/// As text, one measurement a line, the rest behind `#`:
///
///   unit type rows K N generated|library ratio
class MatmulTable {
public:
  MatmulTable() = default;
  explicit MatmulTable(std::vector<MatmulMeasurement> rows)
      : rows(std::move(rows)) {}

  /// Nothing, and `error` with `name` and the line, where `text` is no table.
  static std::optional<MatmulTable>
  parse(llvm::StringRef text, llvm::StringRef name, std::string &error);
  /// MatmulTable.def.
  static const MatmulTable &builtIn();

  /// Of this unit and type those with the most rows that are no more than
  /// `count`, or else the fewest; of these the largest weight that is no larger
  /// in either size, or else the smallest. Null where unit and type were not
  /// measured.
  const MatmulMeasurement *find(llvm::StringRef unit, llvm::StringRef type,
                                int64_t count, int64_t inputs,
                                int64_t channels) const;

  /// As parse() reads it.
  std::string text() const;

  llvm::ArrayRef<MatmulMeasurement> measurements() const { return rows; }

private:
  std::vector<MatmulMeasurement> rows;
};

/// What the table calls a weight of floating-point numbers ("f32", "bf16",
/// "f16"), or a quantised one by its bits and its group, 32 or 64 inputs or
/// none: "int8", "int4:64". Larger groups count as 64.
std::string weightTypeName(llvm::StringRef element,
                           const ::marimba::formats::Layout *quantized);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOONEDNN_MATMULTABLE_H
