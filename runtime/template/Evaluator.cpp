//===- Evaluator.cpp - Expressions of a chat template ---------------------===//

#include "Builtins.h"
#include "Interpreter.h"

#include <algorithm>
#include <cmath>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

Value Interpreter::evaluate(const Expr &expr, const Scope &scope) {
  Step step(*this, expr.line);
  try {
    Value value = compute(expr, scope);
    // What a step makes is paid for: memory is bounded as steps are.
    constexpr size_t bytesPerStep = 64;
    if (value.is(Kind::String))
      steps += static_cast<int64_t>(value.asString().size() / bytesPerStep);
    else if (value.isSequence())
      steps += static_cast<int64_t>(value.asList().size());
    return value;
  } catch (const ValueError &error) {
    throw Error(expr.line, error.what());
  }
}

Value Interpreter::compute(const Expr &expr, const Scope &scope) {
  auto child = [&](size_t index) {
    return evaluate(*expr.children[index], scope);
  };
  auto children = [&] {
    List items;
    for (const ExprPtr &item : expr.children)
      items.push_back(evaluate(*item, scope));
    return items;
  };
  switch (expr.kind) {
  case Expr::Kind::Literal:
    return expr.value;
  case Expr::Kind::Name: {
    const Value *value = scope.find(expr.text);
    return value ? *value : Value::undefined(expr.text);
  }
  case Expr::Kind::List:
    return children();
  case Expr::Kind::Tuple:
    return Value::tuple(children());
  case Expr::Kind::Dict: {
    Dict members;
    for (size_t i = 0; i < expr.children.size(); i += 2) {
      Value key = child(i);
      if (!key.is(Kind::String))
        throw ValueError("a key of a dict is " + std::string(key.kindName()) +
                         ", supported: strings");
      std::erase_if(members, [&](const auto &member) {
        return member.first == key.asString();
      });
      members.emplace_back(key.asString(), child(i + 1));
    }
    return members;
  }
  case Expr::Kind::Attribute:
    return getAttribute(child(0), expr.text);
  case Expr::Kind::Item:
    return getItem(child(0), child(1));
  case Expr::Kind::Slice:
    return slice(expr, scope);
  case Expr::Kind::Call:
    return call(expr, scope);
  case Expr::Kind::Filter:
    return applyFilter(expr.text, child(0), arguments(expr, scope));
  case Expr::Kind::Test:
    return applyTest(expr.text, child(0), arguments(expr, scope));
  case Expr::Kind::Spread:
  case Expr::Kind::SpreadDict:
    throw ValueError("'*' outside of arguments");
  case Expr::Kind::Not:
    return !child(0).truth();
  case Expr::Kind::Negate: {
    Value value = child(0); // 0 - 0.0 would lose the sign
    return value.is(Kind::Float) ? Value(-value.asDouble())
                                 : computeBinary("-", 0, value);
  }
  case Expr::Kind::And: {
    Value left = child(0);
    return left.truth() ? child(1) : left;
  }
  case Expr::Kind::Or: {
    Value left = child(0);
    return left.truth() ? left : child(1);
  }
  case Expr::Kind::Binary:
    return computeBinary(expr.text, child(0), child(1));
  case Expr::Kind::Compare:
    return compare(expr, scope);
  case Expr::Kind::If:
    if (child(1).truth())
      return child(0);
    return expr.children[2] ? child(2) : Value::undefined("if without else");
  }
  return Value();
}

Value Interpreter::slice(const Expr &expr, const Scope &scope) {
  Value parts[4];
  for (size_t i = 0; i < 4; ++i)
    if (expr.children[i])
      parts[i] = evaluate(*expr.children[i], scope);
  return getSlice(parts[0], parts[1], parts[2], parts[3]);
}

bool Interpreter::compare(const Expr &expr, const Scope &scope) {
  Value left = evaluate(*expr.children[0], scope);
  for (size_t i = 0; i < expr.operators.size(); ++i) {
    const std::string &op = expr.operators[i];
    Value right = evaluate(*expr.children[i + 1], scope);
    bool holds = op == "=="   ? left == right
                 : op == "!=" ? !(left == right)
                 : op == "<"  ? less(left, right)
                 : op == ">"  ? less(right, left)
                 : op == "<=" ? !less(right, left)
                 : op == ">=" ? !less(left, right)
                 : op == "in" ? contains(right, left)
                              : !contains(right, left);
    if (!holds)
      return false;
    left = std::move(right);
  }
  return true;
}

Arguments Interpreter::arguments(const Expr &expr, const Scope &scope) {
  Arguments made;
  // The first child is what is called.
  for (size_t i = 1; i < expr.children.size(); ++i) {
    const Expr &argument = *expr.children[i];
    if (argument.kind == Expr::Kind::SpreadDict) {
      Value members = evaluate(*argument.children[0], scope);
      if (!members.isMapping())
        throw ValueError("'**' expects a dict, found " +
                         std::string(members.kindName()));
      made.named.insert(made.named.end(), members.asDict().begin(),
                        members.asDict().end());
      continue;
    }
    if (argument.kind != Expr::Kind::Spread) {
      made.positional.push_back(evaluate(argument, scope));
      continue;
    }
    List items = iterate(evaluate(*argument.children[0], scope));
    made.positional.insert(made.positional.end(), items.begin(), items.end());
  }
  for (const auto &[name, value] : expr.named)
    made.named.emplace_back(name, evaluate(*value, scope));
  return made;
}

Value Interpreter::call(const Expr &expr, const Scope &scope,
                        const Value *caller) {
  const Expr &callee = *expr.children[0];
  auto given = [&] {
    Arguments made = arguments(expr, scope);
    if (caller)
      made.named.emplace_back("caller", *caller);
    return made;
  };
  if (callee.kind == Expr::Kind::Attribute) {
    Value object = evaluate(*callee.children[0], scope);
    Value member = getAttribute(object, callee.text);
    if (member.is(Kind::Function))
      return member.asFunction()(given());
    return callMethod(object, callee.text, given());
  }
  Value function = evaluate(callee, scope);
  if (function.is(Kind::Undefined))
    throw ValueError("the function '" + function.name() +
                     "' is undefined or not supported");
  if (!function.is(Kind::Function))
    throw ValueError(std::string(function.kindName()) + " cannot be called");
  return function.asFunction()(given());
}

/// `value` `times` times, one after the other.
static Value repeat(const Value &value, int64_t times) {
  times = std::max<int64_t>(times, 0);
  bool text = value.is(Kind::String);
  size_t size = text ? value.asString().size() : value.asList().size();
  size_t total = 0;
  if (__builtin_mul_overflow(size, static_cast<size_t>(times), &total))
    total = kMaxLength + 1;
  checkLength(total);
  std::string made;
  List items;
  for (int64_t i = 0; i < times && size > 0; ++i)
    if (text)
      made += value.asString();
    else
      items.insert(items.end(), value.asList().begin(), value.asList().end());
  return text ? Value(made) : Value(items);
}

static Value computeInts(const std::string &op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  if (op == "+")
    overflow = __builtin_add_overflow(a, b, &result);
  else if (op == "-")
    overflow = __builtin_sub_overflow(a, b, &result);
  else if (op == "*")
    overflow = __builtin_mul_overflow(a, b, &result);
  else if (b == -1)
    return op == "%" ? Value(0) : computeInts("-", 0, a);
  else {
    // Python rounds down.
    int64_t rest = a % b;
    bool below = rest != 0 && (rest < 0) != (b < 0);
    result = op == "%" ? rest + (below ? b : 0) : a / b - (below ? 1 : 0);
  }
  if (overflow)
    throw ValueError("the result of '" + op + "' is out of range");
  return result;
}

static Value computeNumbers(const std::string &op, const Value &a,
                            const Value &b) {
  bool divides = op == "/" || op == "//" || op == "%";
  if (divides && b.asDouble() == 0)
    throw ValueError("division by zero");
  bool whole = !a.is(Kind::Float) && !b.is(Kind::Float);
  if (op == "**") {
    double power = std::pow(a.asDouble(), b.asDouble());
    if (!whole || b.asInt() < 0)
      return power;
    if (std::abs(power) < 9e15)
      return static_cast<int64_t>(power);
    // Where doubles are not exact, few factors reach the limit.
    Value product = 1;
    for (int64_t i = 0; i < b.asInt(); ++i)
      product = computeInts("*", product.asInt(), a.asInt());
    return product;
  }
  if (whole && op != "/")
    return computeInts(op, a.asInt(), b.asInt());
  double x = a.asDouble(), y = b.asDouble();
  return op == "+"    ? x + y
         : op == "-"  ? x - y
         : op == "*"  ? x * y
         : op == "/"  ? x / y
         : op == "//" ? std::floor(x / y)
                      : x - std::floor(x / y) * y;
}

Value computeBinary(const std::string &op, const Value &left,
                    const Value &right) {
  if (op == "~")
    return left.str() + right.str();
  if (op == "%" && left.is(Kind::String))
    return formatText(left.asString(), right);
  for (const Value *side : {&left, &right})
    if (side->is(Kind::Undefined))
      throw ValueError("'" + side->name() + "' is undefined");
  if (left.isNumber() && right.isNumber())
    return computeNumbers(op, left, right);
  if (op == "+" && left.is(Kind::String) && right.is(Kind::String))
    return left.asString() + right.asString();
  if (op == "+" && left.isSequence() && left.kind() == right.kind()) {
    List items = left.asList();
    items.insert(items.end(), right.asList().begin(), right.asList().end());
    return left.is(Kind::List) ? Value(std::move(items))
                               : Value::tuple(std::move(items));
  }
  auto repeats = [&](const Value &value, const Value &times) {
    return op == "*" && times.is(Kind::Int) &&
           (value.is(Kind::String) || value.is(Kind::List));
  };
  if (repeats(left, right))
    return repeat(left, right.asInt());
  if (repeats(right, left))
    return repeat(right, left.asInt());
  throw ValueError("'" + op + "' of " + std::string(left.kindName()) + " and " +
                   std::string(right.kindName()) + " is not supported");
}

} // namespace marimba::rt::jinja
