//===- Safetensors.cpp - Headers of safetensors files -----------*- C++ -*-===//
//
// Part of Marimba.
//
// The format: 8 bytes, the length n of the header (little endian); n bytes of
// JSON, {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...}; the
// data, which data_offsets count from.
// https://github.com/huggingface/safetensors
//
//===----------------------------------------------------------------------===//

#include "importer/hub/Safetensors.h"
#include "importer/hub/Json.h"
#include "marimba/FileKind.h"
#include "marimba/InputFile.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

namespace mlir::marimba {
namespace {

/// The format's own limit on headers.
constexpr uint64_t kLongestHeader = 100'000'000;

/// Bits per element, 0 for a type unknown to us: such tensors are listed, and
/// refused only where a model wants one.
uint64_t bitsOf(StringRef dtype) {
  return llvm::StringSwitch<uint64_t>(dtype)
      .Cases({"F64", "I64", "U64", "C64"}, 64)
      .Cases({"F32", "I32", "U32"}, 32)
      .Cases({"F16", "BF16", "I16", "U16"}, 16)
      .Cases({"BOOL", "U8", "I8"}, 8)
      .Cases({"F8_E5M2", "F8_E4M3", "F8_E8M0"}, 8)
      .Default(0);
}

class Reader {
public:
  Reader(StringRef path, StringRef file, ErrorFn emitError)
      : path(path), file(file), emitError(emitError) {}

  FailureOr<std::vector<SafetensorsEntry>> run();

private:
  LogicalResult error(const Twine &message) {
    emitError(file + ": " + message);
    return failure();
  }
  LogicalResult tensorError(StringRef name, const Twine &message) {
    return error("tensor " + quoted(name) + " " + message);
  }
  FailureOr<std::string> read(uint64_t offset, uint64_t size);
  FailureOr<uint64_t> readHeaderLength();
  FailureOr<SafetensorsEntry> readEntry(StringRef name,
                                        const llvm::json::Value &value);
  LogicalResult readShape(SafetensorsEntry &entry,
                          const llvm::json::Object &object);
  LogicalResult readRange(SafetensorsEntry &entry,
                          const llvm::json::Object &object);
  LogicalResult checkApart(ArrayRef<SafetensorsEntry> entries);

  StringRef path, file;
  ErrorFn emitError;
  std::optional<::marimba::rt::InputFile> input;
  uint64_t fileSize = 0;
  uint64_t dataBegin = 0;
};

FailureOr<std::string> Reader::read(uint64_t offset, uint64_t size) {
  std::string bytes(size, 0), problem;
  if (!input->read(bytes, offset, problem))
    return error(problem);
  return bytes;
}

FailureOr<uint64_t> Reader::readHeaderLength() {
  std::string problem;
  if (auto opened = ::marimba::rt::InputFile::open(path.str(), problem))
    input.emplace(std::move(*opened));
  else
    return error(problem);
  fileSize = input->size();
  constexpr uint64_t looked = 64; // by fileKind()
  auto begin = read(0, std::min(fileSize, looked));
  if (failed(begin))
    return failure();
  if (std::string_view kind = ::marimba::rt::fileKind(*begin);
      !kind.empty() && kind != ::marimba::rt::kSafetensors)
    return error("is " + StringRef(kind) + ", expected safetensors");
  if (fileSize < 8)
    return error("is " + Twine(fileSize) +
                 " bytes long, expected at least the 8 bytes of a safetensors "
                 "header length");
  auto start = read(0, 8);
  if (failed(start))
    return failure();
  uint64_t length = llvm::support::endian::read64le(start->data());
  if (length > kLongestHeader)
    return error("header length is " + Twine(length) + ", expected at most " +
                 Twine(kLongestHeader) + ": not a safetensors file?");
  if (length > fileSize - 8)
    return error("header length is " + Twine(length) + ", but only " +
                 Twine(fileSize - 8) +
                 " bytes follow: the file is truncated or not safetensors");
  return length;
}

LogicalResult Reader::readShape(SafetensorsEntry &entry,
                                const llvm::json::Object &object) {
  const llvm::json::Array *shape = object.getArray("shape");
  if (!shape)
    return tensorError(entry.name, "has no list 'shape' in the header");
  for (const llvm::json::Value &value : *shape) {
    std::optional<int64_t> dim = asInteger(value);
    if (!dim || *dim < 0)
      return tensorError(entry.name, "has " + printJson(value) +
                                         " in its shape, expected an integer "
                                         "of 0 or more");
    entry.shape.push_back(*dim);
  }
  return success();
}

LogicalResult Reader::readRange(SafetensorsEntry &entry,
                                const llvm::json::Object &object) {
  const llvm::json::Value *value = object.get("data_offsets");
  const llvm::json::Array *range = value ? value->getAsArray() : nullptr;
  std::optional<int64_t> begin, end;
  if (range && range->size() == 2) {
    begin = asInteger((*range)[0]);
    end = asInteger((*range)[1]);
  }
  if (!begin || !end || *begin < 0 || *end < *begin)
    return tensorError(entry.name,
                       "has data_offsets " +
                           (value ? printJson(*value) : "absent") +
                           ", expected [begin, end] with 0 <= begin <= end");
  if (uint64_t(*end) > fileSize - dataBegin)
    return tensorError(entry.name, "ends at byte " + Twine(*end) +
                                       " of the data, but the "
                                       "file holds " +
                                       Twine(fileSize - dataBegin) +
                                       ": the file is truncated");
  entry.offset = dataBegin + uint64_t(*begin);
  entry.bytes = uint64_t(*end) - uint64_t(*begin);

  uint64_t size = bitsOf(entry.dtype) / 8;
  if (size == 0)
    return success();
  // An empty dimension makes the size 0, however large the others are.
  bool overflow = false;
  if (llvm::is_contained(entry.shape, 0))
    size = 0;
  for (int64_t dim : entry.shape) {
    bool now = false;
    size = llvm::SaturatingMultiply<uint64_t>(size, dim, &now);
    overflow |= now;
  }
  if (overflow)
    return tensorError(entry.name, "has shape " + printShape(entry.shape) +
                                       ", which is more than 2^64 bytes");
  if (size != entry.bytes)
    return tensorError(entry.name, "has " + Twine(entry.bytes) +
                                       " bytes of data, expected " +
                                       Twine(size) + " for " + entry.dtype +
                                       " " + printShape(entry.shape));
  return success();
}

FailureOr<SafetensorsEntry> Reader::readEntry(StringRef name,
                                              const llvm::json::Value &value) {
  SafetensorsEntry entry;
  entry.name = name.str();
  const llvm::json::Object *object = value.getAsObject();
  if (!object)
    return tensorError(name, "is " + printJson(value) +
                                 " in the header, expected an object");
  std::optional<StringRef> dtype = object->getString("dtype");
  if (!dtype)
    return tensorError(name, "has no string 'dtype' in the header");
  entry.dtype = dtype->str();
  if (failed(readShape(entry, *object)) || failed(readRange(entry, *object)))
    return failure();
  return entry;
}

/// `entries` are in the order of their offsets.
LogicalResult Reader::checkApart(ArrayRef<SafetensorsEntry> entries) {
  const SafetensorsEntry *last = nullptr;
  for (const SafetensorsEntry &entry : entries) {
    if (entry.bytes == 0)
      continue;
    if (last && entry.offset < last->offset + last->bytes)
      return error("tensors " + quoted(last->name) + " and " +
                   quoted(entry.name) + " overlap");
    last = &entry;
  }
  return success();
}

FailureOr<std::vector<SafetensorsEntry>> Reader::run() {
  FailureOr<uint64_t> length = readHeaderLength();
  if (failed(length))
    return failure();
  dataBegin = 8 + *length;
  auto header = read(8, *length);
  if (failed(header))
    return failure();
  JsonOptions options;
  options.uniqueNames = true;
  FailureOr<llvm::json::Object> object =
      parseJsonObject(*header, (file + " (header)").str(), options, emitError);
  if (failed(object))
    return failure();

  std::vector<SafetensorsEntry> entries;
  entries.reserve(object->size());
  for (const auto &[key, value] : *object) {
    if (StringRef(key) == "__metadata__")
      continue;
    FailureOr<SafetensorsEntry> entry = readEntry(key, value);
    if (failed(entry))
      return failure();
    entries.push_back(std::move(*entry));
  }
  llvm::sort(entries, [](const auto &a, const auto &b) {
    return std::tie(a.offset, a.bytes, a.name) <
           std::tie(b.offset, b.bytes, b.name);
  });
  if (failed(checkApart(entries)))
    return failure();
  return entries;
}

} // namespace

FailureOr<std::vector<SafetensorsEntry>>
readSafetensorsHeader(StringRef path, StringRef file, ErrorFn emitError) {
  return Reader(path, file, emitError).run();
}

} // namespace mlir::marimba
