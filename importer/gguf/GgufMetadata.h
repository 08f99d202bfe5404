//===- GgufMetadata.h - Metadata that is to be written ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_GGUF_GGUFMETADATA_H
#define MARIMBA_IMPORTER_GGUF_GGUFMETADATA_H

#include "importer/gguf/Gguf.h"
#include "llvm/ADT/ArrayRef.h"

namespace mlir::marimba {

/// Keys and values of a GGUF file, in the order in which they are first set, as
/// the bytes that the file has. llama.cpp reads most keys in one type only, so
/// each function has its own.
class GgufMetadata {
public:
  void setString(StringRef key, StringRef value);
  /// As an unsigned number of 32 bits; what does not fit is cut.
  void setInteger(StringRef key, int64_t value);
  void setReal(StringRef key, double value); // f32
  void setBool(StringRef key, bool value);
  void setStrings(StringRef key, ArrayRef<std::string> values);
  /// As signed numbers of 32 bits.
  void setIntegers(StringRef key, ArrayRef<int64_t> values);
  void setBools(StringRef key, const std::vector<bool> &values);
  void setReals(StringRef key, ArrayRef<float> values);
  /// As it is in another file.
  void setValue(StringRef key, const GgufValue &value);

  bool has(StringRef key) const { return index.contains(key); }
  size_t size() const { return entries.size(); }
  /// All keys and values, as they follow each other in a file.
  void append(std::string &to) const;

private:
  void set(StringRef key, std::string bytes);

  std::vector<std::pair<std::string, std::string>> entries; // type and value
  llvm::StringMap<size_t> index;
};

/// Little endian, as all numbers of the format.
template <typename T> void appendGguf(std::string &to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    to.push_back(char(uint64_t(value) >> 8 * i));
}
void appendGgufString(std::string &to, StringRef text);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_GGUF_GGUFMETADATA_H
