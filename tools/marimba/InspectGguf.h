//===- InspectGguf.h - What a GGUF file is ----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_INSPECTGGUF_H
#define MARIMBA_TOOLS_MARIMBA_INSPECTGGUF_H

#include "importer/gguf/Gguf.h"
#include "tools/libmarimba/Compiler.h"

#include <map>

namespace marimba::driver {

/// What a GGUF file says of itself, and what becomes of its tensors here. Most
/// can be said of files that hold no model that runs, too.
class GgufReport {
public:
  /// Nothing where the header of `path`, or of its other parts, cannot be read.
  /// `compilation` is of the file; null where it cannot be imported.
  static std::optional<GgufReport> read(llvm::StringRef path,
                                        Compilation *compilation);

  void printAsText() const;
  llvm::json::Object asJson() const;

private:
  struct Count {
    int64_t tensors = 0, bytes = 0;
  };
  struct Part {
    std::string file;
    Count count; // the bytes are the file's
  };
  /// What is multiplied in one way: the type in the file and the way.
  using Use = std::pair<std::string, std::string>;

  void takeHeader(const mlir::marimba::GgufFile &file);
  void takeUses(const mlir::marimba::GgufFile &file, Compilation &compilation);

  int64_t version = 0;
  std::vector<Part> parts;
  /// Keys as the file has them; null where it has none.
  llvm::json::Value architecture = nullptr, name = nullptr, size = nullptr,
                    fileType = nullptr, quantization = nullptr,
                    context = nullptr, tokenizer = nullptr, pre = nullptr;
  int64_t tokens = 0;
  std::map<std::string, Count> types;
  std::map<Use, Count> uses;
  std::vector<std::string> unusedKeys;
};

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_INSPECTGGUF_H
