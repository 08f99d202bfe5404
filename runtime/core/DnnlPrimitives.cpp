//===- DnnlPrimitives.cpp - The calls into oneDNN's API -------------------===//

#include "DnnlPrimitives.h"

#include "marimba/Tensor.h"

#include <stdexcept>

namespace marimba::rt::dnn {

using dnnl::memory;

memory::data_type dataType(int32_t type) {
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

memory::desc matrix(int64_t rows, int64_t columns, int64_t stride,
                    int32_t type) {
  return memory::desc(memory::dims{rows, columns}, dataType(type),
                      memory::dims{stride, 1});
}

memory::desc storedWeights(int64_t k, int64_t n, int32_t type) {
  return memory::desc(memory::dims{k, n}, dataType(type), memory::dims{1, k});
}

int postOpArgument(size_t index) {
  return DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(index)) |
         DNNL_ARG_SRC_1;
}

static dnnl::primitive_attr userScratch() {
  // Scratch of the library's own belongs to the thread that made a primitive;
  // ours are shared by threads.
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

static dnnl::post_ops makePostOps(const MatmulSpec &spec) {
  dnnl::post_ops result;
  for (const PostOp &post : spec.postOps) {
    if (post.kind < 0)
      break;
    auto operand = [&] { return matrix(spec.rows, spec.n, spec.n, post.type); };
    switch (post.kind) {
    case MARIMBA_POST_SUM:
      result.append_sum(1.0f);
      break;
    case MARIMBA_POST_SILU:
#if DNNL_VERSION_MAJOR >= 3
      result.append_eltwise(dnnl::algorithm::eltwise_swish, 1.0f, 0.0f);
#else
      result.append_eltwise(1.0f, dnnl::algorithm::eltwise_swish, 1.0f, 0.0f);
#endif
      break;
    case MARIMBA_POST_MUL:
      result.append_binary(dnnl::algorithm::binary_mul, operand());
      break;
    case MARIMBA_POST_ADD:
      result.append_binary(dnnl::algorithm::binary_add, operand());
      break;
    default:
      throw std::runtime_error("post-op " + std::to_string(post.kind) +
                               ", expected 0 to 3");
    }
  }
  return result;
}

Matmul makeMatmul(const dnnl::engine &engine, const MatmulSpec &spec) {
  memory::desc x = matrix(spec.rows, spec.k, spec.xStride, spec.xType);
  memory::desc y = matrix(spec.rows, spec.n, spec.yStride, spec.yType);
  memory::desc anyWeights(memory::dims{spec.k, spec.n}, dataType(spec.xType),
                          memory::format_tag::any);
  memory::desc bias =
      spec.bias ? matrix(1, spec.n, spec.n, MARIMBA_F32) : memory::desc();
  dnnl::primitive_attr attributes = userScratch();
  attributes.set_post_ops(makePostOps(spec));
#if DNNL_VERSION_MAJOR >= 3
  dnnl::matmul::primitive_desc desc =
      spec.bias
          ? dnnl::matmul::primitive_desc(engine, x, anyWeights, bias, y,
                                         attributes)
          : dnnl::matmul::primitive_desc(engine, x, anyWeights, y, attributes);
#else
  dnnl::matmul::desc operation =
      spec.bias ? dnnl::matmul::desc(x, anyWeights, bias, y)
                : dnnl::matmul::desc(x, anyWeights, y);
  dnnl::matmul::primitive_desc desc(operation, attributes, engine);
#endif
  Matmul result;
  result.primitive = dnnl::matmul(desc);
  result.x = x;
  result.weights = desc.weights_desc();
  result.bias = bias;
  result.y = y;
  result.scratchBytes = static_cast<int64_t>(desc.scratchpad_desc().get_size());
  result.implementation = desc.impl_info_str();
  return result;
}

Reorder makeReorder(const dnnl::engine &engine, const memory::desc &from,
                    const memory::desc &to) {
  dnnl::reorder::primitive_desc desc(engine, from, engine, to, userScratch());
  Reorder result;
  result.primitive = dnnl::reorder(desc);
  result.scratchBytes = static_cast<int64_t>(desc.scratchpad_desc().get_size());
  return result;
}

} // namespace marimba::rt::dnn
