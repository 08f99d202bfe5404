//===- OneDNNIntegerMatmul.cpp - Matmuls of bytes -------------------------===//

#include "OneDNNCall.h"
#include "Team.h"

#include <cstring>
#include <stdexcept>

namespace marimba::rt {

using dnnl::memory;

namespace {

/// The sums of so many products of bytes are exact in f32: 512 * 255 * 128 is
/// less than 2^24. And what a tile of weights has: they stay in the cache.
constexpr int64_t kInputs = 512, kChannels = 512;

const char *bytesAt(const void *data, int64_t index) {
  return static_cast<const char *>(data) + index;
}

/// One batch of `args`: x, y and how many rows.
struct Product {
  const MarimbaIntegerMatmul &args;
  const void *x;
  int32_t *y;
  int64_t xStride, yStride;
};

/// y += part, whose rows are `columns` apart; y = part where it is the first.
void addPart(const Product &p, int64_t firstChannel, int64_t columns,
             const float *part, bool first, int threads) {
  struct Work {
    const Product &p;
    int64_t from, columns, count;
    const float *part;
    bool first;
  } work = {p,       firstChannel,
            columns, std::min(columns, p.args.n - firstChannel),
            part,    first};
  auto run = [](void *data) {
    const Work &w = *static_cast<const Work *>(data);
    int64_t number = team::threadNumber(), size = team::teamSize();
    int64_t end = w.p.args.rows * (number + 1) / size;
    for (int64_t i = w.p.args.rows * number / size; i < end; ++i) {
      int32_t *y = w.p.y + i * w.p.yStride + w.from;
      const float *sums = w.part + i * w.columns;
      for (int64_t j = 0; j < w.count; ++j)
        y[j] = (w.first ? 0 : y[j]) + static_cast<int32_t>(sums[j]);
    }
  };
  team::run(threads, run, &work);
}

/// A tile of the codes, [k, n] from input `k0` and channel `n0` on, as f32.
void widenCodes(Call &call, const Product &p, int64_t k0, int64_t n0,
                const WidenKey &key, float *to) {
  std::shared_ptr<const Widening> widening = call.library.widening(key);
  memory pad = call.scratchMemory(widening->reorder.scratchBytes);
  if (call.ctx->status != MARIMBA_OK)
    return;
  // Blocks of 64 channels hold all inputs, 64 of them after the others.
  const char *codes = bytesAt(p.args.w, n0 * p.args.k + k0 * 64);
  team::countRegion(call.team);
  widening->reorder.primitive.execute(
      call.stream, {{DNNL_ARG_FROM, call.view(widening->from, codes)},
                    {DNNL_ARG_TO, call.view(widening->to, to)},
                    {DNNL_ARG_SCRATCHPAD, pad}});
}

/// Without a kernel for bytes: in f32, in parts that are exact.
void multiplyWide(Call &call, const Product &p) {
  const MarimbaIntegerMatmul &args = p.args;
  int64_t rows = args.rows, k = args.k;
  auto *x = static_cast<float *>(call.scratch(rows * k * 4));
  auto *codes = static_cast<float *>(call.scratch(kInputs * kChannels * 4));
  auto *part = static_cast<float *>(call.scratch(rows * kChannels * 4));
  if (call.ctx->status != MARIMBA_OK)
    return;
  for (int64_t i = 0; i < rows; ++i)
    std::copy_n(static_cast<const uint8_t *>(p.x) + i * p.xStride, k,
                x + i * k);
  for (int64_t n0 = 0; n0 < args.n; n0 += kChannels)
    for (int64_t k0 = 0; k0 < k; k0 += kInputs) {
      int64_t mark = call.ctx->arenaTop;
      // Channels are padded to blocks of 64.
      WidenKey key = {std::min(kInputs, k - k0),
                      std::min(kChannels, (args.n - n0 + 63) / 64 * 64), k,
                      call.team};
      widenCodes(call, p, k0, n0, key, codes);
      MarimbaMatmul tile = {};
      tile.x = x + k0;
      tile.w = codes;
      tile.y = part;
      tile.k = key.k;
      tile.n = key.n;
      tile.xRowStride = k;
      tile.yRowStride = key.n;
      tile.computed = 1;
      call.multiply(tile, rows);
      if (call.ctx->status != MARIMBA_OK)
        return;
      addPart(p, n0, key.n, part, k0 == 0, call.team);
      call.ctx->arenaTop = mark;
    }
}

void multiplyBytes(Call &call, const IntegerPlan &plan, const Product &p) {
  if (!plan.matmul)
    return multiplyWide(call, p);
  const dnn::Matmul &matmul = *plan.matmul;
  memory pad = call.scratchMemory(matmul.scratchBytes);
  if (call.ctx->status != MARIMBA_OK)
    return;
  team::countRegion(call.team);
  matmul.primitive.execute(
      call.stream, {{DNNL_ARG_SRC, call.view(matmul.x, p.x)},
                    {DNNL_ARG_WEIGHTS, call.view(matmul.weights, p.args.w)},
                    {DNNL_ARG_DST, call.view(matmul.y, p.y)},
                    {DNNL_ARG_SCRATCHPAD, pad}});
}

/// Throws.
void multiplyBatch(MarimbaContext *ctx, const MarimbaIntegerMatmul &args) {
  if (args.k < 0 || args.k % 64 != 0)
    throw std::runtime_error("k is " + std::to_string(args.k) +
                             ", expected a multiple of 64");
  // One row has no stride.
  int64_t xStride = args.rows == 1 ? args.k : args.xRowStride;
  int64_t yStride = args.rows == 1 ? args.n : args.yRowStride;
  auto product = [&](int64_t b) {
    return Product{args, bytesAt(args.x, b * args.xBatchStride),
                   static_cast<int32_t *>(args.y) + b * args.yBatchStride,
                   xStride, yStride};
  };
  if (args.k == 0) { // the library takes no sum of nothing
    for (int64_t b = 0; b < args.batch; ++b)
      for (int64_t i = 0; i < args.rows; ++i)
        std::fill_n(product(b).y + i * yStride, args.n, 0);
    return;
  }
  Call call(ctx);
  dnn::MatmulSpec spec;
  spec.k = args.k;
  spec.n = args.n;
  spec.rows = args.rows;
  spec.xStride = xStride;
  spec.yStride = yStride;
  spec.team = call.team;
  std::shared_ptr<const IntegerPlan> plan = call.library.integerPlan(spec);
  int64_t mark = ctx->arenaTop;
  for (int64_t b = 0; b < args.batch && ctx->status == MARIMBA_OK; ++b) {
    multiplyBytes(call, *plan, product(b));
    ctx->arenaTop = mark;
  }
  call.stream.wait();
}

} // namespace
} // namespace marimba::rt

extern "C" void
marimba_onednn_integer_matmul(MarimbaContext *ctx,
                              const MarimbaIntegerMatmul *args) {
  if (args->batch <= 0 || args->rows <= 0 || args->n <= 0 ||
      ctx->status != MARIMBA_OK)
    return;
  marimba::rt::guarded(
      ctx, [&] { marimba::rt::multiplyBatch(ctx, *args); },
      [&] {
        return "matmul of bytes, " + std::to_string(args->rows) + " rows, k " +
               std::to_string(args->k) + ", n " + std::to_string(args->n);
      });
}
