//===- GgufMetadata.cpp - Metadata that is to be written --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/GgufMetadata.h"
#include "llvm/ADT/bit.h"

namespace mlir::marimba {

void appendGgufString(std::string &to, StringRef text) {
  appendGguf(to, uint64_t(text.size()));
  to += text;
}

static std::string typed(GgufType type) {
  std::string bytes;
  appendGguf(bytes, uint32_t(type));
  return bytes;
}

static std::string arrayOf(GgufType type, size_t count) {
  std::string bytes = typed(GgufType::Array);
  appendGguf(bytes, uint32_t(type));
  appendGguf(bytes, uint64_t(count));
  return bytes;
}

void GgufMetadata::set(StringRef key, std::string bytes) {
  auto [at, isNew] = index.try_emplace(key, entries.size());
  if (isNew)
    entries.emplace_back(key.str(), std::move(bytes));
  else
    entries[at->second].second = std::move(bytes);
}

void GgufMetadata::setString(StringRef key, StringRef value) {
  std::string bytes = typed(GgufType::String);
  appendGgufString(bytes, value);
  set(key, std::move(bytes));
}

void GgufMetadata::setInteger(StringRef key, int64_t value) {
  std::string bytes = typed(GgufType::UInt32);
  appendGguf(bytes, uint32_t(value));
  set(key, std::move(bytes));
}

void GgufMetadata::setReal(StringRef key, double value) {
  std::string bytes = typed(GgufType::Float32);
  appendGguf(bytes, llvm::bit_cast<uint32_t>(float(value)));
  set(key, std::move(bytes));
}

void GgufMetadata::setBool(StringRef key, bool value) {
  std::string bytes = typed(GgufType::Bool);
  appendGguf(bytes, uint8_t(value));
  set(key, std::move(bytes));
}

void GgufMetadata::setStrings(StringRef key, ArrayRef<std::string> values) {
  std::string bytes = arrayOf(GgufType::String, values.size());
  for (StringRef value : values)
    appendGgufString(bytes, value);
  set(key, std::move(bytes));
}

void GgufMetadata::setIntegers(StringRef key, ArrayRef<int64_t> values) {
  std::string bytes = arrayOf(GgufType::Int32, values.size());
  for (int64_t value : values)
    appendGguf(bytes, uint32_t(value));
  set(key, std::move(bytes));
}

void GgufMetadata::setBools(StringRef key, const std::vector<bool> &values) {
  std::string bytes = arrayOf(GgufType::Bool, values.size());
  for (bool value : values)
    appendGguf(bytes, uint8_t(value));
  set(key, std::move(bytes));
}

void GgufMetadata::setReals(StringRef key, ArrayRef<float> values) {
  std::string bytes = arrayOf(GgufType::Float32, values.size());
  for (float value : values)
    appendGguf(bytes, llvm::bit_cast<uint32_t>(value));
  set(key, std::move(bytes));
}

void GgufMetadata::setValue(StringRef key, const GgufValue &value) {
  std::string bytes =
      value.isArray ? arrayOf(value.type, value.count) : typed(value.type);
  bytes += value.bytes;
  set(key, std::move(bytes));
}

void GgufMetadata::append(std::string &to) const {
  for (const auto &[key, bytes] : entries) {
    appendGgufString(to, key);
    to += bytes;
  }
}

} // namespace mlir::marimba
