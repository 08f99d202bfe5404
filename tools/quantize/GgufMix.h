//===- GgufMix.h - Which type each tensor gets ------------------*- C++ -*-===//
//
// Part of Marimba. Mixtures of types by the names and rules of llama.cpp's
// llama-quantize (src/llama-quant.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_GGUFMIX_H
#define MARIMBA_TOOLS_QUANTIZE_GGUFMIX_H

#include "importer/gguf/Gguf.h"
#include "tools/quantize/GgufPlan.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace marimba {

/// A mixture of types, as files are called by it.
enum class GgufMix {
  F32,
  F16,
  BF16,
  Q8_0,
  Q4_0,
  Q4_K_S,
  Q4_K_M,
  Q5_K_S,
  Q5_K_M,
  Q6_K,
};

/// general.file_type of such a file.
uint32_t fileTypeOf(GgufMix mix);

/// What the rules ask of a model.
struct MixFacts {
  int64_t layers = 0, experts = 0;
  /// A llama of 80 layers with grouped queries, whose values are small.
  bool isLlama70B = false;

  /// What the metadata of a file say.
  static MixFacts of(const mlir::marimba::GgufFile &file);
};

/// Whether the tensor may have another type than F32: matrices, but not norms,
/// convolutions and routers.
bool mayBeQuantized(const GgufPlanTensor &tensor);

/// Sets the types of all tensors, as llama-quantize does but for the small
/// projections that decays and steps come from (docs/quantization.md): of
/// quantised mixtures they have 8 bits. Those that `keeps` knows, by both of
/// their names, keep what they have in the source; of a GGUF file
/// (`requantizes`), those that may not be quantised, too.
void chooseTypes(GgufPlan &plan, GgufMix mix, const MixFacts &facts,
                 bool requantizes,
                 llvm::function_ref<bool(const GgufPlanTensor &)> keeps);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_GGUFMIX_H
