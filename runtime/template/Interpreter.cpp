//===- Interpreter.cpp - Statements of a chat template --------------------===//

#include "Interpreter.h"

#include <algorithm>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

/// Calls and trees in each other: up to some thousand bytes of stack each, with
/// sanitizers.
static constexpr int kMaxCallDepth = 1000;
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
  for (const Scope *scope = this; scope; scope = scope->parent.get())
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

Interpreter::Interpreter(const Body &body, Dict variables)
    : body(body), globals(std::make_shared<Scope>(nullptr)),
      root(std::make_shared<Scope>(globals)) {
  globals->variables = std::move(variables);
}

std::string Interpreter::run() {
  std::string out;
  execute(body, *root, out);
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
  case Stmt::Kind::SetBlock:
    return executeSetBlock(stmt, scope);
  case Stmt::Kind::Macro:
    scope.set(stmt.text, makeMacro(stmt, scope));
    return Flow::Normal;
  case Stmt::Kind::Call: {
    Value caller = makeMacro(stmt, scope);
    out += call(*stmt.expr, scope, &caller).str();
    return Flow::Normal;
  }
  case Stmt::Kind::Filter:
    return executeFilter(stmt, scope, out);
  case Stmt::Kind::With:
    return executeWith(stmt, scope, out);
  case Stmt::Kind::Block:
    // Elsewhere it could be replaced: it does not see where it stands.
    return executeInner(stmt, stmt.scoped ? scope : *root, out);
  case Stmt::Kind::Do:
    evaluate(*stmt.expr, scope);
    return Flow::Normal;
  case Stmt::Kind::Escape:
    if (evaluate(*stmt.expr, scope).truth())
      throw ValueError("'autoescape' is not supported");
    return executeInner(stmt, scope, out);
  case Stmt::Kind::Unsupported:
    throw ValueError(stmt.text);
  case Stmt::Kind::Break:
    return Flow::Break;
  case Stmt::Kind::Continue:
    return Flow::Continue;
  }
  return Flow::Normal;
}

Interpreter::Flow Interpreter::executeInner(const Stmt &stmt, Scope &scope,
                                            std::string &out) {
  return execute(stmt.body, *nest(scope), out);
}

Value Interpreter::filterPrinted(const Stmt &stmt, std::string text,
                                 const Scope &scope) {
  if (!stmt.expr)
    return text;
  ScopePtr inner = nest(scope);
  inner->set(Stmt::kPrinted, std::move(text));
  return evaluate(*stmt.expr, *inner);
}

Interpreter::Flow Interpreter::executeSetBlock(const Stmt &stmt, Scope &scope) {
  std::string text;
  Flow flow = executeInner(stmt, scope, text);
  scope.set(stmt.names[0], filterPrinted(stmt, std::move(text), scope));
  return flow;
}

Interpreter::Flow Interpreter::executeFilter(const Stmt &stmt, Scope &scope,
                                             std::string &out) {
  std::string text;
  Flow flow = executeInner(stmt, scope, text);
  out += filterPrinted(stmt, std::move(text), scope).str();
  return flow;
}

Interpreter::Flow Interpreter::executeWith(const Stmt &stmt, Scope &scope,
                                           std::string &out) {
  ScopePtr inner = nest(scope);
  // None sees the others.
  for (size_t i = 0; i < stmt.names.size(); ++i)
    inner->set(stmt.names[i], evaluate(*stmt.values[i], scope));
  return execute(stmt.body, *inner, out);
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

Value Interpreter::makeMacro(const Stmt &stmt, Scope &scope) {
  kept.push_back(scope.shared_from_this());
  steps += 16; // for the memory that stays
  List names(stmt.names.begin(), stmt.names.end());
  return Value(
      [this, &stmt, &scope](const Arguments &arguments) -> Value {
        return callMacro(stmt, scope, arguments);
      },
      stmt.text,
      {{"name", stmt.text}, {"arguments", Value::tuple(std::move(names))}});
}

std::string Interpreter::callMacro(const Stmt &stmt, Scope &scope,
                                   const Arguments &arguments) {
  size_t count = stmt.names.size();
  ScopePtr inner = nest(scope);
  List more;
  Dict moreNamed;
  for (size_t i = count; i < arguments.positional.size(); ++i)
    more.push_back(arguments.positional[i]);
  for (const auto &[name, value] : arguments.named) {
    if (name == "caller")
      inner->set(name, value);
    else if (std::find(stmt.names.begin(), stmt.names.end(), name) ==
             stmt.names.end())
      moreNamed.emplace_back(name, value);
  }
  if (!more.empty() && !stmt.takesMore)
    throw ValueError("the macro '" + stmt.text + "' takes at most " +
                     std::to_string(count) + " arguments, found " +
                     std::to_string(arguments.positional.size()));
  if (!moreNamed.empty() && !stmt.takesMoreNamed)
    throw ValueError("the macro '" + stmt.text + "' has no parameter '" +
                     moreNamed.front().first + "'");
  if (stmt.takesMore)
    inner->set("varargs", Value::tuple(std::move(more)));
  if (stmt.takesMoreNamed)
    inner->set("kwargs", std::move(moreNamed));
  size_t firstDefault = count - stmt.defaults.size();
  for (size_t i = 0; i < count; ++i) {
    const std::string &name = stmt.names[i];
    if (const Value *given = arguments.find(i, name))
      inner->set(name, *given);
    else if (i >= firstDefault)
      inner->set(name, evaluate(*stmt.defaults[i - firstDefault], *inner));
    else
      inner->set(name, Value::undefined(name));
  }
  std::string out;
  execute(stmt.body, *inner, out);
  return out;
}

} // namespace marimba::rt::jinja
