//===- GgufConfig.h - Metadata as fields of config.json ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_GGUF_GGUFCONFIG_H
#define MARIMBA_IMPORTER_GGUF_GGUFCONFIG_H

#include "importer/gguf/Gguf.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

struct Family;

/// A GGUF file's description, in the fields that its family's config.json has.
struct GgufConfig {
  const Family *family = nullptr; // of families/FamilyRegistry.h
  llvm::json::Object fields;
  FieldNames names; // the keys that the fields came from
  int64_t experts = 0;
  std::string expertsField; // that says how many; empty where there are none
  /// Heads whose rows llama.cpp's converter has reordered, of queries and of
  /// keys: row 2j + p of a head is row p * dh/2 + j of Hugging Face's. 0: none.
  int64_t queryHeads = 0, keyHeads = 0;
  std::vector<std::string> notes; // what was read otherwise than it is written
};

/// Reads the metadata. What is absent though its architecture needs it, or is
/// for what we do not have, is an error; what has the wrong type or range is
/// left to those who read the fields.
FailureOr<GgufConfig> readGgufConfig(const GgufFile &file, ErrorFn emitError);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_GGUF_GGUFCONFIG_H
