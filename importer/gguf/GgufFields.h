//===- GgufFields.h - How a family reads GGUF's metadata --------*- C++ -*-===//
//
// Part of Marimba. What a family says of its GGUF files, and what it reads them
// with. Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; those
// that are not there, and what tensors say instead of keys: llama.cpp's
// conversion/*.py.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_GGUF_GGUFFIELDS_H
#define MARIMBA_IMPORTER_GGUF_GGUFFIELDS_H

#include "importer/gguf/GgufConfig.h"
#include "importer/gguf/GgufNames.h"

namespace mlir::marimba {

class GgufFields;
class GgufKeys;

/// Reads a config and writes all keys of a family.
using GgufKeysWriter = void (*)(GgufKeys &keys);

/// What a family says of its GGUF files.
struct GgufFamily {
  StringLiteral architecture; // general.architecture; empty: no files
  /// Whether a file of this architecture is of this family and of no other.
  /// Null: those are that no other family claims.
  bool (*claims)(const GgufFile &file) = nullptr;
  /// Reads the fields that the family's config.json would have, but for those
  /// that all families have: readGgufConfig() has read these.
  void (*read)(GgufFields &fields);
  /// The inverse: writes the metadata of a checkpoint. Null: its checkpoints
  /// are not written as GGUF files.
  GgufKeysWriter write;
  GgufNames names;
  /// In lists with a number for each layer 0 says that the layer has no such
  /// part; what the others say is read for all.
  bool zeroIsNone = false;
  /// Another architecture that the family's files may have.
  StringLiteral alsoCalled = "";
  /// Mamba-2: what the file has as ssm_a and ssm_d [Hv,1] and ssm_norm [G,D/G]
  /// are vectors in checkpoints.
  bool vectorMixers = false;
};

/// Of a family that llama.cpp does not have.
GgufFamily noGguf();

/// Turns metadata into fields of config.json. What is absent though needed, or
/// says what we do not have, is reported, and makes `failed` true.
class GgufFields {
public:
  GgufFields(const GgufFile &file, ErrorFn emitError)
      : file(file), emitError(emitError) {}

  const GgufFile &file;
  GgufConfig config;
  /// The architecture, which keys begin with, and GgufFamily::zeroIsNone.
  std::string architecture;
  bool zeroIsNone = false;
  int64_t layers = 0, hidden = 0; // 0: an error has been reported
  bool failed = false;

  /// Reports `<file>: <message>`, the file being that of `in` where it is
  /// given, and `<file>: key 'x' is <found>, expected <expected>`.
  void error(const Twine &message, const GgufTensor *in = nullptr);
  void keyError(StringRef key, const Twine &expected);

  /// `<architecture>.<suffix>`.
  std::string key(StringRef suffix) const {
    return architecture + "." + suffix.str();
  }
  bool hasTensor(const Twine &name) const {
    return file.findTensor(name.str()) != nullptr;
  }
  /// The whole number that `<architecture>.<suffix>` is, in [1, max]; 0 where
  /// it is absent and not required, or after an error.
  int64_t positive(StringRef suffix, int64_t max, bool required = true);

  /// The whole number that the key `name` is; of a list with one for each layer
  /// what all of them are. Nothing where it is something else.
  std::optional<int64_t> integer(StringRef name) const;

  /// Makes `value`, which messages say comes from `from`, the value of `field`.
  void set(StringRef field, llvm::json::Value value, StringRef from);
  /// Makes the value of `<architecture>.<suffix>` that of `field`. A list with
  /// a number for each layer is read as the number that all of these are.
  void copy(StringRef suffix, StringRef field, bool required = true);

private:
  ErrorFn emitError;
};

/// Reads the base of rotary positions and their scaling, which turn all
/// `headDim` elements of a head, or where `mayBePart` the first of them, as
/// fields that readRotation() reads.
void readGgufRotary(GgufFields &fields, int64_t headDim,
                    bool mayBePart = false);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_GGUF_GGUFFIELDS_H
