//===- DnnlPrimitives.cpp - The calls into oneDNN's API -------------------===//

#include "DnnlPrimitives.h"

namespace marimba::rt::dnn {

using dnnl::memory;

memory::desc matrix(int64_t rows, int64_t columns, int64_t stride,
                    memory::data_type type) {
  return memory::desc(memory::dims{rows, columns}, type,
                      memory::dims{stride, 1});
}

memory::desc storedWeights(int64_t k, int64_t n, memory::data_type type) {
  return memory::desc(memory::dims{k, n}, type, memory::dims{1, k});
}

static dnnl::primitive_attr userScratch() {
  // Scratch of the library's own belongs to the thread that made a primitive;
  // ours are shared by threads.
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

Matmul makeMatmul(const dnnl::engine &engine, int64_t rows, int64_t k,
                  int64_t n, int64_t xStride, int64_t yStride, bool bias) {
  constexpr auto f32 = memory::data_type::f32;
  memory::desc x = matrix(rows, k, xStride, f32);
  memory::desc y = matrix(rows, n, yStride, f32);
  memory::desc anyWeights(memory::dims{k, n}, f32, memory::format_tag::any);
  memory::desc biasDesc = bias ? matrix(1, n, n, f32) : memory::desc();
  dnnl::primitive_attr attributes = userScratch();
#if DNNL_VERSION_MAJOR >= 3
  dnnl::matmul::primitive_desc desc =
      bias ? dnnl::matmul::primitive_desc(engine, x, anyWeights, biasDesc, y,
                                          attributes)
           : dnnl::matmul::primitive_desc(engine, x, anyWeights, y, attributes);
#else
  dnnl::matmul::desc operation =
      bias ? dnnl::matmul::desc(x, anyWeights, biasDesc, y)
           : dnnl::matmul::desc(x, anyWeights, y);
  dnnl::matmul::primitive_desc desc(operation, attributes, engine);
#endif
  Matmul result;
  result.primitive = dnnl::matmul(desc);
  result.x = x;
  result.weights = desc.weights_desc();
  result.bias = biasDesc;
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
