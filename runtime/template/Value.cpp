//===- Value.cpp - The values of a chat template --------------------------===//

#include "Value.h"

#include "marimba/formats/JsonText.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace marimba::rt::jinja {

void checkLength(size_t length) {
  if (length > kMaxLength)
    throw ValueError("makes a text or list of " + std::to_string(length) +
                     " elements, allowed: " + std::to_string(kMaxLength));
}

const Value *Arguments::find(size_t index, std::string_view name) const {
  if (index < positional.size())
    return &positional[index];
  for (const auto &[key, value] : named)
    if (key == name)
      return &value;
  return nullptr;
}

void Arguments::check(std::string_view function, size_t most,
                      std::initializer_list<std::string_view> names) const {
  if (positional.size() > most)
    throw ValueError("'" + std::string(function) + "' has " +
                     std::to_string(positional.size()) +
                     " arguments, expected at most " + std::to_string(most));
  for (const auto &[key, value] : named)
    if (std::find(names.begin(), names.end(), key) == names.end())
      throw ValueError("'" + std::string(function) + "' with the argument '" +
                       key + "' is not supported");
}

Value Value::undefined(std::string name) {
  Value value;
  value.label = std::make_shared<const std::string>(std::move(name));
  return value;
}

Value Value::none() {
  Value value;
  value.held = Kind::None;
  return value;
}

Value Value::tuple(jinja::List items) {
  Value value(std::move(items));
  value.held = Kind::Tuple;
  return value;
}

Value Value::makeNamespace(jinja::Dict members) {
  Value value(std::move(members));
  value.held = Kind::Namespace;
  return value;
}

Value Value::fromJson(const nlohmann::ordered_json &json) {
  if (json.is_null())
    return none();
  if (json.is_boolean())
    return json.get<bool>();
  if (std::optional<int64_t> number = integerIn(json, INT64_MIN))
    return *number;
  if (json.is_number())
    return json.get<double>();
  if (json.is_string())
    return json.get<std::string>();
  if (json.is_array()) {
    jinja::List items;
    for (const auto &item : json)
      items.push_back(fromJson(item));
    return items;
  }
  jinja::Dict members;
  for (const auto &[key, value] : json.items())
    members.emplace_back(key, fromJson(value));
  return members;
}

Value::Value(std::string value)
    : held(Kind::String),
      data(std::make_shared<const std::string>(std::move(value))) {
  checkLength(asString().size());
}
Value::Value(jinja::List value)
    : held(Kind::List),
      data(std::make_shared<const jinja::List>(std::move(value))) {
  checkLength(asList().size());
  for (const Value &item : asList())
    hold(item);
}
Value::Value(jinja::Dict value)
    : held(Kind::Dict), data(std::make_shared<jinja::Dict>(std::move(value))) {
  for (const auto &[key, item] : asDict())
    hold(item);
}
Value::Value(Function value, std::string name, jinja::Dict members)
    : held(Kind::Function), data(std::make_shared<const Callable>(Callable{
                                std::move(value), std::move(members)})),
      label(std::make_shared<const std::string>(std::move(name))) {
  for (const auto &[key, item] : this->members())
    hold(item);
}

Value Value::view(jinja::List items, std::string name) {
  Value value(std::move(items));
  value.label = std::make_shared<const std::string>(std::move(name));
  return value;
}

Value Value::group(Value grouper, jinja::List items) {
  Value value = tuple({std::move(grouper), std::move(items)});
  value.label = std::make_shared<const std::string>("group");
  return value;
}

bool Value::same(const Value &other) const {
  if (is(Kind::Undefined) || held != other.held)
    return false;
  return is(Kind::String) ? asString() == other.asString() : data == other.data;
}

void Value::hold(const Value &item) {
  // It could come to hold itself.
  if (item.is(Kind::Namespace))
    throw ValueError("a namespace inside of another value is not supported");
  depth = std::max(depth, item.depth + 1);
  if (depth > kMaxDepth)
    throw ValueError("values are nested more than " +
                     std::to_string(kMaxDepth) + " deep");
}

bool Value::isNumber() const {
  return is(Kind::Int) || is(Kind::Float) || is(Kind::Bool);
}

int64_t Value::asInt() const {
  return is(Kind::Bool) ? asBool() : std::get<int64_t>(data);
}

double Value::asDouble() const {
  return is(Kind::Float) ? std::get<double>(data)
                         : static_cast<double>(asInt());
}

const std::string &Value::asString() const {
  return *std::get<std::shared_ptr<const std::string>>(data);
}
const List &Value::asList() const {
  return *std::get<std::shared_ptr<const jinja::List>>(data);
}
const Dict &Value::asDict() const {
  return *std::get<std::shared_ptr<jinja::Dict>>(data);
}
const Function &Value::asFunction() const {
  return std::get<std::shared_ptr<const Callable>>(data)->run;
}
const Dict &Value::members() const {
  return std::get<std::shared_ptr<const Callable>>(data)->members;
}

const std::string &Value::name() const {
  static const std::string unnamed = "value";
  return label ? *label : unnamed;
}

const Value *Value::find(std::string_view key) const {
  for (const auto &[name, value] : asDict())
    if (name == key)
      return &value;
  return nullptr;
}

void Value::setMember(const std::string &key, Value value) {
  hold(value);
  jinja::Dict &members = *std::get<std::shared_ptr<jinja::Dict>>(data);
  for (auto &[name, old] : members)
    if (name == key) {
      old = std::move(value);
      return;
    }
  members.emplace_back(key, std::move(value));
}

bool Value::truth() const {
  switch (held) {
  case Kind::Undefined:
  case Kind::None:
    return false;
  case Kind::Bool:
    return asBool();
  case Kind::Int:
    return asInt() != 0;
  case Kind::Float:
    return asDouble() != 0;
  case Kind::String:
    return !asString().empty();
  case Kind::List:
  case Kind::Tuple:
    return !asList().empty();
  case Kind::Dict:
    return !asDict().empty();
  case Kind::Namespace:
  case Kind::Function:
    return true;
  }
  return false;
}

std::string_view Value::kindName() const {
  constexpr std::string_view names[] = {
      "undefined", "none",  "bool", "integer",   "float",   "string",
      "list",      "tuple", "dict", "namespace", "function"};
  return names[static_cast<size_t>(held)];
}

std::string floatText(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char buffer[32];
  double size = std::abs(value);
  bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  auto [end, code] = std::to_chars(buffer, buffer + sizeof(buffer), value,
                                   plain ? std::chars_format::fixed
                                         : std::chars_format::scientific);
  std::string text(buffer, end);
  if (plain && text.find('.') == std::string::npos)
    text += ".0";
  return text;
}

std::string Value::str() const {
  switch (held) {
  case Kind::Undefined:
    return "";
  case Kind::String:
    return asString();
  default:
    return repr();
  }
}

/// Python's choice of quotes and escapes; characters above ASCII stay.
static std::string quoted(const std::string &text) {
  bool single = text.find('\'') == std::string::npos ||
                text.find('"') != std::string::npos;
  char quote = single ? '\'' : '"';
  std::string out(1, quote);
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c == quote || c == '\\')
      (out += '\\') += c;
    else if (byte < 0x20 || byte == 0x7f) {
      constexpr char digits[] = "0123456789abcdef";
      ((out += "\\x") += digits[byte >> 4]) += digits[byte & 15];
    } else
      out += c;
  }
  return out += quote;
}

std::string Value::repr() const {
  switch (held) {
  case Kind::Undefined:
    return "Undefined";
  case Kind::None:
    return "None";
  case Kind::Bool:
    return asBool() ? "True" : "False";
  case Kind::Int:
    return std::to_string(asInt());
  case Kind::Float:
    return floatText(asDouble());
  case Kind::String:
    return quoted(asString());
  case Kind::Function:
    return "<function " + name() + ">";
  case Kind::List:
  case Kind::Tuple: {
    bool list = held == Kind::List;
    std::string out = list ? "[" : "(";
    for (const Value &item : asList()) {
      out += (out.size() > 1 ? ", " : "") + item.repr();
      checkLength(out.size());
    }
    if (!list && asList().size() == 1)
      out += ",";
    out += list ? "]" : ")";
    return isView() ? name() + "(" + out + ")" : out;
  }
  case Kind::Dict:
  case Kind::Namespace: {
    std::string out = "{";
    for (const auto &[key, value] : asDict()) {
      out += (out.size() > 1 ? ", " : "") + quoted(key) + ": " + value.repr();
      checkLength(out.size());
    }
    return out + "}";
  }
  }
  return "";
}

} // namespace marimba::rt::jinja
