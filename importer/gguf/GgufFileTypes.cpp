//===- GgufFileTypes.cpp - What llama-quantize calls files ----------------===//
//
// Part of Marimba. general.file_type, as llama_ftype numbers it.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/Gguf.h"

#include "llvm/ADT/STLExtras.h"

namespace mlir::marimba {

static constexpr StringLiteral kFileTypes[] = {
    "F32",    "F16",    "Q4_0",    "Q4_1",   "",       "",        "",
    "Q8_0",   "Q5_0",   "Q5_1",    "Q2_K",   "Q3_K_S", "Q3_K_M",  "Q3_K_L",
    "Q4_K_S", "Q4_K_M", "Q5_K_S",  "Q5_K_M", "Q6_K",   "IQ2_XXS", "IQ2_XS",
    "Q2_K_S", "IQ3_XS", "IQ3_XXS", "IQ1_S",  "IQ4_NL", "IQ3_S",   "IQ3_M",
    "IQ2_S",  "IQ2_M",  "IQ4_XS",  "IQ1_M",  "BF16",   "",        "",
    "",       "TQ1_0",  "TQ2_0",   "MXFP4",  "NVFP4",  "Q1_0",    "Q2_0",
};

StringRef ggufFileTypeName(int64_t number) {
  constexpr int64_t guessed = 1024; // a flag
  number &= ~guessed;
  bool known = number >= 0 && number < int64_t(std::size(kFileTypes));
  return known ? StringRef(kFileTypes[number]) : StringRef();
}

int64_t ggufFileType(StringRef name) {
  const StringLiteral *found = llvm::find(kFileTypes, name);
  return name.empty() || found == std::end(kFileTypes)
             ? -1
             : found - std::begin(kFileTypes);
}

} // namespace mlir::marimba
