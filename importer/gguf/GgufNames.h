//===- GgufNames.h - What GGUF files call tensors ---------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_GGUF_GGUFNAMES_H
#define MARIMBA_IMPORTER_GGUF_GGUFNAMES_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace mlir::marimba {

/// The names of a family's tensors in GGUF files, as llama.cpp's converter
/// writes them, and in Hugging Face's checkpoints, as the families ask for
/// them.
class GgufNames {
public:
  explicit GgufNames(StringRef modelType);

  /// `blk.0.ssm_in.weight` is `model.layers.0.mamba.in_proj.weight`; nothing
  /// where there is no such tensor in the family. A stack of experts,
  /// `blk.0.ffn_up_exps.weight`, is named with `*` for the expert's number:
  /// `model.layers.0.feed_forward.experts.*.up_proj.weight`.
  std::optional<std::string> toCheckpoint(StringRef name) const;
  /// The inverse; the expert's number is lost. `name` itself where there is
  /// nothing.
  std::string toGguf(StringRef name) const;

  struct Pair {
    StringLiteral gguf, checkpoint;
  };

private:
  std::string layers; // "model.layers."
  ArrayRef<Pair> ends, parts;
};

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_GGUF_GGUFNAMES_H
