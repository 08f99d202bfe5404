//===- OneDNNMatmul.cpp - f32 matmuls over packed weights -----------------===//

#include "LibraryImpl.h"
#include "Team.h"
#include "marimba/Context.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

namespace marimba::rt {

using dnnl::memory;

namespace {

memory::data_type dnnlType(int32_t type) {
  switch (type) {
  case MARIMBA_F32:
    return memory::data_type::f32;
  case MARIMBA_F16:
    return memory::data_type::f16;
  case MARIMBA_BF16:
    return memory::data_type::bf16;
  }
  throw std::runtime_error(
      "element type " +
      std::string(dtypeName(static_cast<MarimbaDType>(type))) +
      ", expected f32, f16 or bf16");
}

/// A u8 vector of `bytes` of scratch; the caller restores the arena.
memory scratchMemory(MarimbaContext *ctx, const dnnl::engine &engine,
                     int64_t bytes) {
  return memory(memory::desc({std::max<int64_t>(bytes, 1)},
                             memory::data_type::u8, memory::format_tag::a),
                engine, marimba_arena_alloc(ctx, std::max<int64_t>(bytes, 1)));
}

/// One matmul over `rows` rows at `x` and `y`. Throws.
void multiply(MarimbaContext *ctx, Library::Impl &library,
              const MarimbaMatmul &args, int64_t rows, const float *x,
              int64_t xStride, float *y, int64_t yStride) {
  int team = team::inside() ? 1 : team::defaultSize();
  // One row has no stride.
  if (rows == 1) {
    xStride = args.k;
    yStride = args.n;
  }
  bool bias = args.bias != nullptr;
  std::shared_ptr<const Plan> plan =
      library.plan({rows, args.k, args.n, xStride, yStride, bias, team});
  const dnn::Matmul &matmul = plan->matmul;
  std::shared_ptr<Packed> weights = library.pack(
      {args.w, args.k, args.n, args.weightType},
      dnn::storedWeights(args.k, args.n, dnnlType(args.weightType)),
      matmul.weights);

  const dnnl::engine &engine = library.engine;
  dnnl::stream stream(engine);
  auto copy = [&](CopyKey key, memory &from, memory &to) {
    std::shared_ptr<const dnn::Reorder> reorder = library.copy(key);
    memory pad = scratchMemory(ctx, engine, reorder->scratchBytes);
    if (ctx->status == MARIMBA_OK)
      reorder->primitive.execute(stream, {{DNNL_ARG_FROM, from},
                                          {DNNL_ARG_TO, to},
                                          {DNNL_ARG_SCRATCHPAD, pad}});
  };
  constexpr auto f32 = memory::data_type::f32;
  void *xData = const_cast<float *>(x);
  void *yData = y;
  if (plan->copyX) {
    memory from(dnn::matrix(rows, args.k, xStride, f32), engine, xData);
    xData = marimba_arena_alloc(ctx, rows * args.k * 4);
    memory to(matmul.x, engine, xData);
    copy({rows, args.k, xStride, args.k, team}, from, to);
  }
  if (plan->copyY)
    yData = marimba_arena_alloc(ctx, rows * args.n * 4);

  memory yMemory(matmul.y, engine, yData);
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, memory(matmul.x, engine, xData)},
      {DNNL_ARG_WEIGHTS,
       memory(matmul.weights, engine, weights->buffer.data())},
      {DNNL_ARG_DST, yMemory},
      {DNNL_ARG_SCRATCHPAD, scratchMemory(ctx, engine, matmul.scratchBytes)}};
  std::shared_ptr<Packed> packedBias;
  if (bias) {
    void *biasData = const_cast<void *>(args.bias);
    if (args.biasType != MARIMBA_F32) {
      packedBias = library.pack(
          {args.bias, 0, args.n, args.biasType},
          dnn::matrix(1, args.n, args.n, dnnlType(args.biasType)), matmul.bias);
      biasData = packedBias->buffer.data();
    }
    arguments.emplace(DNNL_ARG_BIAS, memory(matmul.bias, engine, biasData));
  }
  if (ctx->status != MARIMBA_OK)
    return;
  matmul.primitive.execute(stream, arguments);
  if (plan->copyY) {
    memory to(dnn::matrix(rows, args.n, yStride, f32), engine, y);
    copy({rows, args.n, args.n, yStride, team}, yMemory, to);
  }
  stream.wait();
}

/// Throws.
void multiplyBatch(MarimbaContext *ctx, const MarimbaMatmul &args) {
  if (!ctx->library)
    throw std::runtime_error("the context has no library");
  if (args.k < 1 ||
      (args.rows > 1 && (args.xRowStride < args.k || args.yRowStride < args.n)))
    throw std::runtime_error("row strides " + std::to_string(args.xRowStride) +
                             " and " + std::to_string(args.yRowStride) +
                             ", expected at least k and n, and k at least 1");
  Library::Impl &library = static_cast<Library *>(ctx->library)->impl();
  // Rows that follow each other evenly over the whole batch are one matrix.
  int64_t rows = args.rows, batch = args.batch;
  int64_t xStride = args.xRowStride, yStride = args.yRowStride;
  if (rows == 1 && args.xBatchStride >= args.k && args.yBatchStride >= args.n) {
    rows = batch;
    xStride = args.xBatchStride;
    yStride = args.yBatchStride;
    batch = 1;
  } else if (args.xBatchStride == rows * xStride &&
             args.yBatchStride == rows * yStride) {
    rows *= batch;
    batch = 1;
  }
  int64_t mark = ctx->arenaTop;
  for (int64_t b = 0; b < batch; ++b) {
    multiply(ctx, library, args, rows, args.x + b * args.xBatchStride, xStride,
             args.y + b * args.yBatchStride, yStride);
    ctx->arenaTop = mark;
  }
}

} // namespace
} // namespace marimba::rt

extern "C" void marimba_onednn_matmul(MarimbaContext *ctx,
                                      const MarimbaMatmul *args) {
  if (args->batch <= 0 || args->rows <= 0 || args->n <= 0 ||
      ctx->status != MARIMBA_OK)
    return;
  int64_t mark = ctx->arenaTop;
  std::string what;
  try {
    marimba::rt::multiplyBatch(ctx, *args);
    return;
  } catch (const dnnl::error &error) {
    what = "oneDNN: " + std::string(error.what()) + " (status " +
           std::to_string(static_cast<int>(error.status)) + ")";
  } catch (const std::exception &error) {
    what = error.what();
  }
  ctx->arenaTop = mark;
  marimba::rt::setError(ctx, MARIMBA_ERROR_LIBRARY,
                        "matmul of " + std::to_string(args->batch) + " x " +
                            std::to_string(args->rows) + " rows, k " +
                            std::to_string(args->k) + ", n " +
                            std::to_string(args->n) + ": " + what);
}
