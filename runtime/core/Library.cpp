//===- Library.cpp - Caches of packed weights and primitives --------------===//

#include "LibraryImpl.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace marimba::rt {

using dnnl::memory;

namespace {
/// Past this, the cached primitives are dropped and made anew (1 ms each).
constexpr size_t kMostPrimitives = 4096;
} // namespace

template <typename Map, typename Key, typename Make>
typename Map::mapped_type Library::Impl::cached(Map &map, const Key &key,
                                                Make make) {
  {
    std::shared_lock lock(mutex);
    if (auto it = map.find(key); it != map.end())
      return it->second;
  }
  std::unique_lock lock(mutex);
  if (auto it = map.find(key); it != map.end())
    return it->second;
  if (map.size() >= kMostPrimitives)
    map.clear();
  return map[key] = make();
}

std::shared_ptr<const Plan> Library::Impl::plan(const dnn::MatmulSpec &spec) {
  return cached(plans, spec, [&] {
    auto plan = std::make_shared<Plan>();
    plan->matmul = dnn::makeMatmul(engine, spec);
    if (spec.xStride != spec.k || spec.yStride != spec.n) {
      // A blocked kernel is worth the copies, and shares its packed weights
      // with the dense case; without one, strides cost nothing.
      dnn::MatmulSpec denseSpec = spec;
      denseSpec.xStride = spec.k;
      denseSpec.yStride = spec.n;
      dnn::Matmul dense = dnn::makeMatmul(engine, denseSpec);
      auto blocked = [](const dnn::Matmul &matmul) {
        return matmul.implementation.starts_with("brg");
      };
      if (blocked(dense) && !blocked(plan->matmul)) {
        plan->matmul = std::move(dense);
        plan->copyX = spec.xStride != spec.k;
        plan->copyY = spec.yStride != spec.n;
      }
    }
    implementations.insert(plan->matmul.implementation);
    return plan;
  });
}

std::shared_ptr<const dnn::Reorder> Library::Impl::copy(const CopyKey &key) {
  return cached(copies, key, [&] {
    return std::make_shared<const dnn::Reorder>(dnn::makeReorder(
        engine,
        dnn::matrix(key.rows, key.columns, key.fromStride, key.fromType),
        dnn::matrix(key.rows, key.columns, key.toStride, key.toType)));
  });
}

std::shared_ptr<Packed> Library::Impl::pack(const StoredKey &key,
                                            const memory::desc &stored,
                                            const memory::desc &wanted) {
  auto find = [&]() -> std::shared_ptr<Packed> {
    if (auto it = packed.find(key); it != packed.end())
      for (const std::shared_ptr<Packed> &copy : it->second)
        if (copy->desc == wanted)
          return copy;
    return nullptr;
  };
  {
    std::shared_lock lock(mutex);
    if (auto copy = find())
      return copy;
  }
  std::unique_lock lock(mutex);
  if (auto copy = find())
    return copy;
  auto bytes = static_cast<int64_t>(wanted.get_size());
  std::optional<AlignedBuffer> buffer = AlignedBuffer::zeroed(bytes);
  if (!buffer)
    throw std::runtime_error("no memory for " + std::to_string(bytes) +
                             " bytes of packed weights");
  auto copy = std::make_shared<Packed>();
  copy->desc = wanted;
  copy->buffer = std::move(*buffer);
  dnn::Reorder reorder = dnn::makeReorder(engine, stored, wanted);
  std::optional<AlignedBuffer> scratch =
      AlignedBuffer::zeroed(reorder.scratchBytes);
  if (!scratch)
    throw std::runtime_error("no memory for packing weights");
  dnnl::stream stream(engine);
  memory from(stored, engine, const_cast<void *>(key.data));
  memory to(wanted, engine, copy->buffer.data());
  memory pad(memory::desc({std::max<int64_t>(reorder.scratchBytes, 1)},
                          memory::data_type::u8, memory::format_tag::a),
             engine, scratch->data());
  reorder.primitive.execute(
      stream,
      {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, pad}});
  stream.wait();
  packed[key].push_back(copy);
  return copy;
}

Library::Library() : state(std::make_unique<Impl>()) {}
Library::~Library() = default;

Library::Stats Library::stats() const {
  std::shared_lock lock(state->mutex);
  Stats result;
  for (const auto &[key, copies] : state->packed) {
    if (key.k > 0) {
      ++result.packedWeights;
      result.secondCopies += static_cast<int64_t>(copies.size()) - 1;
    }
    for (const auto &copy : copies)
      result.packedBytes += copy->buffer.size();
  }
  result.primitives = static_cast<int64_t>(state->plans.size());
  result.implementations.assign(state->implementations.begin(),
                                state->implementations.end());
  return result;
}

} // namespace marimba::rt
