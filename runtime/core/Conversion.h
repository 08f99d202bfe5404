//===- Conversion.h - Rows in another type ----------------------*- C++ -*-===//
//
// What oneDNN does one element after the other, at 20 to 100 ns each: with less
// than AVX-512 all that has bf16 on one side, and f16 everywhere.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CORE_CONVERSION_H
#define MARIMBA_RUNTIME_CORE_CONVERSION_H

#include <cstdint>

namespace marimba::rt {

/// A [rows, columns] matrix in memory, rows `stride` elements apart, aligned or
/// not.
struct Rows {
  const void *data;
  int64_t rows, columns, stride;
  int32_t type; // MarimbaDType
};

/// Whether convertRows() knows a way between two types: from one to itself,
/// between f32 and bf16, from f16 to f32.
bool canConvert(int32_t from, int32_t to);

/// Writes `from` to the memory of `to`, to the nearest with ties to even, by a
/// team of `threads`. Between two types that canConvert().
void convertRows(const Rows &from, const Rows &to, int threads);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_CONVERSION_H
