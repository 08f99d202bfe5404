//===- Tensor.cpp - Helpers for the interface's tensors -------------------===//

#include "marimba/Tensor.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace marimba::rt {

namespace {
struct DtypeRow {
  MarimbaDType dtype;
  std::string_view name;
  int64_t size;
};
constexpr DtypeRow dtypeRows[] = {
    {MARIMBA_F32, "f32", 4}, {MARIMBA_F16, "f16", 2}, {MARIMBA_BF16, "bf16", 2},
    {MARIMBA_I32, "i32", 4}, {MARIMBA_I64, "i64", 8}, {MARIMBA_I8, "i8", 1},
};

constexpr int64_t kHugePage = int64_t(2) << 20;
} // namespace

int64_t dtypeSize(MarimbaDType dtype) {
  for (const DtypeRow &row : dtypeRows)
    if (row.dtype == dtype)
      return row.size;
  return 0;
}

std::string_view dtypeName(MarimbaDType dtype) {
  for (const DtypeRow &row : dtypeRows)
    if (row.dtype == dtype)
      return row.name;
  return "unknown";
}

std::optional<MarimbaDType> parseDtype(std::string_view name) {
  for (const DtypeRow &row : dtypeRows)
    if (row.name == name)
      return row.dtype;
  return std::nullopt;
}

MarimbaDType dtypeOf(formats::Scalar type) {
  switch (type) {
  case formats::Scalar::F32:
    return MARIMBA_F32;
  case formats::Scalar::F16:
    return MARIMBA_F16;
  case formats::Scalar::BF16:
    return MARIMBA_BF16;
  case formats::Scalar::E8M0:
  case formats::Scalar::E4M3:
    return MARIMBA_I8;
  }
  return MARIMBA_F32;
}

std::optional<int64_t> elementCount(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, size, &count))
      return std::nullopt;
  return count;
}

std::string shapeText(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i)
      text += ", ";
    text += shape[i] < 0 ? "?" : std::to_string(shape[i]);
  }
  return text + "]";
}

MarimbaTensor makeTensor(void *data, MarimbaDType dtype,
                         std::span<const int64_t> shape) {
  assert(shape.size() <= MARIMBA_MAX_RANK);
  MarimbaTensor tensor = {};
  tensor.data = data;
  tensor.dtype = dtype;
  tensor.rank = static_cast<int32_t>(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    tensor.sizes[i] = shape[i];
    tensor.strides[i] = stride;
    stride *= shape[i];
  }
  return tensor;
}

void adviseHugePages(void *data, int64_t bytes) {
  // Only advice: a kernel without huge pages answers with an error.
  (void)madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE);
}

/// Zeros that become memory when they are touched, aligned to large pages; null
/// where the system refuses. `bytes` is a multiple of kHugePage.
static char *mapZeros(size_t bytes) {
  size_t all = bytes + kHugePage;
  void *base = mmap(nullptr, all, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return nullptr;
  auto *begin = static_cast<char *>(base);
  size_t before = -reinterpret_cast<uintptr_t>(begin) % kHugePage;
  if (before)
    munmap(begin, before);
  munmap(begin + before + bytes, kHugePage - before);
  return begin + before;
}

void AlignedBuffer::Free::operator()(char *pointer) const {
  if (mapped)
    munmap(pointer, mapped);
  else
    std::free(pointer);
}

std::optional<AlignedBuffer> AlignedBuffer::zeroed(int64_t bytes) {
  int64_t rounded = 0;
  if (bytes < 0 || __builtin_add_overflow(bytes, 2 * kHugePage, &rounded))
    return std::nullopt;
  bool large = bytes >= kHugePage;
  size_t unit = large ? kHugePage : MARIMBA_ALIGNMENT;
  size_t size = (std::max<size_t>(bytes, 1) + unit - 1) / unit * unit;
  auto *pointer = large ? mapZeros(size)
                        : static_cast<char *>(std::aligned_alloc(unit, size));
  if (!pointer)
    return std::nullopt;
  if (large) // whole pages only: a model has hundreds of ends
    adviseHugePages(pointer, bytes / int64_t{kHugePage} * int64_t{kHugePage});
  else
    std::memset(pointer, 0, size);
  AlignedBuffer buffer;
  buffer.memory = {pointer, Free{large ? size : 0}};
  buffer.byteCount = bytes;
  return buffer;
}

} // namespace marimba::rt
