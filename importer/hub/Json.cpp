//===- Json.cpp - Reading JSON files of unknown origin ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/Json.h"
#include "marimba/InputFile.h"
#include "marimba/formats/ClassicLocale.h"
#include "marimba/formats/JsonGuard.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <vector>

namespace mlir::marimba {
namespace {

// LLVM's JSON reads and prints numbers by way of the C library.
using ::marimba::rt::ClassicLocale;

/// One pass over the text before the real parser: finds names that occur twice,
/// spells out Infinity and NaN. What it does not understand it leaves to the
/// parser.
class Prescan {
public:
  Prescan(StringRef text, StringRef file, JsonOptions options,
          ErrorFn emitError)
      : text(text), file(file), options(options), emitError(emitError) {}

  LogicalResult run();

  /// The text to parse; the original where nothing had to be replaced.
  StringRef result() const { return replaced.empty() ? text : replaced; }

private:
  LogicalResult scanString();
  bool scanNonFinite();

  StringRef text, file;
  JsonOptions options;
  ErrorFn emitError;
  size_t pos = 0;
  size_t copied = 0;
  std::string replaced;
  std::vector<llvm::StringSet<>> names; // one per open bracket
};

LogicalResult Prescan::run() {
  while (pos < text.size()) {
    char c = text[pos];
    if (c == '"') {
      if (failed(scanString()))
        return failure();
      continue;
    }
    if ((c == 'I' || c == 'N' || c == '-') && scanNonFinite())
      continue;
    if (c == '{' || c == '[') {
      names.emplace_back();
    } else if ((c == '}' || c == ']') && !names.empty()) {
      names.pop_back();
    }
    ++pos;
  }
  if (!replaced.empty())
    replaced += text.substr(copied);
  return success();
}

LogicalResult Prescan::scanString() {
  size_t begin = pos++;
  bool escaped = false;
  while (pos < text.size() && text[pos] != '"') {
    if (text[pos] == '\\') {
      escaped = true;
      ++pos;
    }
    ++pos;
  }
  pos = std::min(pos + 1, text.size());
  if (!options.uniqueNames || names.empty())
    return success();

  size_t next = pos;
  while (next < text.size() && llvm::isSpace(text[next]))
    ++next;
  if (next == text.size() || text[next] != ':')
    return success();
  StringRef raw = text.slice(begin, pos);
  std::string name = raw.drop_front().drop_back().str();
  if (escaped) {
    // Two spellings of one name are one name.
    llvm::Expected<llvm::json::Value> value = llvm::json::parse(raw);
    if (!value) {
      llvm::consumeError(value.takeError());
      return success();
    }
    name = value->getAsString().value_or("").str();
  }
  if (names.back().insert(name).second)
    return success();
  emitError(file + ": " + quoted(name) + " occurs twice");
  return failure();
}

bool Prescan::scanNonFinite() {
  for (StringRef word : {"-Infinity", "Infinity", "NaN"}) {
    if (!text.substr(pos).starts_with(word))
      continue;
    replaced += text.slice(copied, pos);
    replaced += ("{\"__float__\": \"" + word + "\"}").str();
    pos += word.size();
    copied = pos;
    return true;
  }
  return false;
}

} // namespace

FailureOr<llvm::json::Value> parseJson(StringRef text, StringRef file,
                                       JsonOptions options, ErrorFn emitError) {
  text.consume_front("\xef\xbb\xbf");
  if (options.mayBeEmpty && text.trim().empty())
    return llvm::json::Value(llvm::json::Object());
  std::string found = ::marimba::rt::describeNoJson(text);
  if (found.empty() && ::marimba::rt::nestsTooDeep(text))
    found = ::marimba::rt::deepJsonText();
  if (!found.empty()) {
    emitError(file + ": " + found);
    return failure();
  }
  ClassicLocale classic;
  Prescan prescan(text, file, options, emitError);
  if (failed(prescan.run()))
    return failure();
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(prescan.result());
  if (!value) {
    emitError(file + ": not valid JSON: " + llvm::toString(value.takeError()));
    return failure();
  }
  return std::move(*value);
}

FailureOr<llvm::json::Object> parseJsonObject(StringRef text, StringRef file,
                                              JsonOptions options,
                                              ErrorFn emitError) {
  FailureOr<llvm::json::Value> value =
      parseJson(text, file, options, emitError);
  if (failed(value))
    return failure();
  if (llvm::json::Object *object = value->getAsObject())
    return std::move(*object);
  emitError(file + ": is " + printJson(*value) + ", expected a JSON object");
  return failure();
}

FailureOr<llvm::json::Object> readJsonFile(StringRef path, StringRef file,
                                           uint64_t limit, JsonOptions options,
                                           ErrorFn emitError) {
  std::string problem;
  std::optional<std::string> text =
      ::marimba::rt::readWhole(path.str(), limit, problem);
  if (!text) {
    emitError(file + ": " + problem);
    return failure();
  }
  return parseJsonObject(*text, file, options, emitError);
}

std::optional<int64_t> asInteger(const llvm::json::Value &value) {
  // getAsInteger converts doubles at the edge of the range without a care.
  std::optional<double> number = value.getAsNumber();
  if (!number || std::fabs(*number) > 9.0e18)
    return std::nullopt;
  return value.getAsInteger();
}

std::optional<std::vector<int64_t>> asTokenIds(const llvm::json::Value &value) {
  std::vector<int64_t> ids;
  if (const llvm::json::Array *list = value.getAsArray()) {
    for (const llvm::json::Value &element : *list) {
      auto own = element.getAsArray() ? std::nullopt : asTokenIds(element);
      if (!own)
        return std::nullopt;
      llvm::append_range(ids, *own);
    }
    return ids;
  }
  // As unsigned numbers, -1 of 32 and of 64 bits.
  std::optional<double> number = value.getAsNumber();
  if (value.kind() == llvm::json::Value::Null || number == -1.0 ||
      number == double(UINT32_MAX) || value.getAsUINT64() == UINT64_MAX)
    return ids;
  std::optional<int64_t> id = asInteger(value);
  if (!id || *id < 0 || *id > INT32_MAX)
    return std::nullopt;
  ids.push_back(*id);
  return ids;
}

std::string printJson(const llvm::json::Value &value) {
  ClassicLocale classic;
  constexpr size_t kLongest = 80;
  if (const llvm::json::Object *object = value.getAsObject())
    if (object->size() > 4)
      return "an object";
  std::string text;
  llvm::raw_string_ostream os(text);
  os << value;
  if (text.size() > kLongest) {
    text.resize(kLongest);
    text = llvm::json::fixUTF8(text) + "...";
  }
  return text;
}

} // namespace mlir::marimba
