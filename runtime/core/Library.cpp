//===- Library.cpp - Caches of packed weights and primitives --------------===//

#include "LibraryImpl.h"
#include "Team.h"

#include <algorithm>
#include <bit>
#include <cstring>
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

std::shared_ptr<const dnn::Matmul>
Library::Impl::integerPlan(const dnn::MatmulSpec &spec) {
  return cached(integerPlans, spec, [&] {
    auto matmul = std::make_shared<const dnn::Matmul>(
        dnn::makeIntegerMatmul(engine, spec));
    implementations.insert(matmul->implementation);
    return matmul;
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
  copy->buffer = PackedBytes(std::move(*buffer));
  packInto(key, stored, wanted, copy->buffer.data());
  packed[key].push_back(copy);
  return copy;
}

/// bf16 at `from`, aligned or not, as f32, by the team.
static void widen(const void *from, float *to, int64_t count) {
  struct Work {
    const char *from;
    float *to;
    int64_t count;
  } work = {static_cast<const char *>(from), to, count};
  auto run = [](void *data) {
    const Work &w = *static_cast<const Work *>(data);
    int64_t part = team::threadNumber(), parts = team::teamSize();
    int64_t begin = w.count / parts * part;
    int64_t end = part + 1 == parts ? w.count : begin + w.count / parts;
    for (int64_t i = begin; i < end; ++i) {
      uint16_t half = 0;
      std::memcpy(&half, w.from + 2 * i, sizeof(half));
      w.to[i] = std::bit_cast<float>(uint32_t(half) << 16);
    }
  };
  team::run(team::inside() ? 1 : team::defaultSize(), run, &work);
}

void Library::Impl::packInto(const StoredKey &key, const memory::desc &stored,
                             const memory::desc &wanted, void *data) {
  auto allocate = [](int64_t bytes) {
    std::optional<AlignedBuffer> buffer = AlignedBuffer::zeroed(bytes);
    if (!buffer)
      throw std::runtime_error("no memory for packing weights");
    return std::move(*buffer);
  };
  auto place = places.find(key.data);
  const void *source = place == places.end() ? key.data : place->second;
  memory::desc sourceDesc = stored;
  AlignedBuffer copy;
  auto size = dtypeSize(static_cast<MarimbaDType>(key.type));
  if (key.type == MARIMBA_BF16 && key.k > 0 &&
      dnn::typeOf(wanted) == memory::data_type::f32) {
    // Without AVX-512 the library converts one element after the other: 1.7 s
    // for 2560 x 10240, where this and its reorder of f32 take 0.1 s.
    copy = allocate(key.k * key.n * 4);
    widen(source, reinterpret_cast<float *>(copy.data()), key.k * key.n);
    sourceDesc = dnn::storedWeights(key.k, key.n, MARIMBA_F32);
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

void Library::Impl::adopt(const StoredKey &key, std::shared_ptr<Packed> copy) {
  std::unique_lock lock(mutex);
  std::vector<std::shared_ptr<Packed>> &copies = packed[key];
  // Two weights of a description may be one tensor of the checkpoint.
  if (std::none_of(copies.begin(), copies.end(),
                   [&](auto &other) { return other->desc == copy->desc; }))
    copies.push_back(std::move(copy));
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
