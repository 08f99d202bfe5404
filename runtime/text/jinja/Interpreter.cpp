//===- Interpreter.cpp - Statements of a chat template --------------------===//

#include "Interpreter.h"

#include <algorithm>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

/// Calls and trees in each other: a few hundred bytes of stack each.
static constexpr int kMaxCallDepth = 2500;
/// Statements and operators in all: seconds.
static constexpr int64_t kMaxSteps = 5'000'000;

Interpreter::Step::Step(Interpreter &interpreter, int line)
    : interpreter(interpreter) {
  if (interpreter.depth >= kMaxCallDepth)
    throw Error(line, "macros call each other too deeply");
  if (++interpreter.steps > kMaxSteps)
    throw Error(line, "the template takes more than " +
                          std::to_string(kMaxSteps) + " steps");
  ++interpreter.depth;
}

const Value *Interpreter::Scope::find(const std::string &name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    for (const auto &[key, value] : scope->variables)
      if (key == name)
        return &value;
  return nullptr;
}

void Interpreter::Scope::set(const std::string &name, Value value) {
  for (auto &[key, old] : variables)
    if (key == name) {
      old = std::move(value);
      return;
    }
  variables.emplace_back(name, std::move(value));
}

Interpreter::Interpreter(const Body &body, Dict variables) : body(body) {
  globals.variables = std::move(variables);
  root.parent = &globals;
}

std::string Interpreter::run() {
  std::string out;
  execute(body, root, out);
  return out;
}

Interpreter::Flow Interpreter::execute(const Body &body, Scope &scope,
                                       std::string &out) {
  for (const std::unique_ptr<Stmt> &stmt : body) {
    Flow flow = Flow::Normal;
    try {
      Step step(*this, stmt->line);
      flow = execute(*stmt, scope, out);
      checkLength(out.size());
    } catch (const ValueError &error) {
      throw Error(stmt->line, error.what());
    }
    if (flow != Flow::Normal)
      return flow;
  }
  return Flow::Normal;
}

Interpreter::Flow Interpreter::execute(const Stmt &stmt, Scope &scope,
                                       std::string &out) {
  switch (stmt.kind) {
  case Stmt::Kind::Text:
    out += stmt.text;
    return Flow::Normal;
  case Stmt::Kind::Print:
    out += evaluate(*stmt.expr, scope).str();
    return Flow::Normal;
  case Stmt::Kind::If:
    for (const Stmt::Branch &branch : stmt.branches)
      if (!branch.condition || evaluate(*branch.condition, scope).truth())
        return execute(branch.body, scope, out);
    return Flow::Normal;
  case Stmt::Kind::For:
    return executeFor(stmt, scope, out);
  case Stmt::Kind::Set:
    assign(stmt, scope);
    return Flow::Normal;
  case Stmt::Kind::SetBlock: {
    std::string text;
    Flow flow = execute(stmt.body, scope, text);
    scope.set(stmt.names[0], std::move(text));
    return flow;
  }
  case Stmt::Kind::Macro:
    scope.set(stmt.text, makeMacro(stmt));
    return Flow::Normal;
  case Stmt::Kind::Break:
    return Flow::Break;
  case Stmt::Kind::Continue:
    return Flow::Continue;
  }
  return Flow::Normal;
}

List unpack(const Value &value, size_t names) {
  List parts = iterate(value);
  if (parts.size() != names)
    throw ValueError("a value of " + std::to_string(parts.size()) +
                     " parts for " + std::to_string(names) + " names");
  return parts;
}

void Interpreter::assign(const Stmt &stmt, Scope &scope) {
  Value value = evaluate(*stmt.expr, scope);
  if (!stmt.member.empty()) {
    const Value *target = scope.find(stmt.names[0]);
    if (!target || !target->is(Kind::Namespace))
      throw ValueError("'set " + stmt.names[0] + "." + stmt.member +
                       "' expects a namespace");
    // A copy of the value is the same namespace.
    Value(*target).setMember(stmt.member, std::move(value));
    return;
  }
  if (stmt.names.size() == 1) {
    scope.set(stmt.names[0], std::move(value));
    return;
  }
  List parts = unpack(value, stmt.names.size());
  for (size_t i = 0; i < parts.size(); ++i)
    scope.set(stmt.names[i], std::move(parts[i]));
}

Value makeLoop(const List &items, size_t index) {
  size_t size = items.size();
  auto count = [](size_t value) { return Value(static_cast<int64_t>(value)); };
  return Dict{
      {"index", count(index + 1)},
      {"index0", count(index)},
      {"revindex", count(size - index)},
      {"revindex0", count(size - index - 1)},
      {"first", index == 0},
      {"last", index + 1 == size},
      {"length", count(size)},
      {"depth", 1},
      {"depth0", 0},
      {"previtem", index > 0 ? items[index - 1] : Value::undefined("previtem")},
      {"nextitem",
       index + 1 < size ? items[index + 1] : Value::undefined("nextitem")},
      {"cycle",
       Value(
           [index](const Arguments &arguments) {
             if (arguments.positional.empty())
               throw ValueError("'loop.cycle' expects values");
             return arguments.positional[index % arguments.positional.size()];
           },
           "cycle")},
  };
}

Interpreter::Flow Interpreter::executeFor(const Stmt &stmt, Scope &scope,
                                          std::string &out) {
  auto bind = [&](Scope &inner, const Value &item) {
    if (stmt.names.size() == 1) {
      inner.set(stmt.names[0], item);
      return;
    }
    List parts = unpack(item, stmt.names.size());
    for (size_t i = 0; i < parts.size(); ++i)
      inner.set(stmt.names[i], std::move(parts[i]));
  };
  Value over = evaluate(*stmt.expr, scope);
  List items = iterate(over);
  // The condition chooses before the loop counts.
  if (stmt.condition)
    std::erase_if(items, [&](const Value &item) {
      Scope inner = {&scope, {}};
      bind(inner, item);
      return !evaluate(*stmt.condition, inner).truth();
    });
  for (size_t i = 0; i < items.size(); ++i) {
    Step step(*this, stmt.line);
    Scope inner = {&scope, {}};
    bind(inner, items[i]);
    inner.set("loop", makeLoop(items, i));
    if (execute(stmt.body, inner, out) == Flow::Break)
      break;
  }
  return items.empty() ? execute(stmt.otherwise, scope, out) : Flow::Normal;
}

Value Interpreter::makeMacro(const Stmt &stmt) {
  return Value(
      [this, &stmt](const Arguments &arguments) -> Value {
        return callMacro(stmt, arguments);
      },
      stmt.text);
}

std::string Interpreter::callMacro(const Stmt &stmt,
                                   const Arguments &arguments) {
  size_t count = stmt.names.size();
  if (arguments.positional.size() > count)
    throw ValueError("the macro '" + stmt.text + "' takes at most " +
                     std::to_string(count) + " arguments, found " +
                     std::to_string(arguments.positional.size()));
  for (const auto &[name, value] : arguments.named)
    if (std::find(stmt.names.begin(), stmt.names.end(), name) ==
        stmt.names.end())
      throw ValueError("the macro '" + stmt.text + "' has no parameter '" +
                       name + "'");
  Scope inner = {&root, {}};
  size_t firstDefault = count - stmt.defaults.size();
  for (size_t i = 0; i < count; ++i) {
    if (const Value *given = arguments.find(i, stmt.names[i]))
      inner.set(stmt.names[i], *given);
    else if (i >= firstDefault)
      inner.set(stmt.names[i],
                evaluate(*stmt.defaults[i - firstDefault], inner));
    else
      inner.set(stmt.names[i], Value::undefined(stmt.names[i]));
  }
  std::string out;
  execute(stmt.body, inner, out);
  return out;
}

} // namespace marimba::rt::jinja
