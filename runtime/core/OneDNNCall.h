//===- OneDNNCall.h - One call's way to the library -------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_ONEDNNCALL_H
#define MARIMBA_RUNTIME_CORE_ONEDNNCALL_H

#include "Conversion.h"
#include "PrimitiveCacheImpl.h"
#include "marimba/Context.h"
#include "marimba/abi.h"

#include <algorithm>
#include <new>
#include <string>
#include <type_traits>

namespace marimba::rt {

PrimitiveCache::Impl &primitivesOf(MarimbaContext *ctx);

/// `elements` of `type` from `data` on, where that is not null.
template <typename Pointer>
Pointer advance(Pointer data, int32_t type, int64_t elements) {
  using Byte =
      std::conditional_t<std::is_const_v<std::remove_pointer_t<Pointer>>,
                         const char, char>;
  return data ? static_cast<Byte *>(data) +
                    elements * dtypeSize(static_cast<MarimbaDType>(type))
              : data;
}

/// One call's way to the library: its team, its stream, its scratch memory.
/// What it says throws; where the arena ends, the context has the error.
class Call {
public:
  explicit Call(MarimbaContext *ctx);

  /// `bytes` of scratch; the caller restores the arena.
  void *scratch(int64_t bytes) {
    void *memory = allocateScratch(ctx, std::max<int64_t>(bytes, 1));
    if (!memory)
      throw std::bad_alloc();
    return memory;
  }
  dnnl::memory scratchMemory(int64_t bytes);
  dnnl::memory view(const dnnl::memory::desc &desc, const void *data) const {
    return dnnl::memory(desc, library.engine, const_cast<void *>(data));
  }

  /// Copies rows, converting between types.
  void copy(const Rows &from, const Rows &to);
  /// `from` with rows `stride` apart, in `type`: itself, or a copy in scratch
  /// memory.
  const void *as(const Rows &from, int64_t stride, int32_t type);

  /// One matmul over `rows` rows; of `args` it takes no batch.
  void multiply(const MarimbaMatmul &args, int64_t rows);

  MarimbaContext *ctx;
  PrimitiveCache::Impl &library;
  dnnl::stream stream;
  int team;
};

/// Runs `body`; what it throws becomes the context's error, "`what`: ...".
template <typename Body, typename What>
void guarded(MarimbaContext *ctx, Body body, What what) {
  int64_t mark = ctx->arenaTop;
  std::string message;
  try {
    body();
    return;
  } catch (const dnnl::error &error) {
    message = "oneDNN: " + std::string(error.what()) + " (status " +
              std::to_string(static_cast<int>(error.status)) + ")";
  } catch (const std::exception &error) {
    message = error.what();
  }
  ctx->arenaTop = mark;
  setError(ctx, MARIMBA_ERROR_LIBRARY, what() + ": " + message);
}

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_ONEDNNCALL_H
