//===- Safetensors.cpp - Reading files of tensors -------------------------===//

#include "marimba/formats/Safetensors.h"

#include "SafetensorsTypes.h"
#include "marimba/FileKind.h"
#include "marimba/InputFile.h"
#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/JsonText.h"
#include "marimba/formats/Message.h"

#include <algorithm>
#include <tuple>

namespace marimba::formats {

using Json = nlohmann::json;
using rt::asInteger;
using rt::printJson;

namespace {

/// What the first 8 bytes of a file say.
uint64_t headerLength(std::span<const char> file) {
  uint64_t length = 0;
  for (int i = 0; i < 8; ++i)
    length |= uint64_t(static_cast<unsigned char>(file[i])) << (8 * i);
  return length;
}

class Reader {
public:
  Reader(const std::string &path, std::string_view file, std::string &error)
      : path(path), file(file), error(error) {}

  std::optional<std::vector<SafetensorsEntry>> run();

private:
  bool fail(const std::string &message) {
    error = file + ": " + message;
    return false;
  }
  bool failTensor(const std::string &name, const std::string &message) {
    return fail("tensor " + quotedName(name) + " " + message);
  }
  bool read(uint64_t offset, uint64_t size, std::string &bytes);
  bool readHeader(std::string &header);
  bool readEntry(SafetensorsEntry &entry, const Json &value);
  bool readShape(SafetensorsEntry &entry, const Json &object);
  bool readRange(SafetensorsEntry &entry, const Json &object);
  bool checkSize(const SafetensorsEntry &entry);
  bool checkApart(std::span<const SafetensorsEntry> entries);

  const std::string &path;
  std::string file;
  std::string &error;
  std::optional<rt::InputFile> input;
  uint64_t fileSize = 0;
  uint64_t dataBegin = 0;
};

/// The member of an object; null where it is absent.
const Json *member(const Json &object, const char *name) {
  auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

} // namespace

bool Reader::read(uint64_t offset, uint64_t size, std::string &bytes) {
  std::string problem;
  bytes.assign(size, 0);
  return input->read(bytes, offset, problem) || fail(problem);
}

bool Reader::readHeader(std::string &header) {
  std::string problem, begin;
  if (auto opened = rt::InputFile::open(path, problem))
    input.emplace(std::move(*opened));
  else
    return fail(problem);
  fileSize = input->size();
  constexpr uint64_t looked = 64; // by fileKind()
  if (!read(0, std::min(fileSize, looked), begin))
    return false;
  if (std::string_view kind = rt::fileKind(begin);
      !kind.empty() && kind != rt::kSafetensors)
    return fail("is " + std::string(kind) + ", expected safetensors");
  if (fileSize < 8)
    return fail("is " + std::to_string(fileSize) +
                " bytes long, expected at least the 8 bytes of a safetensors "
                "header length");
  uint64_t length = headerLength(begin);
  std::string found = "header length is " + std::to_string(length);
  if (length > kLongestSafetensorsHeader)
    return fail(found + ", expected at most " +
                std::to_string(kLongestSafetensorsHeader) +
                ": not a safetensors file?");
  if (length > fileSize - 8)
    return fail(found + ", but only " + std::to_string(fileSize - 8) +
                " bytes follow: the file is truncated or not safetensors");
  dataBegin = 8 + length;
  return read(8, length, header);
}

bool Reader::readShape(SafetensorsEntry &entry, const Json &object) {
  const Json *shape = member(object, "shape");
  if (!shape || !shape->is_array())
    return failTensor(entry.name, "has no list 'shape' in the header");
  for (const Json &value : *shape) {
    std::optional<int64_t> dim = asInteger(value);
    if (!dim || *dim < 0)
      return failTensor(entry.name,
                        "has " + printJson(value) +
                            " in its shape, expected an integer of 0 or more");
    entry.shape.push_back(*dim);
  }
  return true;
}

bool Reader::readRange(SafetensorsEntry &entry, const Json &object) {
  const Json *range = member(object, "data_offsets");
  std::optional<int64_t> begin, end;
  if (range && range->is_array() && range->size() == 2) {
    begin = asInteger((*range)[0]);
    end = asInteger((*range)[1]);
  }
  if (!begin || !end || *begin < 0 || *end < *begin)
    return failTensor(entry.name,
                      "has data_offsets " +
                          (range ? printJson(*range) : "absent") +
                          ", expected [begin, end] with 0 <= begin <= end");
  uint64_t held = fileSize - dataBegin;
  if (uint64_t(*end) > held)
    return failTensor(entry.name, "ends at byte " + std::to_string(*end) +
                                      " of the data, but the file holds " +
                                      std::to_string(held) +
                                      ": the file is truncated");
  entry.offset = dataBegin + uint64_t(*begin);
  entry.bytes = uint64_t(*end) - uint64_t(*begin);
  return checkSize(entry);
}

bool Reader::checkSize(const SafetensorsEntry &entry) {
  // Types that are unknown to us are listed, and refused where a model wants
  // one.
  if (safetensorsTypeBytes(entry.dtype) == 0)
    return true;
  std::optional<uint64_t> size = safetensorsBytes(entry.dtype, entry.shape);
  if (!size)
    return failTensor(entry.name, "has shape " + printShape(entry.shape) +
                                      ", which is more than 2^64 bytes");
  if (*size != entry.bytes)
    return failTensor(
        entry.name, "has " + std::to_string(entry.bytes) +
                        " bytes of data, expected " + std::to_string(*size) +
                        " for " + entry.dtype + " " + printShape(entry.shape));
  return true;
}

bool Reader::readEntry(SafetensorsEntry &entry, const Json &value) {
  if (!value.is_object())
    return failTensor(entry.name, "is " + printJson(value) +
                                      " in the header, expected an object");
  const Json *dtype = member(value, "dtype");
  if (!dtype || !dtype->is_string())
    return failTensor(entry.name, "has no string 'dtype' in the header");
  entry.dtype = dtype->get<std::string>();
  return readShape(entry, value) && readRange(entry, value);
}

/// `entries` are in the order of their offsets.
bool Reader::checkApart(std::span<const SafetensorsEntry> entries) {
  const SafetensorsEntry *last = nullptr;
  for (const SafetensorsEntry &entry : entries) {
    if (entry.bytes == 0)
      continue;
    if (last && entry.offset < last->offset + last->bytes)
      return fail("tensors " + quotedName(last->name) + " and " +
                  quotedName(entry.name) + " overlap");
    last = &entry;
  }
  return true;
}

std::optional<std::vector<SafetensorsEntry>> Reader::run() {
  std::string header, problem;
  if (!readHeader(header))
    return std::nullopt;
  std::optional<Json> object = rt::parseUniqueJson(header, problem);
  if (object && !object->is_object())
    problem = "is " + printJson(*object) + ", expected a JSON object";
  if (!problem.empty()) {
    error = file + " (header): " + problem;
    return std::nullopt;
  }
  std::vector<SafetensorsEntry> entries;
  entries.reserve(object->size());
  for (const auto &[name, value] : object->items()) {
    if (name == "__metadata__")
      continue;
    SafetensorsEntry &entry = entries.emplace_back();
    entry.name = name;
    if (!readEntry(entry, value))
      return std::nullopt;
  }
  std::sort(entries.begin(), entries.end(), [](const auto &a, const auto &b) {
    return std::tie(a.offset, a.bytes, a.name) <
           std::tie(b.offset, b.bytes, b.name);
  });
  if (!checkApart(entries))
    return std::nullopt;
  return entries;
}

std::optional<std::vector<SafetensorsEntry>>
readSafetensorsHeader(const std::string &path, std::string_view file,
                      std::string &error) {
  error.clear();
  return Reader(path, file, error).run();
}

uint64_t safetensorsDataOffset(std::span<const char> file) {
  if (file.size() < 8)
    return 0;
  uint64_t length = headerLength(file);
  return length > kLongestSafetensorsHeader ? 8 : 8 + length;
}

} // namespace marimba::formats
