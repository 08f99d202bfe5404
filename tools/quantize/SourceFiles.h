//===- SourceFiles.h - The open files of a checkpoint -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_SOURCEFILES_H
#define MARIMBA_TOOLS_QUANTIZE_SOURCEFILES_H

#include "importer/Importer.h"

#include "marimba/InputFile.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

namespace marimba {

/// The open files of a checkpoint; may be read by several threads.
class SourceFiles {
public:
  bool open(const mlir::marimba::WeightSource &source, std::string &error);

  /// Fills `to` from `offset` of the file of `source`, which is open.
  bool read(const mlir::marimba::WeightSource &source, uint64_t offset,
            llvm::MutableArrayRef<char> to, std::string &error) const;

private:
  llvm::StringMap<rt::InputFile> files;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_SOURCEFILES_H
