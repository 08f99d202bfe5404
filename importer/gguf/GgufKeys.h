//===- GgufKeys.h - How a family writes GGUF's metadata ---------*- C++ -*-===//
//
// Part of Marimba. The inverse of GgufFields.h, for what a family says of the
// files that are written of its checkpoints.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_GGUF_GGUFKEYS_H
#define MARIMBA_IMPORTER_GGUF_GGUFKEYS_H

#include "importer/Importer.h"
#include "importer/gguf/GgufMetadata.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

/// A size of ModelInfo::sizes, and the key for it behind the architecture.
struct GgufSize {
  StringLiteral key, size;
};

/// Of the tensors `part` of all layers, "attn_q", or of none, "output": the
/// next `rows` rows are to be multiplied by `factor`; 0: all that are left.
struct GgufFactor {
  StringRef part; // a literal
  int64_t rows;
  double factor;
};

/// Turns what was read of a model directory into metadata. What a GGUF file
/// cannot say is reported, as an error of the config, and makes it fail.
class GgufKeys {
public:
  GgufKeys(Config &config, const ModelInfo &info, StringRef architecture)
      : config(config), info(info), architecture(architecture) {}

  Config &config;
  const ModelInfo &info;
  std::string architecture;
  GgufMetadata metadata;
  /// What rope_freqs.weight holds, by which the frequencies are divided; empty:
  /// there is none.
  std::vector<float> rotaryFactors;
  /// By which rows of tensors are to be multiplied.
  std::vector<GgufFactor> factors;
  /// What a person should know of what becomes of the model.
  std::vector<std::string> notes;

  /// `<architecture>.<suffix>`.
  std::string key(StringRef suffix) const {
    return architecture + "." + suffix.str();
  }
  /// What all files have: sizes, the epsilon of the norms, tokens.
  void common();
  /// The size that ModelInfo has under this name; 0 where it has none.
  int64_t size(StringRef name) const;
  /// Sets each key whose size the model has.
  void sizes(ArrayRef<GgufSize> list);
  void integer(StringRef suffix, int64_t value) {
    metadata.setInteger(key(suffix), value);
  }
  void real(StringRef suffix, double value) {
    metadata.setReal(key(suffix), value);
  }
  void boolean(StringRef suffix, bool value) {
    metadata.setBool(key(suffix), value);
  }
  /// `value` for the layers whose kind `of` begins with or, after a "+", has;
  /// 0 for the others.
  void perLayer(StringRef suffix, StringRef of, int64_t value);
  /// Whether that is so of a layer.
  bool isKind(size_t layer, StringRef of) const;
  /// What readGgufRotary() reads: the fields are those of readRotation(), with
  /// the family's defaults.
  void rotary(int64_t headDim, double defaultTheta, double defaultShare = 1,
              StringRef object = "");
};

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_GGUF_GGUFKEYS_H
