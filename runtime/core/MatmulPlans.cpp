//===- MatmulPlans.cpp - Which kernel computes a matmul -------------------===//

#include "PrimitiveCacheImpl.h"
#include "marimba/Units.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <stdexcept>

namespace marimba::rt {

using dnnl::memory;

namespace {
/// Past this, the cached primitives are dropped and made anew (1 ms each).
constexpr size_t kMostPrimitives = 4096;

bool sameStrides(const dnn::MatmulSpec &spec) {
  return std::all_of(spec.postOps.begin(), spec.postOps.end(),
                     [&](const dnn::PostOp &post) {
                       return post.stride == 0 || post.stride == spec.yStride;
                     });
}

/// `spec` with the sum as an addition of a copy of the output, where it is not
/// the first post-op: kernels without AVX-512 take it only there.
std::optional<dnn::MatmulSpec> withoutLateSum(dnn::MatmulSpec spec) {
  auto late = std::find_if(
      spec.postOps.begin() + 1, spec.postOps.end(),
      [](const dnn::PostOp &post) { return post.kind == MARIMBA_POST_SUM; });
  if (late == spec.postOps.end())
    return std::nullopt;
  *late = {MARIMBA_POST_ADD, spec.yType, spec.yStride};
  return spec;
}

/// What else could be computed instead of `spec`, after copies, and itself. The
/// library wants the operands of post-ops to lie as y does: they never have
/// other strides here.
std::vector<dnn::MatmulSpec> waysToCompute(const dnn::MatmulSpec &spec) {
  std::vector<dnn::MatmulSpec> ways;
  auto add = [&](int64_t xStride, int64_t yStride, bool wide) {
    dnn::MatmulSpec way = spec;
    way.xStride = xStride;
    way.yStride = yStride;
    if (wide)
      way.xType = way.yType = MARIMBA_F32;
    for (dnn::PostOp &post : way.postOps) {
      if (post.stride == 0)
        continue;
      post.stride = yStride;
      if (wide)
        post.type = MARIMBA_F32;
    }
    if (std::find(ways.begin(), ways.end(), way) == ways.end())
      ways.push_back(way);
  };
  // As it is; with copies in scratch memory; with them, in f32.
  for (bool wide : {false, true}) {
    if (sameStrides(spec))
      add(spec.xStride, spec.yStride, wide);
    add(spec.xStride, spec.n, wide);
    add(spec.k, spec.n, wide);
  }
  if (std::optional<dnn::MatmulSpec> added = withoutLateSum(spec))
    for (const dnn::MatmulSpec &way : waysToCompute(*added))
      ways.push_back(way);
  return ways;
}

std::string describe(const dnn::MatmulSpec &spec) {
  auto name = [](int32_t type) {
    return std::string(dtypeName(static_cast<MarimbaDType>(type)));
  };
  return name(spec.xType) + " to " + name(spec.yType) + " with " +
         dnn::instructionsText();
}

/// The best way and its kernel. Throws where the library has none.
Plan findPlan(const dnnl::engine &engine, const dnn::MatmulSpec &spec) {
  std::optional<Plan> first;
  for (const dnn::MatmulSpec &way : waysToCompute(spec)) {
    std::optional<dnn::Matmul> matmul = dnn::findMatmul(engine, way);
    if (!matmul)
      continue;
    // A blocked kernel is worth the copies, and shares its packed weights with
    // the dense case; without one, strides cost nothing. Other types do.
    if (matmul->blocked() && (!first || way.xType == spec.xType))
      return {way, std::move(*matmul)};
    if (!first)
      first = Plan{way, std::move(*matmul)};
  }
  if (!first)
    throw std::runtime_error("oneDNN has no fast kernel for " + describe(spec) +
                             "; --matmul=loops computes without it");
  return std::move(*first);
}

} // namespace

template <typename Map, typename Key, typename Make>
typename Map::mapped_type PrimitiveCache::Impl::cached(Map &map, const Key &key,
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

std::shared_ptr<const Plan>
PrimitiveCache::Impl::plan(const dnn::MatmulSpec &spec) {
  std::shared_ptr<const Plan> found = cached(plans, spec, [&] {
    auto plan = std::make_shared<Plan>(findPlan(engine, spec));
    plan->matmul.makePrimitive();
    plan->calls = &implementations[plan->matmul.implementation];
    return plan;
  });
  found->calls->fetch_add(1, std::memory_order_relaxed);
  return found;
}

std::shared_ptr<const IntegerPlan>
PrimitiveCache::Impl::integerPlan(const dnn::MatmulSpec &spec) {
  std::shared_ptr<const IntegerPlan> found = cached(integerPlans, spec, [&] {
    auto plan = std::make_shared<IntegerPlan>();
    plan->matmul = dnn::findIntegerMatmul(engine, spec);
    if (plan->matmul) {
      plan->matmul->makePrimitive();
      plan->calls = &implementations[plan->matmul->implementation];
    }
    return plan;
  });
  if (found->calls)
    found->calls->fetch_add(1, std::memory_order_relaxed);
  return found;
}

std::shared_ptr<const dnn::Reorder>
PrimitiveCache::Impl::copy(const CopyKey &key) {
  return cached(copies, key, [&] {
    return std::make_shared<const dnn::Reorder>(dnn::makeReorder(
        engine,
        dnn::matrix(key.rows, key.columns, key.fromStride, key.fromType),
        dnn::matrix(key.rows, key.columns, key.toStride, key.toType)));
  });
}

std::shared_ptr<const Widening>
PrimitiveCache::Impl::widening(const WidenKey &key) {
  return cached(widenings, key, [&] {
    Widening result;
    // Any part of the weight begins at a block of 64 channels and 64 inputs,
    // and lies as its first one does.
    int64_t padded = (key.n + 63) / 64 * 64;
    result.from = dnn::blockedBytes(key.allK, padded)
                      .submemory_desc({key.k, padded}, {0, 0});
    result.to = dnn::matrix(key.k, padded, padded, MARIMBA_F32);
    result.reorder = dnn::makeReorder(engine, result.from, result.to);
    return std::make_shared<const Widening>(std::move(result));
  });
}

memory::desc PrimitiveCache::Impl::packedWeights(int64_t k, int64_t n,
                                                 int32_t type) const {
  dnn::MatmulSpec spec;
  spec.rows = 512;
  spec.k = spec.xStride = k;
  spec.n = spec.yStride = n;
  spec.xType = type;
  return findPlan(engine, spec).matmul.weights;
}

OneDNNUnits oneDNNUnits() {
  OneDNNUnits units;
  try {
    constexpr int64_t size = 256;
    dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    dnn::MatmulSpec spec;
    spec.rows = spec.k = spec.n = spec.xStride = spec.yStride = size;
    auto inBlocks = [&](int32_t type) {
      spec.xType = type;
      std::optional<dnn::Matmul> matmul = dnn::findMatmul(engine, spec);
      return matmul && matmul->blocked() &&
             matmul->weights == dnn::blockedWeights(size, size, type);
    };
    units.f32 = inBlocks(MARIMBA_F32);
    units.bf16 = inBlocks(MARIMBA_BF16);
    units.bytes = dnn::findIntegerMatmul(engine, spec).has_value();
  } catch (const dnnl::error &) {
    // What cannot be asked for cannot be used, either.
  }
  return units;
}

bool libraryMultiplies() {
  try {
    dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    dnn::MatmulSpec spec;
    spec.rows = spec.k = spec.n = spec.xStride = 256;
    spec.yStride = 2 * spec.n;
    spec.bias = true;
    spec.postOps = {{{MARIMBA_POST_SILU, MARIMBA_F32, 0},
                     {MARIMBA_POST_MUL, MARIMBA_F32, spec.n},
                     {MARIMBA_POST_SUM, MARIMBA_F32, 0},
                     {MARIMBA_POST_ADD, MARIMBA_F32, 3 * spec.n}}};
    findPlan(engine, spec);
    return true;
  } catch (const dnnl::error &) {
  } catch (const std::runtime_error &) {
  }
  return false;
}

std::string libraryInstructions() { return dnn::instructionsText(); }

void pretendOnlyReferences(bool pretend) { dnn::onlyReferences = pretend; }

} // namespace marimba::rt
