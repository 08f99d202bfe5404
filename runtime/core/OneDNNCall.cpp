//===- OneDNNCall.cpp - One call's way to the library ---------------------===//

#include "OneDNNCall.h"
#include "Team.h"

#include <stdexcept>
#include <unordered_map>

namespace marimba::rt {

using dnnl::memory;

PrimitiveCache::Impl &primitivesOf(MarimbaContext *ctx) {
  if (!ctx->library)
    throw std::runtime_error("the context has no library");
  return static_cast<PrimitiveCache *>(ctx->library)->impl();
}

Call::Call(MarimbaContext *ctx)
    : ctx(ctx), library(primitivesOf(ctx)), stream(library.engine),
      team(team::inside() ? 1 : team::defaultSize()) {}

memory Call::scratchMemory(int64_t bytes) {
  return memory(memory::desc({std::max<int64_t>(bytes, 1)},
                             memory::data_type::u8, memory::format_tag::a),
                library.engine, scratch(bytes));
}

void Call::copy(const Rows &from, const Rows &to) {
  std::shared_ptr<const dnn::Reorder> reorder =
      library.copy({from.rows, from.columns, from.stride, to.stride, from.type,
                    to.type, team});
  if (reorder->elementwise && canConvert(from.type, to.type)) {
    convertRows(from, to, team);
    return;
  }
  memory pad = scratchMemory(reorder->scratchBytes);
  if (ctx->status != MARIMBA_OK)
    return;
  auto rows = [&](const Rows &r) {
    return view(dnn::matrix(r.rows, r.columns, r.stride, r.type), r.data);
  };
  team::countRegion(team);
  reorder->primitive.execute(stream, {{DNNL_ARG_FROM, rows(from)},
                                      {DNNL_ARG_TO, rows(to)},
                                      {DNNL_ARG_SCRATCHPAD, pad}});
}

const void *Call::as(const Rows &from, int64_t stride, int32_t type) {
  if (from.type == type && (from.stride == stride || from.rows == 1))
    return from.data;
  void *to =
      scratch(from.rows * stride * dtypeSize(static_cast<MarimbaDType>(type)));
  if (ctx->status == MARIMBA_OK)
    copy(from, {to, from.rows, from.columns, stride, type});
  return to;
}

/// Rows of `args`' output and operands lie where it says.
static dnn::MatmulSpec specOf(const MarimbaMatmul &args, int64_t rows,
                              int team) {
  dnn::MatmulSpec spec;
  spec.rows = rows;
  spec.k = args.k;
  spec.n = args.n;
  // One row has no stride.
  spec.xStride = rows == 1 ? args.k : args.xRowStride;
  spec.yStride = rows == 1 ? args.n : args.yRowStride;
  spec.xType = args.xType;
  spec.yType = args.yType;
  spec.bias = args.bias != nullptr;
  spec.plainWeights = args.computed != 0;
  spec.team = team;
  for (int64_t i = 0; i < args.postOpCount; ++i) {
    const MarimbaPostOp &post = args.postOps[i];
    // Without an operand there is no type, whatever the field holds.
    spec.postOps[static_cast<size_t>(i)] = {
        post.kind, post.data ? post.type : int32_t(MARIMBA_F32),
        post.data ? (rows == 1 ? args.n : post.rowStride) : 0};
  }
  return spec;
}

void Call::multiply(const MarimbaMatmul &args, int64_t rows) {
  dnn::MatmulSpec asked = specOf(args, rows, team);
  std::shared_ptr<const Plan> plan = library.plan(asked);
  const dnn::MatmulSpec &spec = plan->spec;
  const dnn::Matmul &matmul = plan->matmul;

  std::shared_ptr<Packed> packed;
  const void *weights = args.w;
  if (args.computed) {
    weights = as({args.w, args.k, args.n, args.n, args.weightType}, args.n,
                 spec.xType);
  } else {
    packed = library.pack({args.w, args.k, args.n, args.weightType},
                          dnn::storedWeights(args.k, args.n, args.weightType),
                          matmul.weights);
    weights = packed->buffer.data();
  }

  const void *x = as({args.x, rows, args.k, asked.xStride, args.xType},
                     spec.xStride, spec.xType);
  Rows y = {args.y, rows, args.n, asked.yStride, args.yType};
  Rows target = {args.y, rows, args.n, spec.yStride, spec.yType};
  bool copied = spec.yStride != asked.yStride || spec.yType != asked.yType;
  bool sums = std::any_of(
      spec.postOps.begin(), spec.postOps.end(),
      [](const dnn::PostOp &post) { return post.kind == MARIMBA_POST_SUM; });
  if (copied && sums)
    target.data = as(y, spec.yStride, spec.yType);
  else if (copied)
    target.data = scratch(rows * spec.yStride *
                          dtypeSize(static_cast<MarimbaDType>(spec.yType)));

  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, view(matmul.x, x)},
      {DNNL_ARG_WEIGHTS, view(matmul.weights, weights)},
      {DNNL_ARG_DST, view(matmul.y, target.data)},
      {DNNL_ARG_SCRATCHPAD, scratchMemory(matmul.scratchBytes)}};
  std::shared_ptr<Packed> packedBias;
  if (args.bias) {
    const void *bias = args.bias;
    if (args.biasType != MARIMBA_F32) {
      packedBias = library.pack({args.bias, 0, args.n, args.biasType},
                                dnn::matrix(1, args.n, args.n, args.biasType),
                                matmul.bias);
      bias = packedBias->buffer.data();
    }
    arguments.emplace(DNNL_ARG_BIAS, view(matmul.bias, bias));
  }
  for (int64_t i = 0; i < args.postOpCount; ++i) {
    const MarimbaPostOp &post = args.postOps[i];
    const auto index = static_cast<size_t>(i);
    const dnn::PostOp &wanted = spec.postOps[index];
    if (post.kind != wanted.kind) {
      // A sum that is an addition: of what the output holds before.
      Rows held = {scratch(rows * wanted.stride *
                           dtypeSize(static_cast<MarimbaDType>(wanted.type))),
                   rows, args.n, wanted.stride, wanted.type};
      if (ctx->status == MARIMBA_OK)
        copy(y, held);
      arguments.emplace(
          dnn::postOpArgument(spec, index),
          view(dnn::matrix(rows, args.n, wanted.stride, wanted.type),
               held.data));
    } else if (post.data)
      arguments.emplace(
          dnn::postOpArgument(spec, index),
          view(dnn::matrix(rows, args.n, wanted.stride, wanted.type),
               as({post.data, rows, args.n, asked.postOps[index].stride,
                   post.type},
                  wanted.stride, wanted.type)));
  }
  if (ctx->status != MARIMBA_OK)
    return;
  team::countRegion(team);
  matmul.primitive.execute(stream, arguments);
  if (copied)
    copy(target, y);
  stream.wait();
}

} // namespace marimba::rt
