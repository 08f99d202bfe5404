//===- PythonCalls.cpp - Calls as Python writes them ----------------------===//

#include "PythonCalls.h"

#include "SchemaTypes.h"
#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace marimba::rt {

using Json = nlohmann::ordered_json;

namespace {

class PythonReader {
public:
  explicit PythonReader(std::string_view text) : text(text) {}

  PythonRead readCalls(std::vector<PythonCall> &calls);
  PythonRead readCall(PythonCall &call);
  PythonRead readValue(Json &value, int depth);
  size_t place() const { return at; }
  void skipSpace() {
    while (at < text.size() &&
           std::isspace(static_cast<unsigned char>(text[at])))
      ++at;
  }

private:
  /// `byte` must come next, behind white space.
  PythonRead expect(char byte) {
    skipSpace();
    if (at == text.size())
      return PythonRead::Part;
    if (text[at] != byte)
      return PythonRead::Bad;
    ++at;
    return PythonRead::Whole;
  }
  bool comes(char byte) {
    skipSpace();
    return at < text.size() && text[at] == byte;
  }
  PythonRead readName(std::string &name);
  PythonRead readString(std::string &value);
  PythonRead readEscape(std::string &value);
  PythonRead readCodePoint(size_t digits, std::string &value);
  PythonRead readList(char close, Json &value, int depth);
  PythonRead readDictionary(Json &value, int depth);
  PythonRead readWord(Json &value);
  bool mayEndValue(size_t place) const;
  /// Items with commas between up to `close`, each read by `item`.
  template <typename ItemT> PythonRead readItems(char close, const ItemT &item);

  std::string_view text;
  size_t at = 0;
};

} // namespace

static bool isWordByte(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) || byte == '_';
}

/// UTF-8 of a code point.
static void appendCodePoint(unsigned code, std::string &text) {
  auto add = [&](unsigned byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | code >> 6);
    add(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  }
}

template <typename ItemT>
PythonRead PythonReader::readItems(char close, const ItemT &item) {
  while (true) {
    if (comes(close)) {
      ++at;
      return PythonRead::Whole;
    }
    if (at == text.size())
      return PythonRead::Part;
    if (PythonRead read = item(); read != PythonRead::Whole)
      return read;
    if (comes(close))
      continue;
    if (PythonRead read = expect(','); read != PythonRead::Whole)
      return read;
  }
}

PythonRead PythonReader::readName(std::string &name) {
  skipSpace();
  size_t begin = at;
  // Names of functions may have more than those of Python.
  while (at < text.size() &&
         (isWordByte(text[at]) ||
          std::string_view("-.:/").find(text[at]) != std::string_view::npos))
    ++at;
  if (at == text.size())
    return PythonRead::Part;
  name = text.substr(begin, at - begin);
  return name.empty() ? PythonRead::Bad : PythonRead::Whole;
}

PythonRead PythonReader::readCall(PythonCall &call) {
  if (PythonRead read = readName(call.name); read != PythonRead::Whole)
    return read;
  if (PythonRead read = expect('('); read != PythonRead::Whole)
    return read;
  return readItems(')', [&] {
    std::string name;
    if (PythonRead read = readName(name); read != PythonRead::Whole)
      return read;
    if (PythonRead read = expect('='); read != PythonRead::Whole)
      return read;
    Json value;
    PythonRead read = readValue(value, 1);
    call.arguments.emplace_back(name, std::move(value));
    return read;
  });
}

PythonRead PythonReader::readCalls(std::vector<PythonCall> &calls) {
  if (PythonRead read = expect('['); read != PythonRead::Whole)
    return read;
  return readItems(']', [&] {
    calls.emplace_back();
    return readCall(calls.back());
  });
}

/// Whether what follows may follow a value.
bool PythonReader::mayEndValue(size_t place) const {
  while (place < text.size() &&
         std::isspace(static_cast<unsigned char>(text[place])))
    ++place;
  return place == text.size() ||
         std::string_view(",)]}:").find(text[place]) != std::string_view::npos;
}

PythonRead PythonReader::readCodePoint(size_t digits, std::string &value) {
  if (text.size() - at < digits)
    return PythonRead::Part;
  unsigned code = 0;
  const char *begin = text.data() + at, *end = begin + digits;
  auto [stop, problem] = std::from_chars(begin, end, code, 16);
  if (problem != std::errc() || stop != end || code > 0x10ffff)
    return PythonRead::Bad;
  at += digits;
  // The first half of a pair, as JSON writes it.
  if (code >= 0xd800 && code < 0xdc00 && text.substr(at).starts_with("\\u") &&
      text.size() - at >= 6) {
    unsigned low = 0;
    const char *half = text.data() + at + 2;
    if (std::from_chars(half, half + 4, low, 16).ptr == half + 4 &&
        low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 6;
    }
  }
  bool isHalf = code >= 0xd800 && code < 0xe000;
  appendCodePoint(isHalf ? 0xfffd : code, value);
  return PythonRead::Whole;
}

PythonRead PythonReader::readEscape(std::string &value) {
  if (at == text.size())
    return PythonRead::Part;
  char kind = text[at++];
  constexpr std::string_view from = "ntrbf\\'\"/0", to = "\n\t\r\b\f\\'\"/\0";
  if (size_t known = from.find(kind); known != from.npos) {
    value += known + 1 == from.size() ? '\0' : to[known];
    return PythonRead::Whole;
  }
  if (kind == 'x')
    return readCodePoint(2, value);
  if (kind == 'u')
    return readCodePoint(4, value);
  if (kind == 'U')
    return readCodePoint(8, value);
  if (kind != '\n') // a line that goes on
    (value += '\\') += kind;
  return PythonRead::Whole;
}

PythonRead PythonReader::readString(std::string &value) {
  char quote = text[at++];
  while (at < text.size()) {
    char byte = text[at++];
    if (byte == '\\') {
      if (PythonRead read = readEscape(value); read != PythonRead::Whole)
        return read;
    } else if (byte == quote && mayEndValue(at)) {
      return PythonRead::Whole;
    } else {
      value += byte;
    }
  }
  return PythonRead::Part;
}

PythonRead PythonReader::readList(char close, Json &value, int depth) {
  ++at;
  value = Json::array();
  return readItems(close, [&] {
    value.emplace_back();
    return readValue(value.back(), depth + 1);
  });
}

PythonRead PythonReader::readDictionary(Json &value, int depth) {
  ++at;
  value = Json::object();
  return readItems('}', [&] {
    Json key;
    if (PythonRead read = readValue(key, depth + 1); read != PythonRead::Whole)
      return read;
    if (PythonRead read = expect(':'); read != PythonRead::Whole)
      return read;
    Json item;
    PythonRead read = readValue(item, depth + 1);
    value[key.is_string() ? key.get<std::string>() : key.dump()] =
        std::move(item);
    return read;
  });
}

/// A number, or a name of a value.
PythonRead PythonReader::readWord(Json &value) {
  size_t begin = at;
  while (at < text.size() &&
         (isWordByte(text[at]) ||
          std::string_view("+-.").find(text[at]) != std::string_view::npos))
    ++at;
  if (at == text.size())
    return PythonRead::Part;
  std::string word(text.substr(begin, at - begin));
  if (word == "True" || word == "true")
    value = true;
  else if (word == "False" || word == "false")
    value = false;
  else if (word == "None" || word == "null")
    value = nullptr;
  else {
    std::erase(word, '_');
    if (word.starts_with('.'))
      word.insert(0, "0");
    if (word.ends_with('.'))
      word += "0";
    nlohmann::json number = tryParseJsonText(word);
    if (!number.is_number())
      return PythonRead::Bad;
    value = parseJsonText<Json>(word);
  }
  return PythonRead::Whole;
}

PythonRead PythonReader::readValue(Json &value, int depth) {
  skipSpace();
  if (at == text.size())
    return PythonRead::Part;
  if (depth > kDeepestJson)
    return PythonRead::Bad;
  switch (text[at]) {
  case '\'':
  case '"': {
    std::string read;
    PythonRead outcome = readString(read);
    value = std::move(read);
    return outcome;
  }
  case '[':
    return readList(']', value, depth);
  case '(':
    return readList(')', value, depth);
  case '{':
    return readDictionary(value, depth);
  default:
    return readWord(value);
  }
}

std::string writeArguments(const PythonCall &call, const Tool *tool) {
  Json arguments = Json::object();
  for (const auto &[name, value] : call.arguments)
    arguments[name] = fitToSchema(value, schemaOf(tool, name));
  return arguments.dump(-1, ' ', false, Json::error_handler_t::replace);
}

PythonRead readPythonCalls(std::string_view text, size_t &end,
                           std::vector<PythonCall> &calls) {
  PythonReader reader(text);
  PythonRead read = reader.readCalls(calls);
  end = reader.place();
  return read;
}

PythonRead readPythonCall(std::string_view text, size_t &end,
                          PythonCall &call) {
  PythonReader reader(text);
  PythonRead read = reader.readCall(call);
  end = reader.place();
  return read;
}

std::optional<Json> readPythonValue(std::string_view text) {
  // Something ends a word.
  std::string ended = std::string(text) + " ";
  PythonReader reader(ended);
  Json value;
  if (reader.readValue(value, 1) != PythonRead::Whole)
    return std::nullopt;
  reader.skipSpace();
  if (reader.place() != ended.size())
    return std::nullopt;
  return value;
}

} // namespace marimba::rt
