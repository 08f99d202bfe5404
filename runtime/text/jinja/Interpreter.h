//===- Interpreter.h - Running a chat template ------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEXT_JINJA_INTERPRETER_H
#define MARIMBA_RUNTIME_TEXT_JINJA_INTERPRETER_H

#include "Ast.h"

#include <string>

namespace marimba::rt::jinja {

/// Runs one template once. What a template can use of time, memory and stack
/// is bounded. Statements are in Interpreter.cpp, expressions in Evaluator.cpp.
class Interpreter {
public:
  /// `globals` are what the template sees; `body` must outlive this.
  Interpreter(const Body &body, Dict globals);

  /// What the template prints. Throws Error.
  std::string run();

private:
  /// Variables of a macro's call or of one round of a loop, in front of those
  /// around it.
  struct Scope {
    const Scope *parent = nullptr;
    Dict variables;

    const Value *find(const std::string &name) const;
    void set(const std::string &name, Value value);
  };
  enum class Flow { Normal, Break, Continue };
  /// Counts what is nested and what was done, to stop where it is too much.
  class Step;

  Flow execute(const Body &body, Scope &scope, std::string &out);
  Flow execute(const Stmt &stmt, Scope &scope, std::string &out);
  Flow executeFor(const Stmt &stmt, Scope &scope, std::string &out);
  void assign(const Stmt &stmt, Scope &scope);
  Value makeMacro(const Stmt &stmt);
  std::string callMacro(const Stmt &stmt, const Arguments &arguments);

  Value evaluate(const Expr &expr, const Scope &scope);
  Value compute(const Expr &expr, const Scope &scope);
  Value call(const Expr &expr, const Scope &scope);
  Value slice(const Expr &expr, const Scope &scope);
  bool compare(const Expr &expr, const Scope &scope);
  Arguments arguments(const Expr &expr, const Scope &scope);

  const Body &body;
  Scope globals, root;
  int depth = 0;
  int64_t steps = 0;
};

/// left op right, for the operators of Expr::Kind::Binary. Throws ValueError.
Value computeBinary(const std::string &op, const Value &left,
                    const Value &right);

/// What `loop` is in round `index` over `items`.
Value makeLoop(const List &items, size_t index);

/// Gives each of `names` its part of `value`; throws ValueError where they are
/// not as many.
List unpack(const Value &value, size_t names);

class Interpreter::Step {
public:
  explicit Step(Interpreter &interpreter, int line);
  ~Step() { --interpreter.depth; }
  Step(const Step &) = delete;
  Step &operator=(const Step &) = delete;

private:
  Interpreter &interpreter;
};

} // namespace marimba::rt::jinja

#endif // MARIMBA_RUNTIME_TEXT_JINJA_INTERPRETER_H
