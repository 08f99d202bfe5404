//===- Gguf.h - Headers of GGUF files ---------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_GGUF_GGUF_H
#define MARIMBA_IMPORTER_GGUF_GGUF_H

#include "importer/Error.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir::marimba {

/// The types of metadata, as the format numbers them.
enum class GgufType : uint32_t {
  UInt8 = 0,
  Int8,
  UInt16,
  Int16,
  UInt32,
  Int32,
  Float32,
  Bool,
  String,
  Array,
  UInt64,
  Int64,
  Float64,
};

/// A value of the metadata, or an array of values of one type. It points into
/// the file.
struct GgufValue {
  GgufType type = GgufType::UInt8; // of the elements; never Array
  bool isArray = false;
  uint64_t count = 1;
  StringRef bytes; // checked: `count` values, one after the other
};

/// One tensor as the file describes it. Its range has been checked to lie in
/// the file and apart from all others; its size, where the type is one that
/// `bytes` is known of, to fit the shape.
struct GgufTensor {
  std::string name;
  std::string type;           // "F32", "Q8_0", ...
  std::vector<int64_t> shape; // slowest dimension first, as everywhere here
  uint64_t offset = 0;        // from the beginning of the file
  uint64_t bytes = 0;         // 0: the type's size is not known to us
  unsigned part = 0;          // index into GgufFile::parts()
};

/// One of the files that a model is in.
struct GgufPart {
  std::string file; // the name that messages use
  uint32_t version = 0;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
};

/// Which of the files that a model is split into are read.
enum class GgufParts { All, First };
/// What llama-quantize calls general.file_type `number`, "Q4_K_M"; empty where
/// it is none that llama.cpp has. Most matrices are of the type; which are not
/// is in the tensors.
StringRef ggufFileTypeName(int64_t number);
/// The inverse; -1 where the name is none of them.
int64_t ggufFileType(StringRef name);

/// The number of a type of tensors; nothing where the name is none of them.
std::optional<uint32_t> ggufTensorType(StringRef name);

/// The header of a GGUF file of version 2 or 3, little endian: metadata and
/// list of tensors. No tensor data is read but what `data` is asked for.
/// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
///
/// A model may be split into files NAME-00001-of-0000N.gguf, by llama.cpp's
/// llama-gguf-split: each has the keys `split.no` (from 0 on), `split.count`
/// and `split.tensors.count` (of all files together) and some of the tensors,
/// the first file all other keys, too. Any of them stands for all.
class GgufFile {
public:
  /// `file` is the name that messages use for `path`; other parts have names
  /// beside it. `GgufParts::First` reads what the keys say alone.
  static FailureOr<GgufFile> open(StringRef path, StringRef file,
                                  ErrorFn emitError,
                                  GgufParts which = GgufParts::All);

  /// The file that has the keys: the first, or the one.
  StringRef file() const { return fileParts.front().file; }
  ArrayRef<GgufPart> parts() const { return fileParts; }
  ArrayRef<GgufTensor> tensors() const { return tensorTable; }
  const GgufTensor *findTensor(StringRef name) const;
  /// The file that holds the tensor.
  StringRef fileOf(const GgufTensor &tensor) const {
    return fileParts[tensor.part].file;
  }
  /// The bytes of a tensor of known size.
  StringRef data(const GgufTensor &tensor) const;

  /// Null where the file has no such key.
  const GgufValue *find(StringRef key) const;
  /// The value as JSON, with no more than `maxElements` of an array: integers,
  /// numbers, booleans, strings (wrong UTF-8 repaired). Null where absent.
  llvm::json::Value toJson(StringRef key, size_t maxElements = 16) const;
  /// The string, or nothing where the key is absent or of another type.
  std::optional<StringRef> getString(StringRef key) const;
  // Programs that write these files choose types as they like, so what is
  // asked for is a value, of whatever type can hold it.
  /// A whole number, of any type of numbers or booleans; nothing where it is
  /// absent or something else.
  std::optional<int64_t> getInteger(StringRef key) const;
  /// A boolean, or a number that is 0 or 1.
  std::optional<bool> getBool(StringRef key) const;
  /// As getInteger(), of a token; -1 where the value says "none", which
  /// is -1, also as an unsigned number.
  std::optional<int64_t> getTokenId(StringRef key) const;
  /// The same of all elements of an array, as getIntegers().
  std::optional<std::vector<int64_t>> getTokenIds(StringRef key) const;
  /// All elements of an array of strings, which point into the file, of whole
  /// numbers, or of numbers; nothing where it is something else. An empty array
  /// is one of any type.
  std::optional<std::vector<StringRef>> getStrings(StringRef key) const;
  std::optional<std::vector<int64_t>> getIntegers(StringRef key) const;
  std::optional<std::vector<double>> getNumbers(StringRef key) const;

  /// The keys that begin with `prefix`, in order; they point into this.
  std::vector<StringRef> keysWith(StringRef prefix) const;
  /// The keys that nobody has asked for until now, in order.
  std::vector<StringRef> unreadKeys() const;

  /// `key 'x' is <found>`, or `is absent`, for the beginning of a message.
  std::string describe(StringRef key) const;

private:
  friend class GgufReader;
  static FailureOr<GgufFile> openOne(StringRef path, StringRef file,
                                     ErrorFn emitError);
  /// Adds the tensors of `next`, which is part `index` of this model.
  LogicalResult append(GgufFile next, unsigned index, ErrorFn emitError);

  std::vector<GgufPart> fileParts; // never empty
  llvm::StringMap<GgufValue> metadata;
  mutable llvm::StringSet<> asked;
  std::vector<GgufTensor> tensorTable;
  llvm::StringMap<size_t> tensorIndex;
};

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_GGUF_GGUF_H
