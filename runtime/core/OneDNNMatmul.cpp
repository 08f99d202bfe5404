//===- OneDNNMatmul.cpp - Matmuls over packed weights, copies -------------===//

#include "OneDNNCall.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace marimba::rt {

namespace {

void check(const MarimbaMatmul &args) {
  if (args.k < 0 ||
      (args.rows > 1 && (args.xRowStride < args.k || args.yRowStride < args.n)))
    throw std::runtime_error("row strides " + std::to_string(args.xRowStride) +
                             " and " + std::to_string(args.yRowStride) +
                             ", expected at least k and n, and k at least 0");
  if (args.computed && args.weightType != args.xType)
    throw std::runtime_error("computed weights of another type than x");
  if (args.postOpCount < 0 || args.postOpCount > MARIMBA_MAX_POST_OPS)
    throw std::runtime_error(std::to_string(args.postOpCount) +
                             " post-ops, expected 0 to " +
                             std::to_string(MARIMBA_MAX_POST_OPS));
}

/// Throws.
void multiplyRows(Call &call, const MarimbaMatmul &args) {
  MarimbaContext *ctx = call.ctx;
  MarimbaMatmul part = args;
  // Rows that follow each other evenly over the whole batch are one matrix.
  auto operands = [&](auto holds) {
    return std::all_of(
        args.postOps, args.postOps + args.postOpCount,
        [&](const MarimbaPostOp &post) { return !post.data || holds(post); });
  };
  int64_t rows = args.rows, batch = args.batch;
  if (rows == 1 && args.xBatchStride >= args.k && args.yBatchStride >= args.n &&
      operands([&](auto &post) { return post.batchStride >= args.n; })) {
    rows = batch;
    batch = 1;
    part.xRowStride = args.xBatchStride;
    part.yRowStride = args.yBatchStride;
    for (MarimbaPostOp &post : part.postOps)
      post.rowStride = post.batchStride;
  } else if (args.xBatchStride == rows * args.xRowStride &&
             args.yBatchStride == rows * args.yRowStride &&
             operands([&](auto &post) {
               return post.batchStride == rows * post.rowStride;
             })) {
    rows *= batch;
    batch = 1;
  }
  int64_t mark = ctx->arenaTop;
  for (int64_t b = 0; b < batch; ++b) {
    part.x = advance(args.x, args.xType, b * args.xBatchStride);
    part.y = advance(args.y, args.yType, b * args.yBatchStride);
    for (int64_t i = 0; i < args.postOpCount; ++i)
      part.postOps[i].data = advance(args.postOps[i].data, args.postOps[i].type,
                                     b * args.postOps[i].batchStride);
    call.multiply(part, rows);
    ctx->arenaTop = mark;
  }
}

/// Throws.
void multiplyBatch(MarimbaContext *ctx, const MarimbaMatmul &args) {
  check(args);
  Call call(ctx);
  if (args.k > 0)
    return multiplyRows(call, args);
  // The library takes no sum of nothing: one product of zeros is as much, and
  // bias and post-ops follow.
  MarimbaMatmul zeros = args;
  zeros.k = zeros.xRowStride = 1;
  zeros.xBatchStride = args.rows;
  zeros.computed = 1;
  zeros.weightType = args.xType;
  int64_t mark = ctx->arenaTop;
  int64_t size = dtypeSize(static_cast<MarimbaDType>(args.xType));
  int64_t rows = args.batch * args.rows;
  auto *scratch = static_cast<char *>(call.scratch((rows + args.n) * size));
  if (ctx->status == MARIMBA_OK) {
    std::fill_n(scratch, (rows + args.n) * size, 0);
    zeros.x = scratch;
    zeros.w = scratch + rows * size;
    multiplyRows(call, zeros);
  }
  ctx->arenaTop = mark;
}

/// Throws.
void reorderBatch(MarimbaContext *ctx, const MarimbaReorder &args) {
  Call call(ctx);
  int64_t mark = ctx->arenaTop;
  for (int64_t b = 0; b < args.batch; ++b) {
    auto rows = [&](const void *data, int32_t type, int64_t batchStride,
                    int64_t rowStride) {
      return Rows{advance(data, type, b * batchStride), args.rows, args.columns,
                  args.rows == 1 ? args.columns : rowStride, type};
    };
    call.copy(rows(args.x, args.xType, args.xBatchStride, args.xRowStride),
              rows(args.y, args.yType, args.yBatchStride, args.yRowStride));
    ctx->arenaTop = mark;
  }
  call.stream.wait();
}

} // namespace
} // namespace marimba::rt

extern "C" void marimba_onednn_matmul(MarimbaContext *ctx,
                                      const MarimbaMatmul *args) {
  if (args->batch <= 0 || args->rows <= 0 || args->n <= 0 ||
      ctx->status != MARIMBA_OK)
    return;
  marimba::rt::guarded(
      ctx, [&] { marimba::rt::multiplyBatch(ctx, *args); },
      [&] {
        return "matmul of " + std::to_string(args->batch) + " x " +
               std::to_string(args->rows) + " rows, k " +
               std::to_string(args->k) + ", n " + std::to_string(args->n);
      });
}

extern "C" const void *marimba_packed_weights(MarimbaContext *ctx,
                                              const void *w, int64_t n,
                                              int64_t k, int32_t weightType,
                                              int32_t type) {
  const void *data = nullptr;
  marimba::rt::guarded(
      ctx,
      [&] {
        marimba::rt::PrimitiveCache::Impl &library =
            marimba::rt::primitivesOf(ctx);
        data = library
                   .pack({w, k, n, weightType},
                         marimba::rt::dnn::storedWeights(k, n, weightType),
                         marimba::rt::dnn::blockedWeights(k, n, type))
                   ->buffer.data();
      },
      [&] {
        return "packed weights, k " + std::to_string(k) + ", n " +
               std::to_string(n);
      });
  return data;
}

extern "C" void marimba_onednn_reorder(MarimbaContext *ctx,
                                       const MarimbaReorder *args) {
  if (args->batch <= 0 || args->rows <= 0 || args->columns <= 0 ||
      ctx->status != MARIMBA_OK)
    return;
  marimba::rt::guarded(
      ctx, [&] { marimba::rt::reorderBatch(ctx, *args); },
      [&] {
        return "reorder of " + std::to_string(args->batch) + " x " +
               std::to_string(args->rows) + " rows of " +
               std::to_string(args->columns);
      });
}
