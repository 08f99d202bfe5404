//===- QuantizeGguf.h - A model as a GGUF file ------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTIZEGGUF_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTIZEGGUF_H

#include "tools/quantize/GgufMix.h"
#include "tools/quantize/QuantizeModel.h"

namespace marimba {

/// What to make of a model.
struct GgufOptions {
  GgufMix mix = GgufMix::Q8_0;
  QuantMethod method = QuantMethod::Search;
  /// As QuantizeOptions::keep; a tensor's names in both files count.
  std::vector<std::string> keep;
};

/// Writes `model`, a directory or a GGUF file, as the GGUF file `outFile`,
/// which appears when it is whole: where `goOn` says no (false, without
/// `error`) or something fails (with `error`) there is nothing, or what was
/// there before. docs/quantization.md says what is in it.
bool quantizeToGguf(llvm::StringRef model, llvm::StringRef outFile,
                    const GgufOptions &options, ProgressFn progress,
                    llvm::function_ref<bool()> goOn, QuantizeReport &report,
                    std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTIZEGGUF_H
