//===- PrimitiveCacheImpl.h - Primitives and packed weights -----*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_PRIMITIVECACHEIMPL_H
#define MARIMBA_RUNTIME_CORE_PRIMITIVECACHEIMPL_H

#include "DnnlPrimitives.h"
#include "StoredMatrices.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/Tensor.h"

#include <atomic>
#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace marimba::rt {

/// A stored tensor: a weight [n, k], or a bias [n] with k = 0.
struct StoredKey {
  const void *data;
  int64_t k, n;
  int32_t type;
  auto operator<=>(const StoredKey &) const = default;
};

/// Copies between [rows, columns] matrices that differ in strides or types.
struct CopyKey {
  int64_t rows, columns, fromStride, toStride;
  int32_t fromType, toType; // MarimbaDType
  int team;
  auto operator<=>(const CopyKey &) const = default;
};

/// Blocks of bytes [k, n], part of a weight with `allK` inputs, as f32 [k, n].
struct WidenKey {
  int64_t k, n, allK;
  int team;
  auto operator<=>(const WidenKey &) const = default;
};
struct Widening {
  dnnl::memory::desc from, to;
  dnn::Reorder reorder;
};

/// How one shape is computed: by a kernel for `spec`, which differs from what
/// was asked for where the library has no fast kernel for that. x, y and the
/// operands of post-ops are then copied, to or from scratch memory with the
/// strides and types of `spec`; a sum may be an addition of such a copy of y.
struct Plan {
  dnn::MatmulSpec spec;
  dnn::Matmul matmul;
  std::atomic<int64_t> *calls = nullptr; // of its implementation
};

/// How one shape of bytes is computed: by a kernel over blocks of bytes, or,
/// where the library has none, in f32.
struct IntegerPlan {
  std::optional<dnn::Matmul> matmul;
  std::atomic<int64_t> *calls = nullptr; // of its implementation; may be null
};

/// Packed bytes: our own, or part of a mapped file.
class PackedBytes {
public:
  PackedBytes() = default;
  explicit PackedBytes(AlignedBuffer own)
      : view{own.data(), static_cast<size_t>(own.size())}, own(std::move(own)) {
  }
  PackedBytes(std::span<const char> view, std::shared_ptr<const void> owner)
      : view(view), owner(std::move(owner)) {}

  /// Not to be written to; the library takes no pointer to const.
  char *data() const { return const_cast<char *>(view.data()); }
  int64_t size() const { return static_cast<int64_t>(view.size()); }

private:
  std::span<const char> view;
  AlignedBuffer own;
  std::shared_ptr<const void> owner;
};

struct Packed {
  dnnl::memory::desc desc;
  PackedBytes buffer;
};

/// Everything here throws (dnnl::error, std::runtime_error) and locks itself.
struct PrimitiveCache::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  mutable std::shared_mutex mutex;
  std::map<StoredKey, std::vector<std::shared_ptr<Packed>>> packed;
  std::map<dnn::MatmulSpec, std::shared_ptr<const Plan>> plans;
  std::map<dnn::MatmulSpec, std::shared_ptr<const IntegerPlan>> integerPlans;
  std::map<CopyKey, std::shared_ptr<const dnn::Reorder>> copies;
  std::map<WidenKey, std::shared_ptr<const Widening>> widenings;
  /// How often each was called. Entries stay, so that plans may point to them.
  std::map<std::string, std::atomic<int64_t>> implementations;
  /// Where keys are stored that are addresses only (Stacks::InPlace).
  std::unordered_map<const void *, const void *> places;
  /// Keys whose memory was given back once they were packed.
  std::unordered_set<const void *> forgotten;
  /// Those that code reads where they are stored.
  StoredMatrices storedMatrices;

  std::shared_ptr<const Plan> plan(const dnn::MatmulSpec &spec);
  std::shared_ptr<const IntegerPlan> integerPlan(const dnn::MatmulSpec &spec);
  std::shared_ptr<const dnn::Reorder> copy(const CopyKey &key);
  std::shared_ptr<const Widening> widening(const WidenKey &key);
  /// The layout that matmuls computing in `type` like best for their weights;
  /// it does not depend on the number of rows (docs/cache.md).
  dnnl::memory::desc packedWeights(int64_t k, int64_t n, int32_t type) const;
  /// The copy of `key`, which is stored as `stored`, laid out and typed as
  /// `wanted`; packs it at first use.
  std::shared_ptr<Packed> pack(const StoredKey &key,
                               const dnnl::memory::desc &stored,
                               const dnnl::memory::desc &wanted);
  /// Copies `key`, re-laid out, to `to`. Does not lock.
  void packInto(const StoredKey &key, const dnnl::memory::desc &stored,
                const dnnl::memory::desc &wanted, void *to);
  /// Takes a packed copy that is there already.
  void adopt(const StoredKey &key, std::shared_ptr<Packed> copy);

  /// The value of `key` in one of the maps, made by `make` at first use.
  template <typename Map, typename Key, typename Make>
  typename Map::mapped_type cached(Map &map, const Key &key, Make make);
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_PRIMITIVECACHEIMPL_H
