//===- Parser.h - From tokens to a tree -------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEMPLATE_PARSER_H
#define MARIMBA_RUNTIME_TEMPLATE_PARSER_H

#include "Ast.h"
#include "Lexer.h"

#include <initializer_list>
#include <string_view>

namespace marimba::rt::jinja {

/// Reads one template. Names of filters, tests and methods are not looked up
/// yet. Statements are in StatementParser.cpp, expressions in
/// ExpressionParser.cpp. Throws Error.
class Parser {
public:
  /// `source` is valid UTF-8.
  explicit Parser(std::string_view source) : tokens(tokenize(source)) {}

  Body parse();

private:
  // Statements. Reads up to a block that begins with one of `ends`, and past
  // that name, which it returns in `ended`.
  Body readBody(std::initializer_list<std::string_view> ends,
                std::string_view opened, std::string &ended);
  std::unique_ptr<Stmt> readBlock();
  std::unique_ptr<Stmt> readIf();
  std::unique_ptr<Stmt> readFor();
  /// What a loop gives its items to; `inside` of brackets, up to the end.
  ExprPtr readTarget(bool inside);
  std::unique_ptr<Stmt> readSet();
  std::unique_ptr<Stmt> readMacro();
  /// What begins with the other names; null where there is no such block.
  std::unique_ptr<Stmt> readOther();
  std::unique_ptr<Stmt> readCall();
  std::unique_ptr<Stmt> readWith();
  std::unique_ptr<Stmt> readNamedBlock();
  /// A block that is an error where it is reached, past its end.
  std::unique_ptr<Stmt> readUnsupported();
  /// The names, with defaults, up to the closing bracket, and past it.
  void readParameters(Stmt &stmt);
  /// The body up to `end`, and past the end of that block. Loops around it are
  /// none inside of a macro.
  void readWhole(Stmt &stmt, std::string_view opened, std::string_view end);
  void readMacroBody(Stmt &stmt, std::string_view opened, std::string_view end);
  /// The filters of what a body prints.
  ExprPtr readPrintedFilters();
  std::unique_ptr<Stmt> make(Stmt::Kind kind) const;
  void expectEndBlock();

  // Expressions, from the weakest to the strongest operator.
  /// With commas outside of brackets, a tuple.
  ExprPtr readTuple();
  ExprPtr readExpr();
  ExprPtr readOr();
  ExprPtr readAnd();
  ExprPtr readNot();
  ExprPtr readCompare();
  ExprPtr readSum();
  ExprPtr readConcat();
  ExprPtr readProduct();
  ExprPtr readPower();
  ExprPtr readUnary(bool withFilters = true);
  ExprPtr readPrimary();
  ExprPtr readPostfix(ExprPtr expr);
  ExprPtr readFilters(ExprPtr expr);
  ExprPtr readTest(ExprPtr expr);
  ExprPtr readSubscript(ExprPtr expr);
  /// Past the closing parenthesis.
  void readArguments(Expr &call);
  /// The items up to the operator `closing`, and past it; `comma`, where given,
  /// hears whether there was one.
  void readItems(Expr &list, std::string_view closing, bool *comma = nullptr);
  ExprPtr readDict();
  ExprPtr make(Expr::Kind kind, std::string text = {}) const;
  /// Gives `parent` a child, which may be null.
  void add(Expr &parent, ExprPtr child) const;
  ExprPtr binary(Expr::Kind kind, ExprPtr left, ExprPtr right,
                 std::string text = {}) const;

  const Token &peek() const { return tokens[next]; }
  Token take() {
    Token token = peek();
    if (token.kind != Token::Kind::End)
      ++next;
    return token;
  }
  /// Takes the next token where it is that one.
  bool takeOperator(std::string_view op);
  bool takeName(std::string_view name);
  void expectOperator(std::string_view op);
  std::string expectName(std::string_view what);
  [[noreturn]] void fail(const std::string &what) const {
    throw Error(peek().line, what);
  }
  [[noreturn]] void failExpected(std::string_view expected) const;

  std::vector<Token> tokens;
  size_t next = 0;
  int nesting = 0;       // of statements and brackets
  int loops = 0;         // around this place
  Stmt *macro = nullptr; // around this place; null for none
};

} // namespace marimba::rt::jinja

#endif // MARIMBA_RUNTIME_TEMPLATE_PARSER_H
