//===- Ast.h - A parsed chat template ---------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEMPLATE_AST_H
#define MARIMBA_RUNTIME_TEMPLATE_AST_H

#include "Value.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace marimba::rt::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// An expression. What `text` and `children` are:
struct Expr {
  enum class Kind {
    Literal,    // `value`
    Name,       // text
    List,       // the items
    Tuple,      // the items
    Dict,       // key, value, key, value ...
    Attribute,  // children[0].text
    Item,       // children[0][children[1]]
    Slice,      // children[0][children[1]:children[2]:children[3]], each of
                // the three may be null
    Call,       // children[0](children[1], ..., named)
    Filter,     // children[0] | text(children[1], ..., named)
    Test,       // children[0] is text(children[1], ...)
    Spread,     // *children[0], an argument
    SpreadDict, // **children[0], an argument
    Not,        // of children[0]
    Negate,     // of children[0]
    And,        // of the two
    Or,         // of the two
    Binary,     // children[0] text children[1], text one of + - * / // % ** ~
    Compare,    // children[0] operators[0] children[1] operators[1] ...
    If,         // children[0] if children[1] else children[2] (may be null)
  };
  Kind kind;
  int line;
  int depth = 1; // of the tree
  std::string text;
  Value value;
  std::vector<ExprPtr> children;
  std::vector<std::pair<std::string, ExprPtr>> named;
  std::vector<std::string> operators;
};

struct Stmt;
using Body = std::vector<std::unique_ptr<Stmt>>;

/// A statement.
struct Stmt {
  enum class Kind {
    Text,     // text
    Print,    // expr
    If,       // branches; one without a condition is the else
    For,      // target in expr if condition: body, else otherwise
    Set,      // names = expr; of a namespace where `member` is not empty
    SetBlock, // names[0] = what body prints, or expr of that where given
    Macro,    // text(names, the last ones with defaults): body
    Call,     // expr, a call, with a macro of names and body as `caller`
    Filter,   // expr of what body prints
    With,     // names = values, for body
    Block,    // body; it sees the variables around it where `scoped`
    Do,       // expr, whose value goes
    Escape,   // body, printed as it is unless expr holds
    Break,
    Continue,
    Unsupported, // text says what
  };
  /// The name of what a body printed, in the expression of its filters.
  static constexpr const char *kPrinted = "(printed)";
  struct Branch {
    ExprPtr condition; // may be null
    Body body;
  };
  Kind kind;
  int line;
  std::string text, member;
  std::vector<std::string> names;
  /// Names, and tuples of names and of tuples.
  ExprPtr target;
  ExprPtr expr, condition;
  std::vector<ExprPtr> defaults, values;
  bool scoped = false;
  /// Of a for: whether `loop` may be called.
  bool recursive = false;
  /// Of a macro: whether it names what it was given beside its parameters.
  bool takesMore = false, takesMoreNamed = false;
  std::vector<Branch> branches;
  Body body, otherwise;
};

} // namespace marimba::rt::jinja

#endif // MARIMBA_RUNTIME_TEMPLATE_AST_H
