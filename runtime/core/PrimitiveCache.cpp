//===- PrimitiveCache.cpp - The cache of packed weights -------------------===//

#include "Conversion.h"
#include "PackedBlocks.h"
#include "PrimitiveCacheImpl.h"
#include "Team.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace marimba::rt {

using dnnl::memory;

std::shared_ptr<Packed> PrimitiveCache::Impl::pack(const StoredKey &key,
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
  copy->buffer = PackedBytes(std::move(*buffer));
  packInto(key, stored, wanted, copy->buffer.data());
  packed[key].push_back(copy);
  return copy;
}

void PrimitiveCache::Impl::packInto(const StoredKey &key,
                                    const memory::desc &stored,
                                    const memory::desc &wanted, void *data) {
  auto allocate = [](int64_t bytes) {
    std::optional<AlignedBuffer> buffer = AlignedBuffer::zeroed(bytes);
    if (!buffer)
      throw std::runtime_error("no memory for packing weights");
    return std::move(*buffer);
  };
  if (forgotten.contains(key.data))
    throw std::runtime_error("a weight is wanted in a second layout, but only "
                             "its first packed copy was kept");
  auto place = places.find(key.data);
  const void *source = place == places.end() ? key.data : place->second;
  memory::desc sourceDesc = stored;
  int threads = team::inside() ? 1 : team::defaultSize();
  for (int32_t type : {MARIMBA_F32, MARIMBA_BF16})
    if (key.k > 0 && dnn::typeOf(wanted) == dnn::dataType(type) &&
        wanted == dnn::blockedWeights(key.k, key.n, type))
      return packBlocks({source, key.n, key.k, key.k, key.type}, type, data,
                        threads);
  AlignedBuffer copy;
  auto size = dtypeSize(static_cast<MarimbaDType>(key.type));
  if (key.type != MARIMBA_F32 &&
      dnn::typeOf(wanted) != dnn::dataType(key.type)) {
    // The library converts one element after the other, or not at all: 1.7 s
    // for 2560 x 10240, where this and its reorder of f32 take 0.1 s.
    bool bias = key.k == 0;
    int64_t rows = bias ? 1 : key.n, columns = bias ? key.n : key.k;
    copy = allocate(rows * columns * 4);
    convertRows({source, rows, columns, columns, key.type},
                {copy.data(), rows, columns, columns, MARIMBA_F32}, threads);
    sourceDesc = bias ? dnn::matrix(1, key.n, key.n, MARIMBA_F32)
                      : dnn::storedWeights(key.k, key.n, MARIMBA_F32);
    source = copy.data();
  } else if (reinterpret_cast<uintptr_t>(source) %
                 static_cast<uintptr_t>(size) !=
             0) {
    // What a file holds need not be aligned.
    copy = allocate(static_cast<int64_t>(stored.get_size()));
    std::memcpy(copy.data(), source, stored.get_size());
    source = copy.data();
  }
  dnn::Reorder reorder = dnn::makeReorder(engine, sourceDesc, wanted);
  AlignedBuffer scratch = allocate(reorder.scratchBytes);
  dnnl::stream stream(engine);
  memory from(sourceDesc, engine, const_cast<void *>(source));
  memory to(wanted, engine, data);
  memory pad(memory::desc({std::max<int64_t>(reorder.scratchBytes, 1)},
                          memory::data_type::u8, memory::format_tag::a),
             engine, scratch.data());
  reorder.primitive.execute(
      stream,
      {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, pad}});
  stream.wait();
}

void PrimitiveCache::Impl::adopt(const StoredKey &key,
                                 std::shared_ptr<Packed> copy) {
  std::unique_lock lock(mutex);
  std::vector<std::shared_ptr<Packed>> &copies = packed[key];
  // Two weights of a description may be one tensor of the checkpoint.
  if (std::none_of(copies.begin(), copies.end(),
                   [&](auto &other) { return other->desc == copy->desc; }))
    copies.push_back(std::move(copy));
}

PrimitiveCache::PrimitiveCache() : state(std::make_unique<Impl>()) {}
PrimitiveCache::~PrimitiveCache() = default;

PrimitiveCache::Stats PrimitiveCache::stats() const {
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
  // Without a kernel for bytes a plan of them has none: f32 is computed.
  for (const auto &[spec, plan] : state->integerPlans)
    result.primitives += plan->matmul.has_value();
  for (const auto &[name, calls] : state->implementations) {
    result.implementations.push_back(name);
    result.calls.emplace(name, calls.load(std::memory_order_relaxed));
  }
  return result;
}

} // namespace marimba::rt
