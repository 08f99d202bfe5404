//===- Loops.cpp - Loops of a chat template -------------------------------===//

#include "Interpreter.h"

namespace marimba::rt::jinja {

Value makeLoop(const LoopState &state, size_t index) {
  const List &items = state.items;
  size_t size = items.size();
  auto count = [](size_t value) { return Value(static_cast<int64_t>(value)); };
  auto cycle = [index](const Arguments &arguments) {
    if (arguments.positional.empty())
      throw ValueError("'loop.cycle' expects values");
    return arguments.positional[index % arguments.positional.size()];
  };
  auto changed = [last = state.last](const Arguments &arguments) -> Value {
    std::string now = Value::tuple(arguments.positional).repr();
    bool same = last->has_value() && **last == now;
    *last = std::move(now);
    return !same;
  };
  Dict members = {
      {"index", count(index + 1)},
      {"index0", count(index)},
      {"revindex", count(size - index)},
      {"revindex0", count(size - index - 1)},
      {"first", index == 0},
      {"last", index + 1 == size},
      {"length", count(size)},
      {"depth", state.level + 1},
      {"depth0", state.level},
      {"previtem", index > 0 ? items[index - 1] : Value::undefined("previtem")},
      {"nextitem",
       index + 1 < size ? items[index + 1] : Value::undefined("nextitem")},
      {"cycle", Value(cycle, "cycle")},
      {"changed", Value(changed, "changed")},
  };
  return Value(state.call, "loop", std::move(members));
}

void Interpreter::bind(const Expr &target, const Value &value, Scope &scope) {
  if (target.kind == Expr::Kind::Name)
    return scope.set(target.text, value);
  List parts = unpack(value, target.children.size());
  for (size_t i = 0; i < parts.size(); ++i)
    bind(*target.children[i], parts[i], scope);
}

Interpreter::Flow Interpreter::executeFor(const Stmt &stmt, Scope &scope,
                                          std::string &out) {
  return executeLoop(stmt, evaluate(*stmt.expr, scope), 0, scope, out);
}

Interpreter::Flow Interpreter::executeLoop(const Stmt &stmt, const Value &over,
                                           int level, Scope &scope,
                                           std::string &out) {
  List items = iterate(over);
  // The condition chooses before the loop counts.
  if (stmt.condition)
    std::erase_if(items, [&](const Value &item) {
      ScopePtr inner = nest(scope);
      bind(*stmt.target, item, *inner);
      return !evaluate(*stmt.condition, *inner).truth();
    });
  Function call = [](const Arguments &) -> Value {
    throw ValueError("'loop' is called, but the loop is not recursive");
  };
  if (stmt.recursive) {
    kept.push_back(scope.shared_from_this());
    call = [this, &stmt, &scope, level](const Arguments &arguments) -> Value {
      arguments.check("loop", 1, {});
      if (arguments.positional.empty())
        throw ValueError("'loop' expects what it goes over");
      std::string text;
      Step step(*this, stmt.line);
      executeLoop(stmt, arguments.positional[0], level + 1, scope, text);
      return text;
    };
  }
  LoopState state = {items, level, std::move(call),
                     std::make_shared<std::optional<std::string>>()};
  for (size_t i = 0; i < items.size(); ++i) {
    Step step(*this, stmt.line);
    ScopePtr inner = nest(scope);
    bind(*stmt.target, items[i], *inner);
    inner->set("loop", makeLoop(state, i));
    if (execute(stmt.body, *inner, out) == Flow::Break)
      break;
  }
  return items.empty() ? execute(stmt.otherwise, scope, out) : Flow::Normal;
}

} // namespace marimba::rt::jinja
