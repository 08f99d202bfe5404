//===- Interpreter.h - Running a chat template ------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEMPLATE_INTERPRETER_H
#define MARIMBA_RUNTIME_TEMPLATE_INTERPRETER_H

#include "Ast.h"

#include <memory>
#include <string>
#include <vector>

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
  struct Scope : std::enable_shared_from_this<Scope> {
    explicit Scope(std::shared_ptr<Scope> parent) : parent(std::move(parent)) {}

    std::shared_ptr<Scope> parent;
    Dict variables;

    const Value *find(const std::string &name) const;
    void set(const std::string &name, Value value);
  };
  using ScopePtr = std::shared_ptr<Scope>;
  static ScopePtr nest(Scope &scope) {
    return std::make_shared<Scope>(scope.shared_from_this());
  }
  static ScopePtr nest(const Scope &scope) {
    return nest(const_cast<Scope &>(scope));
  }
  enum class Flow { Normal, Break, Continue };
  /// Counts what is nested and what was done, to stop where it is too much.
  class Step;

  Flow execute(const Body &body, Scope &scope, std::string &out);
  Flow execute(const Stmt &stmt, Scope &scope, std::string &out);
  Flow executeFor(const Stmt &stmt, Scope &scope, std::string &out);
  /// A round for each of the items of `over`; `level`: of loops that call
  /// themselves, from 0.
  Flow executeLoop(const Stmt &stmt, const Value &over, int level, Scope &scope,
                   std::string &out);
  Flow executeSetBlock(const Stmt &stmt, Scope &scope);
  Flow executeFilter(const Stmt &stmt, Scope &scope, std::string &out);
  Flow executeWith(const Stmt &stmt, Scope &scope, std::string &out);
  Flow executeInner(const Stmt &stmt, Scope &scope, std::string &out);
  void assign(const Stmt &stmt, Scope &scope);
  static void bind(const Expr &target, const Value &value, Scope &scope);
  /// What a body printed, changed by its filters, if there are any.
  Value filterPrinted(const Stmt &stmt, std::string text, const Scope &scope);
  /// A macro sees the variables of `scope`, whenever it is called.
  Value makeMacro(const Stmt &stmt, Scope &scope);
  std::string callMacro(const Stmt &stmt, Scope &scope,
                        const Arguments &arguments);

  Value evaluate(const Expr &expr, const Scope &scope);
  Value compute(const Expr &expr, const Scope &scope);
  /// `caller`, where it is not null, is an argument of that name.
  Value call(const Expr &expr, const Scope &scope,
             const Value *caller = nullptr);
  Value slice(const Expr &expr, const Scope &scope);
  bool compare(const Expr &expr, const Scope &scope);
  Arguments arguments(const Expr &expr, const Scope &scope);

  const Body &body;
  ScopePtr globals, root;
  /// Those in which there are macros: they are alive as long as this.
  std::vector<ScopePtr> kept;
  int depth = 0;
  int64_t steps = 0;
};

/// left op right, for the operators of Expr::Kind::Binary. Throws ValueError.
Value computeBinary(const std::string &op, const Value &left,
                    const Value &right);

/// What the rounds of a loop have in common.
struct LoopState {
  const List &items;
  int level; // of loops that call themselves
  Function call;
  /// What `loop.changed` was given last, as text; it outlives the loop.
  std::shared_ptr<std::optional<std::string>> last;
};

/// What `loop` is in round `index`.
Value makeLoop(const LoopState &state, size_t index);

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

#endif // MARIMBA_RUNTIME_TEMPLATE_INTERPRETER_H
