//===- Gguf.cpp - Metadata of GGUF files ------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/Gguf.h"
#include "importer/hub/Json.h"
#include "llvm/Support/Endian.h"
#include <cmath>

namespace mlir::marimba {
namespace {

/// Reads the values of `value` one after the other.
class Values {
public:
  explicit Values(const GgufValue &value)
      : type(value.type), rest(value.bytes) {}

  StringRef nextString() {
    auto length = next<uint64_t>();
    StringRef text = rest.take_front(length);
    rest = rest.drop_front(length);
    return text;
  }
  /// Nothing where it is no whole number, or more than an int64_t holds.
  std::optional<int64_t> nextInteger();
  std::optional<double> nextNumber();
  /// As nextInteger(); -1 where it says "none", which unsigned numbers do by
  /// all of their bits.
  std::optional<int64_t> nextTokenId();
  bool nextBool() { return next<uint8_t>() != 0; }

private:
  double nextFloat() {
    return type == GgufType::Float32 ? double(next<float>()) : next<double>();
  }
  template <typename T> T next() {
    auto value =
        llvm::support::endian::read<T, llvm::endianness::little>(rest.data());
    rest = rest.drop_front(sizeof(T));
    return value;
  }

  GgufType type;
  StringRef rest;
};

std::optional<int64_t> Values::nextInteger() {
  switch (type) {
  case GgufType::UInt8:
    return next<uint8_t>();
  case GgufType::Int8:
    return next<int8_t>();
  case GgufType::UInt16:
    return next<uint16_t>();
  case GgufType::Int16:
    return next<int16_t>();
  case GgufType::UInt32:
    return next<uint32_t>();
  case GgufType::Int32:
    return next<int32_t>();
  case GgufType::Int64:
    return next<int64_t>();
  case GgufType::UInt64: {
    auto value = next<uint64_t>();
    if (value > uint64_t(INT64_MAX))
      return std::nullopt;
    return int64_t(value);
  }
  case GgufType::Bool:
    return nextBool();
  case GgufType::Float32:
  case GgufType::Float64: {
    double value = nextFloat();
    if (value != std::trunc(value) || std::fabs(value) > 9.0e18) // NaN, too
      return std::nullopt;
    return int64_t(value);
  }
  default:
    return std::nullopt;
  }
}

std::optional<double> Values::nextNumber() {
  if (type == GgufType::Float32 || type == GgufType::Float64)
    return nextFloat();
  if (std::optional<int64_t> integer = nextInteger())
    return double(*integer);
  return std::nullopt;
}

std::optional<int64_t> Values::nextTokenId() {
  // Beyond 2^63 nothing is a token.
  bool isWide = type == GgufType::UInt64 && (rest[7] & 0x80) != 0;
  std::optional<int64_t> id = nextInteger();
  return isWide || id == int64_t(UINT32_MAX) ? -1 : id;
}

/// One value as JSON.
llvm::json::Value toJsonValue(Values &values, GgufType type) {
  switch (type) {
  case GgufType::String:
    return llvm::json::fixUTF8(values.nextString());
  case GgufType::Bool:
    return values.nextBool();
  case GgufType::Float32:
  case GgufType::Float64:
    return *values.nextNumber();
  default:
    if (std::optional<int64_t> integer = values.nextInteger())
      return *integer;
    return "an integer beyond 2^63";
  }
}

} // namespace

const GgufTensor *GgufFile::findTensor(StringRef name) const {
  auto it = tensorIndex.find(name);
  return it == tensorIndex.end() ? nullptr : &tensorTable[it->second];
}

StringRef GgufFile::data(const GgufTensor &tensor) const {
  return fileParts[tensor.part].buffer->getBuffer().substr(tensor.offset,
                                                           tensor.bytes);
}

const GgufValue *GgufFile::find(StringRef key) const {
  auto it = metadata.find(key);
  if (it == metadata.end())
    return nullptr;
  asked.insert(key);
  return &it->second;
}

llvm::json::Value GgufFile::toJson(StringRef key, size_t maxElements) const {
  const GgufValue *value = find(key);
  if (!value)
    return nullptr;
  Values values(*value);
  if (!value->isArray)
    return toJsonValue(values, value->type);
  llvm::json::Array elements;
  for (uint64_t i = 0; i < std::min<uint64_t>(value->count, maxElements); ++i)
    elements.push_back(toJsonValue(values, value->type));
  return elements;
}

std::optional<StringRef> GgufFile::getString(StringRef key) const {
  const GgufValue *value = find(key);
  if (!value || value->isArray || value->type != GgufType::String)
    return std::nullopt;
  return Values(*value).nextString();
}

std::optional<int64_t> GgufFile::getInteger(StringRef key) const {
  const GgufValue *value = find(key);
  if (!value || value->isArray)
    return std::nullopt;
  return Values(*value).nextInteger();
}

std::optional<bool> GgufFile::getBool(StringRef key) const {
  const GgufValue *value = find(key);
  if (!value || value->isArray)
    return std::nullopt;
  std::optional<int64_t> number = Values(*value).nextInteger();
  if (number != 0 && number != 1)
    return std::nullopt;
  return *number == 1;
}

std::optional<int64_t> GgufFile::getTokenId(StringRef key) const {
  const GgufValue *value = find(key);
  if (!value || value->isArray)
    return std::nullopt;
  return Values(*value).nextTokenId();
}

std::optional<std::vector<StringRef>>
GgufFile::getStrings(StringRef key) const {
  const GgufValue *value = find(key);
  if (!value || !value->isArray ||
      (value->count && value->type != GgufType::String))
    return std::nullopt;
  Values values(*value);
  std::vector<StringRef> result;
  result.reserve(value->count);
  for (uint64_t i = 0; i < value->count; ++i)
    result.push_back(values.nextString());
  return result;
}

/// All elements of an array, each by `next`; nothing where one is nothing.
static std::optional<std::vector<int64_t>>
integersOf(const GgufValue *value, std::optional<int64_t> (Values::*next)()) {
  if (!value || !value->isArray)
    return std::nullopt;
  Values values(*value);
  std::vector<int64_t> result;
  for (uint64_t i = 0; i < value->count; ++i) {
    std::optional<int64_t> integer = (values.*next)();
    if (!integer)
      return std::nullopt;
    result.push_back(*integer);
  }
  return result;
}

std::optional<std::vector<int64_t>> GgufFile::getIntegers(StringRef key) const {
  return integersOf(find(key), &Values::nextInteger);
}

std::optional<std::vector<int64_t>> GgufFile::getTokenIds(StringRef key) const {
  return integersOf(find(key), &Values::nextTokenId);
}

std::optional<std::vector<double>> GgufFile::getNumbers(StringRef key) const {
  const GgufValue *value = find(key);
  if (!value || !value->isArray)
    return std::nullopt;
  Values values(*value);
  std::vector<double> result;
  for (uint64_t i = 0; i < value->count; ++i) {
    std::optional<double> number = values.nextNumber();
    if (!number)
      return std::nullopt;
    result.push_back(*number);
  }
  return result;
}

std::vector<StringRef> GgufFile::keysWith(StringRef prefix) const {
  std::vector<StringRef> keys;
  for (StringRef key : metadata.keys())
    if (key.starts_with(prefix))
      keys.push_back(key);
  llvm::sort(keys);
  return keys;
}

std::vector<StringRef> GgufFile::unreadKeys() const {
  std::vector<StringRef> keys = keysWith("");
  llvm::erase_if(keys, [&](StringRef key) { return asked.contains(key); });
  return keys;
}

std::string GgufFile::describe(StringRef key) const {
  std::string found =
      find(key) ? "is " + printJson(toJson(key)) : std::string("is absent");
  return "key " + quoted(key) + " " + found;
}

} // namespace mlir::marimba
