//===- DnnlPrimitives.cpp - The calls into oneDNN's API -------------------===//

#include "DnnlPrimitives.h"

#include "marimba/Tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

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

memory::data_type typeOf(const memory::desc &desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_data_type();
#else
  return desc.data_type();
#endif
}

memory::desc matrix(int64_t rows, int64_t columns, int64_t stride,
                    int32_t type) {
  return memory::desc(memory::dims{rows, columns}, dataType(type),
                      memory::dims{stride, 1});
}

memory::desc storedWeights(int64_t k, int64_t n, int32_t type) {
  return memory::desc(memory::dims{k, n}, dataType(type), memory::dims{1, k});
}

int postOpArgument(const MatmulSpec &spec, size_t index) {
  // Of those before it each relu2 is two of the library's.
  auto more = std::count_if(
      spec.postOps.begin(), spec.postOps.begin() + index,
      [](const PostOp &post) { return post.kind == MARIMBA_POST_RELU2; });
  return DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(index + more)) |
         DNNL_ARG_SRC_1;
}

/// The library does not look whether there is memory for the code that it makes
/// of a primitive, and writes to address 0 where there is none.
static void checkRoomForCode() {
  constexpr size_t room = size_t(32) << 20;
  void *probe = mmap(nullptr, room, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (probe == MAP_FAILED)
    throw std::runtime_error(
        "no memory for oneDNN's code: " + std::to_string(room) +
        " bytes of address space were asked for");
  munmap(probe, room);
}

void Matmul::makePrimitive() {
  checkRoomForCode();
  primitive = dnnl::matmul(kernel);
}

static dnnl::primitive_attr userScratch() {
  // Scratch of the library's own belongs to the thread that made a primitive;
  // ours are shared by threads.
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

static void appendElementwise(dnnl::post_ops &postOps,
                              dnnl::algorithm algorithm, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
  postOps.append_eltwise(algorithm, alpha, 0.0f);
#else
  postOps.append_eltwise(1.0f, algorithm, alpha, 0.0f);
#endif
}

static dnnl::post_ops makePostOps(const MatmulSpec &spec) {
  dnnl::post_ops result;
  for (const PostOp &post : spec.postOps) {
    if (post.kind < 0)
      break;
    auto operand = [&] {
      return matrix(spec.rows, spec.n, post.stride, post.type);
    };
    switch (post.kind) {
    case MARIMBA_POST_SUM:
      result.append_sum(1.0f);
      break;
    case MARIMBA_POST_SILU:
      appendElementwise(result, dnnl::algorithm::eltwise_swish, 1.0f);
      break;
    case MARIMBA_POST_MUL:
      result.append_binary(dnnl::algorithm::binary_mul, operand());
      break;
    case MARIMBA_POST_ADD:
      result.append_binary(dnnl::algorithm::binary_add, operand());
      break;
    case MARIMBA_POST_RELU2: // two of the library's
      appendElementwise(result, dnnl::algorithm::eltwise_relu, 0.0f);
      appendElementwise(result, dnnl::algorithm::eltwise_square, 0.0f);
      break;
    default:
      throw std::runtime_error("post-op " + std::to_string(post.kind) +
                               ", expected 0 to 4");
    }
  }
  return result;
}

std::atomic<bool> onlyReferences = false;

/// A kernel as `make` describes it; nothing where the library has none, or
/// only its reference implementation.
template <typename Make> static std::optional<Matmul> findKernel(Make make) {
  Matmul result;
  try {
    result.kernel = make();
  } catch (const dnnl::error &error) {
    if (error.status == dnnl_unimplemented)
      return std::nullopt;
    throw;
  }
  result.implementation = result.kernel.impl_info_str();
  if (onlyReferences || result.implementation.find("ref") != std::string::npos)
    return std::nullopt;
  result.weights = result.kernel.weights_desc();
  result.scratchBytes =
      static_cast<int64_t>(result.kernel.scratchpad_desc().get_size());
  return result;
}

std::optional<Matmul> findMatmul(const dnnl::engine &engine,
                                 const MatmulSpec &spec) {
  memory::desc x = matrix(spec.rows, spec.k, spec.xStride, spec.xType);
  memory::desc y = matrix(spec.rows, spec.n, spec.yStride, spec.yType);
  memory::desc weights =
      spec.plainWeights
          ? matrix(spec.k, spec.n, spec.n, spec.xType)
          : memory::desc(memory::dims{spec.k, spec.n}, dataType(spec.xType),
                         memory::format_tag::any);
  memory::desc bias =
      spec.bias ? matrix(1, spec.n, spec.n, MARIMBA_F32) : memory::desc();
  dnnl::primitive_attr attributes = userScratch();
  attributes.set_post_ops(makePostOps(spec));
  std::optional<Matmul> result = findKernel([&] {
#if DNNL_VERSION_MAJOR >= 3
    return spec.bias ? dnnl::matmul::primitive_desc(engine, x, weights, bias, y,
                                                    attributes)
                     : dnnl::matmul::primitive_desc(engine, x, weights, y,
                                                    attributes);
#else
    dnnl::matmul::desc operation = spec.bias
                                       ? dnnl::matmul::desc(x, weights, bias, y)
                                       : dnnl::matmul::desc(x, weights, y);
    return dnnl::matmul::primitive_desc(operation, attributes, engine);
#endif
  });
  if (result) {
    result->x = x;
    result->bias = bias;
    result->y = y;
  }
  return result;
}

std::optional<Matmul> findIntegerMatmul(const dnnl::engine &engine,
                                        const MatmulSpec &spec) {
  auto rows = [&](int64_t columns, int64_t stride, memory::data_type type) {
    return memory::desc(memory::dims{spec.rows, columns}, type,
                        memory::dims{stride, 1});
  };
  memory::desc x = rows(spec.k, spec.xStride, memory::data_type::u8);
  memory::desc y = rows(spec.n, spec.yStride, memory::data_type::s32);
  memory::desc weights = blockedBytes(spec.k, spec.n);
  std::optional<Matmul> result = findKernel([&] {
#if DNNL_VERSION_MAJOR >= 3
    return dnnl::matmul::primitive_desc(engine, x, weights, y, userScratch());
#else
    return dnnl::matmul::primitive_desc(dnnl::matmul::desc(x, weights, y),
                                        userScratch(), engine);
#endif
  });
  // Without VNNI the others add pairs of products in 16 bits, which overflow.
  if (!result || !result->blocked())
    return std::nullopt;
  result->x = x;
  result->y = y;
  return result;
}

Reorder makeReorder(const dnnl::engine &engine, const memory::desc &from,
                    const memory::desc &to) {
  dnnl::reorder::primitive_desc desc(engine, from, engine, to, userScratch());
  Reorder result;
  checkRoomForCode();
  result.primitive = dnnl::reorder(desc);
  result.scratchBytes = static_cast<int64_t>(desc.scratchpad_desc().get_size());
  // Of one type without bf16 such a copy is fast.
  bool halves =
      typeOf(from) != typeOf(to) || typeOf(from) != memory::data_type::f32;
  std::string_view implementation = desc.impl_info_str();
  result.elementwise = halves && (implementation.starts_with("simple") ||
                                  implementation.starts_with("ref"));
  return result;
}

memory::desc blockedWeights(int64_t k, int64_t n, int32_t type) {
  return memory::desc(memory::dims{k, n}, dataType(type),
                      type == MARIMBA_F32 ? memory::format_tag::BA16a64b
                                          : memory::format_tag::BA16a64b2a);
}

memory::desc blockedBytes(int64_t k, int64_t n) {
  return memory::desc(memory::dims{k, n}, memory::data_type::s8,
                      memory::format_tag::BA16a64b4a);
}

std::string layoutText(const memory::desc &desc) {
#if DNNL_VERSION_MAJOR >= 3
  if (desc.get_format_kind() != memory::format_kind::blocked)
    return {};
  memory::dims dims = desc.get_dims(), padded = desc.get_padded_dims();
  memory::dims strides = desc.get_strides();
  memory::dims blocks = desc.get_inner_blks(), which = desc.get_inner_idxs();
  auto type = static_cast<int>(desc.get_data_type());
#else
  const dnnl_memory_desc_t &d = desc.data;
  if (d.format_kind != dnnl_blocked || d.extra.flags != 0)
    return {};
  const dnnl_blocking_desc_t &blocking = d.format_desc.blocking;
  memory::dims dims(d.dims, d.dims + d.ndims);
  memory::dims padded(d.padded_dims, d.padded_dims + d.ndims);
  memory::dims strides(blocking.strides, blocking.strides + d.ndims);
  memory::dims blocks(blocking.inner_blks,
                      blocking.inner_blks + blocking.inner_nblks);
  memory::dims which(blocking.inner_idxs,
                     blocking.inner_idxs + blocking.inner_nblks);
  auto type = static_cast<int>(d.data_type);
#endif
  auto list = [](const char *name, const memory::dims &values) {
    std::string text = std::string(" ") + name;
    for (int64_t value : values)
      text += " " + std::to_string(value);
    return text;
  };
  return "type " + std::to_string(type) + list("dims", dims) +
         list("padded", padded) + list("strides", strides) +
         list("blocks", blocks) + list("of", which);
}

std::string libraryText() {
  const dnnl_version_t *version = dnnl_version();
  return "oneDNN " + std::to_string(version->major) + "." +
         std::to_string(version->minor) + "." + std::to_string(version->patch) +
         " " + version->hash + " isa " +
         std::to_string(static_cast<int>(dnnl::get_effective_cpu_isa()));
}

std::string instructionsText() {
  auto isa = static_cast<int>(dnnl::get_effective_cpu_isa());
  const std::pair<int, const char *> names[] = {
      {dnnl_cpu_isa_sse41, "SSE4.1"},
      {dnnl_cpu_isa_avx, "AVX"},
      {dnnl_cpu_isa_avx2, "AVX2"},
      {dnnl_cpu_isa_avx2_vnni, "AVX2_VNNI"},
      {dnnl_cpu_isa_avx512_core, "AVX512_CORE"},
      {dnnl_cpu_isa_avx512_core_vnni, "AVX512_CORE_VNNI"},
      {dnnl_cpu_isa_avx512_core_bf16, "AVX512_CORE_BF16"},
      {dnnl_cpu_isa_avx512_core_amx, "AVX512_CORE_AMX"},
  };
  for (auto [value, name] : names)
    if (value == isa)
      return name;
  return "instructions " + std::to_string(isa);
}

} // namespace marimba::rt::dnn
