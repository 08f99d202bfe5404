//===- Value.h - The values of a chat template ------------------*- C++ -*-===//
//
// What Python gives Jinja: text counts in characters, numbers are integers or
// doubles, and lists and dictionaries are written as Python writes them.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TEMPLATE_VALUE_H
#define MARIMBA_RUNTIME_TEMPLATE_VALUE_H

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace marimba::rt::jinja {

/// What a template does that it must not, or that is not supported. The
/// message says so without the place; Error below has it.
class ValueError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// The same with "line N: " in front.
class Error : public std::runtime_error {
public:
  Error(int line, const std::string &what)
      : std::runtime_error("line " + std::to_string(line) + ": " + what) {}
};

/// The longest text and list that a template may make: what a few doublings in
/// a loop would exceed.
constexpr size_t kMaxLength = size_t(1) << 26;

/// Throws where a text or list of `length` is longer than that.
void checkLength(size_t length);

/// How deep values may hold each other.
constexpr int kMaxDepth = 100;

class Value;
using List = std::vector<Value>;
/// In the order in which the keys came, as in Python.
using Dict = std::vector<std::pair<std::string, Value>>;

/// The arguments of a call: those in order, then those by name.
struct Arguments {
  List positional;
  Dict named;

  /// The argument at `index` or called `name`; null where it was not given.
  const Value *find(size_t index, std::string_view name) const;
  /// Throws where there are more than `most` in order, or one whose name is
  /// not in `names`; `function` names the called one.
  void check(std::string_view function, size_t most,
             std::initializer_list<std::string_view> names) const;
};

using Function = std::function<Value(const Arguments &)>;
struct Callable;

/// How Python's json.dumps writes: on one line without an indent.
struct JsonStyle {
  bool ascii = false; // others as \uXXXX
  bool sorted = false;
  std::optional<std::string> indent;
  std::string comma = ", ", colon = ": ";
};

class Value {
public:
  enum class Kind {
    Undefined, // of a variable that was never set, named for messages
    None,
    Bool,
    Int,
    Float,
    String,
    List,
    Tuple,
    Dict,
    Namespace, // a dictionary that `set ns.x` may change
    Function,
  };

  Value() = default; // undefined
  static Value undefined(std::string name);
  static Value none();
  static Value tuple(jinja::List items);
  static Value makeNamespace(jinja::Dict members);
  static Value fromJson(const nlohmann::ordered_json &json);
  Value(bool value) : held(Kind::Bool), data(value) {}
  Value(int value) : Value(static_cast<int64_t>(value)) {}
  Value(int64_t value) : held(Kind::Int), data(value) {}
  Value(double value) : held(Kind::Float), data(value) {}
  Value(std::string value);
  Value(const char *value) : Value(std::string(value)) {}
  Value(jinja::List value);
  Value(jinja::Dict value);
  /// With the members that it has beside being called.
  Value(Function value, std::string name, jinja::Dict members = {});
  /// A list that Python has as dict_keys or the like: no sequence.
  static Value view(jinja::List items, std::string name);
  /// A tuple whose parts are called `grouper` and `list`, too.
  static Value group(Value grouper, jinja::List items);

  Kind kind() const { return held; }
  bool is(Kind kind) const { return held == kind; }
  bool isNumber() const;
  bool isSequence() const { return is(Kind::List) || is(Kind::Tuple); }
  bool isMapping() const { return is(Kind::Dict) || is(Kind::Namespace); }

  bool asBool() const { return std::get<bool>(data); }
  /// Of an integer or a truth value.
  int64_t asInt() const;
  /// Of any number.
  double asDouble() const;
  const std::string &asString() const;
  /// Of a list or a tuple.
  const jinja::List &asList() const;
  /// Of a dictionary or a namespace.
  const jinja::Dict &asDict() const;
  const Function &asFunction() const;
  /// Of a function.
  const jinja::Dict &members() const;
  bool isView() const { return is(Kind::List) && label; }
  bool isGroup() const { return is(Kind::Tuple) && label; }
  /// Python's `is`; equal numbers and texts are the same.
  bool same(const Value &other) const;
  /// Of an undefined value or a function.
  const std::string &name() const;

  /// The member `key` of a dictionary or a namespace; null where it has none.
  const Value *find(std::string_view key) const;
  /// Sets a member of a namespace.
  void setMember(const std::string &key, Value value);

  /// Whether Python takes it as true.
  bool truth() const;
  /// "string", "list", ... for messages.
  std::string_view kindName() const;
  /// As Python's str() and repr().
  std::string str() const;
  std::string repr() const;
  /// As Python's json.dumps.
  std::string toJson(const JsonStyle &style) const;

private:
  /// Counts `item` as one that this value holds.
  void hold(const Value &item);
  void writeJson(std::string &out, const JsonStyle &style, int depth) const;

  using Data = std::variant<
      std::monostate, bool, int64_t, double, std::shared_ptr<const std::string>,
      std::shared_ptr<const jinja::List>, std::shared_ptr<jinja::Dict>,
      std::shared_ptr<const Callable>>;
  Kind held = Kind::Undefined;
  Data data;
  std::shared_ptr<const std::string> label; // of a name, of a view
  int depth = 0; // of lists and dictionaries in each other
};

struct Callable {
  Function run;
  Dict members;
};

/// Python's ==.
bool operator==(const Value &a, const Value &b);
/// Python's <; throws where the two have no order.
bool less(const Value &a, const Value &b);
/// Python's `in`.
bool contains(const Value &container, const Value &item);

/// What a loop goes over: the items of a list, the keys of a dictionary, the
/// characters of a text. Throws where it is none of them.
List iterate(const Value &value);

/// str.isspace() of one: Unicode's white space and U+001C to U+001F.
bool isPythonSpace(char32_t c);

/// Number of characters.
size_t characters(std::string_view text);
/// The byte at which character `index` begins; the end where there are fewer.
size_t characterAt(std::string_view text, size_t index);

/// The shortest decimals that read back as `value`, as Python writes them.
std::string floatText(double value);

/// As Python's str.strip: white space where `set` is null, on the chosen sides.
std::string strip(const std::string &text, const std::string *set, bool left,
                  bool right);
/// `text` with `with` in place of each `what`, of the first `most` where that
/// is not negative.
std::string replaceAll(const std::string &text, const std::string &what,
                       const std::string &with, int64_t most = -1);
/// Python's `format % values`, of a tuple, a dictionary or one value.
std::string formatText(const std::string &format, const Value &values);
std::string upper(const std::string &text);
std::string lower(const std::string &text);
/// The first letter upper, the others lower; of each word where `words`.
std::string capitalize(const std::string &text, bool words);

} // namespace marimba::rt::jinja

#endif // MARIMBA_RUNTIME_TEMPLATE_VALUE_H
