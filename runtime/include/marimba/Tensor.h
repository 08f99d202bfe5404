//===- Tensor.h - Helpers for the interface's tensors -----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TENSOR_H
#define MARIMBA_RUNTIME_TENSOR_H

#include "marimba/abi.h"
#include "marimba/formats/Scalar.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace marimba::rt {

/// Bytes of one element.
int64_t dtypeSize(MarimbaDType dtype);
/// "f32", "f16", "bf16", "i32", "i64" or "i8".
std::string_view dtypeName(MarimbaDType dtype);
/// The inverse of dtypeName; nothing where the name is unknown.
std::optional<MarimbaDType> parseDtype(std::string_view name);

/// The type of such numbers.
MarimbaDType dtypeOf(formats::Scalar type);

/// Product of `shape`; nothing where a size is negative or it overflows.
std::optional<int64_t> elementCount(std::span<const int64_t> shape);
/// "[2, 3]"; dynamic sizes (negative) print as "?".
std::string shapeText(std::span<const int64_t> shape);

/// A dense row-major view of `data`. `shape` has at most MARIMBA_MAX_RANK
/// sizes.
MarimbaTensor makeTensor(void *data, MarimbaDType dtype,
                         std::span<const int64_t> shape);

/// Asks for large pages behind `bytes` of memory. A kernel walks over hundreds
/// of rows that are pages apart: with small pages each row costs a walk of the
/// page table.
void adviseHugePages(void *data, int64_t bytes);

/// Memory aligned to MARIMBA_ALIGNMENT and filled with zeros. Empty buffers
/// point to valid memory as well. Of a large one each page becomes memory when
/// it is first written: what is never used costs nothing.
class AlignedBuffer {
public:
  AlignedBuffer() = default;
  /// Nothing where the system has not that much memory (`bytes` in bytes).
  static std::optional<AlignedBuffer> zeroed(int64_t bytes);

  char *data() const { return memory.get(); }
  int64_t size() const { return byteCount; }

private:
  struct Free {
    size_t mapped; // bytes of a mapping; 0: from the heap
    void operator()(char *pointer) const;
  };
  std::unique_ptr<char, Free> memory;
  int64_t byteCount = 0;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_TENSOR_H
