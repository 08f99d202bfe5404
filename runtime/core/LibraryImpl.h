//===- LibraryImpl.h - Caches of packed weights and primitives --*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_LIBRARYIMPL_H
#define MARIMBA_RUNTIME_CORE_LIBRARYIMPL_H

#include "DnnlPrimitives.h"
#include "marimba/Library.h"
#include "marimba/Tensor.h"

#include <compare>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
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

/// How one shape is computed. oneDNN's best kernels want dense rows: strided
/// operands are then copied to or from scratch memory.
struct Plan {
  dnn::Matmul matmul;
  bool copyX = false, copyY = false;
};

struct Packed {
  dnnl::memory::desc desc;
  AlignedBuffer buffer;
};

/// Everything here throws (dnnl::error, std::runtime_error) and locks itself.
struct Library::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  mutable std::shared_mutex mutex;
  std::map<StoredKey, std::vector<std::shared_ptr<Packed>>> packed;
  std::map<dnn::MatmulSpec, std::shared_ptr<const Plan>> plans;
  std::map<CopyKey, std::shared_ptr<const dnn::Reorder>> copies;
  std::set<std::string> implementations;

  std::shared_ptr<const Plan> plan(const dnn::MatmulSpec &spec);
  std::shared_ptr<const dnn::Reorder> copy(const CopyKey &key);
  /// The copy of `key`, which is stored as `stored`, laid out and typed as
  /// `wanted`; packs it at first use.
  std::shared_ptr<Packed> pack(const StoredKey &key,
                               const dnnl::memory::desc &stored,
                               const dnnl::memory::desc &wanted);

  /// The value of `key` in one of the maps, made by `make` at first use.
  template <typename Map, typename Key, typename Make>
  typename Map::mapped_type cached(Map &map, const Key &key, Make make);
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_LIBRARYIMPL_H
