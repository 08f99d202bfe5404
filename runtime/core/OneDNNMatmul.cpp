//===- OneDNNMatmul.cpp - Matmuls over packed weights, copies -------------===//

#include "LibraryImpl.h"
#include "Team.h"
#include "marimba/Context.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <unordered_map>

namespace marimba::rt {

using dnnl::memory;

namespace {

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

/// A [rows, columns] matrix in memory, rows `stride` elements apart.
struct Rows {
  const void *data;
  int64_t rows, columns, stride;
  int32_t type;
};

Library::Impl &libraryOf(MarimbaContext *ctx) {
  if (!ctx->library)
    throw std::runtime_error("the context has no library");
  return static_cast<Library *>(ctx->library)->impl();
}

/// One call's way to the library: its team, its stream, its scratch memory.
class Call {
public:
  explicit Call(MarimbaContext *ctx)
      : ctx(ctx), library(libraryOf(ctx)), stream(library.engine),
        team(team::inside() ? 1 : team::defaultSize()) {}

  /// `bytes` of scratch; the caller restores the arena.
  void *scratch(int64_t bytes) {
    void *memory = allocateScratch(ctx, std::max<int64_t>(bytes, 1));
    if (!memory)
      throw std::bad_alloc();
    return memory;
  }
  memory scratchMemory(int64_t bytes) {
    return memory(memory::desc({std::max<int64_t>(bytes, 1)},
                               memory::data_type::u8, memory::format_tag::a),
                  library.engine, scratch(bytes));
  }

  /// Copies rows, converting between types.
  void copy(const Rows &from, const Rows &to) {
    std::shared_ptr<const dnn::Reorder> reorder =
        library.copy({from.rows, from.columns, from.stride, to.stride,
                      from.type, to.type, team});
    memory pad = scratchMemory(reorder->scratchBytes);
    if (ctx->status != MARIMBA_OK)
      return;
    auto view = [&](const Rows &r) {
      return memory(dnn::matrix(r.rows, r.columns, r.stride, r.type),
                    library.engine, const_cast<void *>(r.data));
    };
    memory source = view(from), target = view(to);
    reorder->primitive.execute(stream, {{DNNL_ARG_FROM, source},
                                        {DNNL_ARG_TO, target},
                                        {DNNL_ARG_SCRATCHPAD, pad}});
  }

  /// `from` with dense rows: itself, or a copy in scratch memory.
  const void *dense(const Rows &from) {
    if (from.stride == from.columns || from.rows == 1)
      return from.data;
    int64_t size = dtypeSize(static_cast<MarimbaDType>(from.type));
    void *to = scratch(from.rows * from.columns * size);
    copy(from, {to, from.rows, from.columns, from.columns, from.type});
    return to;
  }

  void multiply(const MarimbaMatmul &args, int64_t rows);

  MarimbaContext *ctx;
  Library::Impl &library;
  dnnl::stream stream;
  int team;
};

/// One matmul over `rows` rows; of `args` it takes no batch.
void Call::multiply(const MarimbaMatmul &args, int64_t rows) {
  // One row has no stride.
  int64_t xStride = rows == 1 ? args.k : args.xRowStride;
  int64_t yStride = rows == 1 ? args.n : args.yRowStride;
  dnn::MatmulSpec spec;
  spec.rows = rows;
  spec.k = args.k;
  spec.n = args.n;
  spec.xStride = xStride;
  spec.yStride = yStride;
  spec.xType = args.xType;
  spec.yType = args.yType;
  spec.bias = args.bias != nullptr;
  spec.plainWeights = args.computed != 0;
  spec.team = team;
  for (int64_t i = 0; i < args.postOpCount; ++i) {
    const MarimbaPostOp &post = args.postOps[i];
    // Without an operand there is no type, whatever the field holds.
    spec.postOps[static_cast<size_t>(i)] = {
        post.kind, post.data ? post.type : int32_t(MARIMBA_F32)};
  }
  std::shared_ptr<const Plan> plan = library.plan(spec);
  const dnn::Matmul &matmul = plan->matmul;
  std::shared_ptr<Packed> packed;
  const void *weights = args.w;
  if (!args.computed) {
    packed = library.pack({args.w, args.k, args.n, args.weightType},
                          dnn::storedWeights(args.k, args.n, args.weightType),
                          matmul.weights);
    weights = packed->buffer.data();
  }

  const dnnl::engine &engine = library.engine;
  const void *xData = args.x;
  if (plan->copyX)
    xData = dense({args.x, rows, args.k, xStride, args.xType});
  Rows y = {args.y, rows, args.n, yStride, args.yType};
  void *yData = args.y;
  if (plan->copyY) {
    yData = scratch(rows * args.n *
                    dtypeSize(static_cast<MarimbaDType>(args.yType)));
    if (std::any_of(args.postOps, args.postOps + args.postOpCount,
                    [](const MarimbaPostOp &post) {
                      return post.kind == MARIMBA_POST_SUM;
                    }))
      copy(y, {yData, rows, args.n, args.n, args.yType});
  }

  auto view = [&](const memory::desc &desc, const void *data) {
    return memory(desc, engine, const_cast<void *>(data));
  };
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, view(matmul.x, xData)},
      {DNNL_ARG_WEIGHTS, view(matmul.weights, weights)},
      {DNNL_ARG_DST, view(matmul.y, yData)},
      {DNNL_ARG_SCRATCHPAD, scratchMemory(matmul.scratchBytes)}};
  std::shared_ptr<Packed> packedBias;
  if (args.bias) {
    const void *biasData = args.bias;
    if (args.biasType != MARIMBA_F32) {
      packedBias = library.pack({args.bias, 0, args.n, args.biasType},
                                dnn::matrix(1, args.n, args.n, args.biasType),
                                matmul.bias);
      biasData = packedBias->buffer.data();
    }
    arguments.emplace(DNNL_ARG_BIAS, view(matmul.bias, biasData));
  }
  for (int64_t i = 0; i < args.postOpCount; ++i) {
    const MarimbaPostOp &post = args.postOps[i];
    if (post.data)
      arguments.emplace(
          dnn::postOpArgument(static_cast<size_t>(i)),
          view(dnn::matrix(rows, args.n, args.n, post.type),
               dense({post.data, rows, args.n, post.rowStride, post.type})));
  }
  if (ctx->status != MARIMBA_OK)
    return;
  matmul.primitive.execute(stream, arguments);
  if (plan->copyY)
    copy({yData, rows, args.n, args.n, args.yType}, y);
  stream.wait();
}

void check(const MarimbaMatmul &args) {
  if (args.k < 1 ||
      (args.rows > 1 && (args.xRowStride < args.k || args.yRowStride < args.n)))
    throw std::runtime_error("row strides " + std::to_string(args.xRowStride) +
                             " and " + std::to_string(args.yRowStride) +
                             ", expected at least k and n, and k at least 1");
  if (args.computed && args.weightType != args.xType)
    throw std::runtime_error("computed weights of another type than x");
  if (args.postOpCount < 0 || args.postOpCount > MARIMBA_MAX_POST_OPS)
    throw std::runtime_error(std::to_string(args.postOpCount) +
                             " post-ops, expected 0 to " +
                             std::to_string(MARIMBA_MAX_POST_OPS));
}

/// Throws.
void multiplyBatch(MarimbaContext *ctx, const MarimbaMatmul &args) {
  check(args);
  Call call(ctx);
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

extern "C" void
marimba_onednn_integer_matmul(MarimbaContext *ctx,
                              const MarimbaIntegerMatmul *args) {
  using namespace marimba::rt;
  if (args->batch <= 0 || args->rows <= 0 || args->n <= 0 ||
      ctx->status != MARIMBA_OK)
    return;
  guarded(
      ctx,
      [&] {
        Call call(ctx);
        dnn::MatmulSpec spec;
        spec.k = args->k;
        spec.n = args->n;
        spec.rows = args->rows;
        spec.xStride = spec.rows == 1 ? args->k : args->xRowStride;
        spec.yStride = spec.rows == 1 ? args->n : args->yRowStride;
        spec.team = call.team;
        std::shared_ptr<const dnn::Matmul> matmul =
            call.library.integerPlan(spec);
        const dnnl::engine &engine = call.library.engine;
        int64_t mark = ctx->arenaTop;
        for (int64_t b = 0; b < args->batch; ++b) {
          auto view = [&](const memory::desc &desc, const void *data) {
            return memory(desc, engine, const_cast<void *>(data));
          };
          const char *x = static_cast<const char *>(args->x);
          char *y = static_cast<char *>(args->y);
          memory pad = call.scratchMemory(matmul->scratchBytes);
          if (ctx->status != MARIMBA_OK)
            return;
          matmul->primitive.execute(
              call.stream,
              {{DNNL_ARG_SRC, view(matmul->x, x + b * args->xBatchStride)},
               {DNNL_ARG_WEIGHTS, view(matmul->weights, args->w)},
               {DNNL_ARG_DST, view(matmul->y, y + b * args->yBatchStride * 4)},
               {DNNL_ARG_SCRATCHPAD, pad}});
          ctx->arenaTop = mark;
        }
        call.stream.wait();
      },
      [&] {
        return "matmul of bytes, " + std::to_string(args->rows) + " rows, k " +
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
        marimba::rt::Library::Impl &library = marimba::rt::libraryOf(ctx);
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
