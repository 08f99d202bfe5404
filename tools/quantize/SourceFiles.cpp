//===- SourceFiles.cpp - The open files of a checkpoint -------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/SourceFiles.h"

using namespace marimba;
using mlir::marimba::WeightSource;

bool SourceFiles::open(const WeightSource &source, std::string &error) {
  if (files.contains(source.file))
    return true;
  std::string problem;
  std::optional<rt::InputFile> file = rt::InputFile::open(source.file, problem);
  if (file)
    files.try_emplace(source.file, std::move(*file));
  else
    error = source.file + ": " + problem;
  return file.has_value();
}

bool SourceFiles::read(const WeightSource &source, uint64_t offset,
                       llvm::MutableArrayRef<char> to,
                       std::string &error) const {
  std::string problem;
  if (files.find(source.file)->second.read(to, offset, problem))
    return true;
  error = source.file + ": " + problem;
  return false;
}
