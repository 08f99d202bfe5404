//===- Functions.cpp - Tests and global functions -------------------------===//

#include "Builtins.h"
#include "Methods.h"

#include "marimba/formats/ClassicLocale.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

namespace {
struct NamedTest {
  std::string_view name;
  size_t arguments;
  bool (*holds)(const Value &subject, const List &arguments);
};
} // namespace

static int64_t integer(const Value &value) {
  if (!value.is(Kind::Int) && !value.is(Kind::Bool))
    throw ValueError("expected an integer, found " +
                     std::string(value.kindName()));
  return value.asInt();
}

static bool isEqual(const Value &a, const List &b) { return a == b[0]; }
static bool isUnequal(const Value &a, const List &b) { return !(a == b[0]); }
static bool isLess(const Value &a, const List &b) { return less(a, b[0]); }
static bool isMore(const Value &a, const List &b) { return less(b[0], a); }
static bool isNotMore(const Value &a, const List &b) { return !less(b[0], a); }
static bool isNotLess(const Value &a, const List &b) { return !less(a, b[0]); }

template <Kind kind> static bool isKind(const Value &value, const List &) {
  return value.is(kind);
}

static bool isIterable(const Value &value, const List &) {
  return value.isSequence() || value.isMapping() || value.is(Kind::String) ||
         value.is(Kind::Undefined);
}

static constexpr NamedTest tests[] = {
    {"!=", 1, isUnequal},
    {"<", 1, isLess},
    {"<=", 1, isNotMore},
    {"==", 1, isEqual},
    {">", 1, isMore},
    {">=", 1, isNotLess},
    {"boolean", 0, isKind<Kind::Bool>},
    {"callable", 0, isKind<Kind::Function>},
    {"defined", 0,
     [](const Value &v, const List &) { return !v.is(Kind::Undefined); }},
    {"divisibleby", 1,
     [](const Value &v, const List &a) {
       if (integer(a[0]) == 0)
         throw ValueError("division by zero");
       return integer(a[0]) == -1 || integer(v) % integer(a[0]) == 0;
     }},
    {"eq", 1, isEqual},
    {"equalto", 1, isEqual},
    // Nothing is marked as escaped: `escape` and `safe` make plain texts.
    {"escaped", 0, [](const Value &, const List &) { return false; }},
    {"even", 0,
     [](const Value &v, const List &) { return integer(v) % 2 == 0; }},
    {"false", 0,
     [](const Value &v, const List &) {
       return v.is(Kind::Bool) && !v.asBool();
     }},
    {"filter", 0,
     [](const Value &v, const List &) { return hasFilter(v.str()); }},
    {"float", 0, isKind<Kind::Float>},
    {"ge", 1, isNotLess},
    {"greaterthan", 1, isMore},
    {"gt", 1, isMore},
    {"in", 1, [](const Value &v, const List &a) { return contains(a[0], v); }},
    {"integer", 0, isKind<Kind::Int>},
    {"iterable", 0, isIterable},
    {"le", 1, isNotMore},
    {"lessthan", 1, isLess},
    {"lower", 0, [](const Value &v, const List &) { return isLower(v.str()); }},
    {"lt", 1, isLess},
    {"mapping", 0, isKind<Kind::Dict>},
    {"ne", 1, isUnequal},
    {"none", 0, isKind<Kind::None>},
    {"number", 0, [](const Value &v, const List &) { return v.isNumber(); }},
    {"odd", 0,
     [](const Value &v, const List &) { return integer(v) % 2 != 0; }},
    {"sameas", 1, [](const Value &v, const List &a) { return v.same(a[0]); }},
    {"sequence", 0,
     [](const Value &v, const List &a) {
       return isIterable(v, a) && !v.is(Kind::Namespace) && !v.isView();
     }},
    {"string", 0, isKind<Kind::String>},
    {"test", 0, [](const Value &v, const List &) { return hasTest(v.str()); }},
    {"true", 0,
     [](const Value &v, const List &) {
       return v.is(Kind::Bool) && v.asBool();
     }},
    {"undefined", 0, isKind<Kind::Undefined>},
    {"upper", 0, [](const Value &v, const List &) { return isUpper(v.str()); }},
};

bool hasTest(const std::string &name) {
  return std::any_of(std::begin(tests), std::end(tests),
                     [&](const NamedTest &test) { return test.name == name; });
}

bool applyTest(const std::string &name, const Value &subject,
               const Arguments &arguments) {
  std::string supported;
  for (const NamedTest &test : tests) {
    if (test.name == name) {
      arguments.check(name, test.arguments, {});
      if (arguments.positional.size() < test.arguments)
        throw ValueError("the test '" + name + "' expects an argument");
      return test.holds(subject, arguments.positional);
    }
    (supported += supported.empty() ? "" : ", ") += test.name;
  }
  throw ValueError("the test '" + name +
                   "' is not supported, supported: " + supported);
}

static Value range(const Arguments &arguments) {
  arguments.check("range", 3, {});
  const List &given = arguments.positional;
  if (given.empty())
    throw ValueError("'range' expects a number");
  int64_t begin = given.size() > 1 ? integer(given[0]) : 0;
  int64_t end = integer(given[given.size() > 1 ? 1 : 0]);
  int64_t step = given.size() > 2 ? integer(given[2]) : 1;
  if (step == 0)
    throw ValueError("'range' with a step of 0");
  // As the sandbox that transformers runs templates in.
  constexpr size_t most = 100000;
  List numbers;
  for (int64_t at = begin; step > 0 ? at < end : at > end;) {
    if (numbers.size() == most)
      throw ValueError("'range' has more than " + std::to_string(most) +
                       " numbers");
    numbers.push_back(at);
    if (__builtin_add_overflow(at, step, &at))
      break;
  }
  return numbers;
}

/// The members that `namespace` and `dict` take: of a dictionary, then by name.
static Dict members(const Arguments &arguments, std::string_view name) {
  Dict made;
  auto refuse = [&] {
    throw ValueError("'" + std::string(name) + "' expects names and values");
  };
  Dict later = arguments.named;
  if (arguments.positional.size() > 1)
    refuse();
  if (arguments.positional.size() == 1) {
    const Value &given = arguments.positional[0];
    if (given.is(Kind::Dict))
      made = given.asDict();
    else if (given.isSequence()) {
      // Pairs of a name and a value.
      Dict pairs;
      for (const Value &pair : given.asList()) {
        if (!pair.isSequence() || pair.asList().size() != 2 ||
            !pair.asList()[0].is(Kind::String))
          refuse();
        pairs.emplace_back(pair.asList()[0].asString(), pair.asList()[1]);
      }
      later.insert(later.begin(), pairs.begin(), pairs.end());
    } else
      refuse();
  }
  for (const auto &[key, value] : later) {
    auto old = std::find_if(made.begin(), made.end(), [&](const auto &entry) {
      return entry.first == key;
    });
    if (old == made.end())
      made.emplace_back(key, value);
    else
      old->second = value;
  }
  return made;
}

/// Gives its arguments in turn.
static Value makeCycler(const Arguments &arguments) {
  const List &items = arguments.positional;
  if (items.empty())
    throw ValueError("'cycler' expects values");
  auto at = std::make_shared<size_t>(0);
  auto current = [at, items](const Arguments &) { return items[*at]; };
  auto next = [at, items](const Arguments &) {
    return items[std::exchange(*at, (*at + 1) % items.size())];
  };
  auto reset = [at](const Arguments &) {
    *at = 0;
    return Value::none();
  };
  auto refuse = [](const Arguments &) -> Value {
    throw ValueError("a cycler cannot be called");
  };
  // What the functions hold counts as held by them all.
  return Value(refuse, "cycler",
               {{"items", items},
                {"current", Value(current, kComputed, {{"items", items}})},
                {"next", Value(next, "next", {{"items", items}})},
                {"reset", Value(reset, "reset")}});
}

/// Gives a separator each time but the first.
static Value makeJoiner(const Arguments &arguments) {
  arguments.check("joiner", 1, {"sep"});
  const Value *given = arguments.find(0, "sep");
  std::string separator = given ? given->str() : ", ";
  auto used = std::make_shared<bool>(false);
  return Value(
      [used, separator](const Arguments &) -> Value {
        return std::exchange(*used, true) ? separator : "";
      },
      "joiner", {{"sep", separator}});
}

Dict makeGlobals(std::time_t now) {
  auto function = [](const char *name, Function run) {
    return std::pair<std::string, Value>(name, Value(std::move(run), name));
  };
  return {
      function("range", range),
      function("namespace",
               [](const Arguments &arguments) {
                 return Value::makeNamespace(members(arguments, "namespace"));
               }),
      function("dict",
               [](const Arguments &arguments) -> Value {
                 return members(arguments, "dict");
               }),
      function("cycler", makeCycler),
      function("joiner", makeJoiner),
      function("raise_exception",
               [](const Arguments &arguments) -> Value {
                 arguments.check("raise_exception", 1, {"message"});
                 const Value *message = arguments.find(0, "message");
                 throw ValueError("the template refuses the conversation: " +
                                  (message ? message->str() : ""));
               }),
      function("strftime_now",
               [now](const Arguments &arguments) -> Value {
                 arguments.check("strftime_now", 1, {});
                 if (arguments.positional.empty())
                   throw ValueError("'strftime_now' expects a format");
                 std::tm local = {};
                 localtime_r(&now, &local);
                 char text[256];
                 // Names of months as the template's author saw them.
                 ClassicLocale classic;
                 size_t size = std::strftime(
                     text, sizeof(text), arguments.positional[0].str().c_str(),
                     &local);
                 return std::string(text, size);
               }),
  };
}

} // namespace marimba::rt::jinja
