//===- StatementParser.cpp - Blocks of a chat template --------------------===//

#include "Parser.h"

#include <algorithm>
#include <utility>

namespace marimba::rt::jinja {

/// Nesting of blocks, brackets and operators; keeps recursion from using up the
/// stack.
static constexpr int kMaxNesting = 200;

static std::string found(const Token &token) {
  switch (token.kind) {
  case Token::Kind::End:
    return "the end of the template";
  case Token::Kind::Text:
    return "text";
  case Token::Kind::BeginPrint:
    return "{{";
  case Token::Kind::EndPrint:
    return "}}";
  case Token::Kind::BeginBlock:
    return "{%";
  case Token::Kind::EndBlock:
    return "%}";
  case Token::Kind::String:
    return "a string";
  default:
    return "'" + token.text + "'";
  }
}

void Parser::failExpected(std::string_view expected) const {
  fail("expected " + std::string(expected) + ", found " + found(peek()));
}

bool Parser::takeOperator(std::string_view op) {
  if (!peek().isOperator(op))
    return false;
  take();
  return true;
}

bool Parser::takeName(std::string_view name) {
  if (!peek().isName(name))
    return false;
  take();
  return true;
}

void Parser::expectOperator(std::string_view op) {
  if (!takeOperator(op))
    failExpected("'" + std::string(op) + "'");
}

std::string Parser::expectName(std::string_view what) {
  if (peek().kind != Token::Kind::Name)
    failExpected(what);
  return take().text;
}

void Parser::expectEndBlock() {
  if (peek().kind != Token::Kind::EndBlock)
    failExpected("%}");
  take();
}

std::unique_ptr<Stmt> Parser::make(Stmt::Kind kind) const {
  auto stmt = std::make_unique<Stmt>();
  stmt->kind = kind;
  stmt->line = peek().line;
  return stmt;
}

Body Parser::parse() {
  std::string ended;
  return readBody({}, "", ended);
}

Body Parser::readBody(std::initializer_list<std::string_view> ends,
                      std::string_view opened, std::string &ended) {
  int line = next ? tokens[next - 1].line : 1; // of what opened it
  if (++nesting > kMaxNesting)
    fail("blocks are nested more than " + std::to_string(kMaxNesting) +
         " deep");
  Body body;
  for (;;) {
    switch (peek().kind) {
    case Token::Kind::Text: {
      std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Text);
      stmt->text = take().text;
      body.push_back(std::move(stmt));
      continue;
    }
    case Token::Kind::BeginPrint: {
      take();
      std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Print);
      stmt->expr = readTuple();
      if (peek().kind != Token::Kind::EndPrint)
        failExpected("}}");
      take();
      body.push_back(std::move(stmt));
      continue;
    }
    case Token::Kind::BeginBlock: {
      take();
      const Token &name = peek();
      if (name.kind == Token::Kind::Name &&
          std::find(ends.begin(), ends.end(), name.text) != ends.end()) {
        ended = take().text;
        --nesting;
        return body;
      }
      // It marks what a model is trained on; the text is printed.
      if (takeName("generation")) {
        expectEndBlock();
        std::string end;
        Body inner = readBody({"endgeneration"}, "generation", end);
        expectEndBlock();
        std::move(inner.begin(), inner.end(), std::back_inserter(body));
        continue;
      }
      body.push_back(readBlock());
      continue;
    }
    default:
      if (opened.empty()) {
        --nesting;
        return body;
      }
      throw Error(line, "'" + std::string(opened) + "' has no end, expected '" +
                            std::string(*(ends.end() - 1)) + "'");
    }
  }
}

std::unique_ptr<Stmt> Parser::readBlock() {
  if (takeName("if"))
    return readIf();
  if (takeName("for"))
    return readFor();
  if (takeName("set"))
    return readSet();
  if (takeName("macro"))
    return readMacro();
  for (bool isBreak : {true, false}) {
    if (!peek().isName(isBreak ? "break" : "continue"))
      continue;
    if (!loops)
      fail("'" + peek().text + "' outside of a loop");
    auto stmt = make(isBreak ? Stmt::Kind::Break : Stmt::Kind::Continue);
    take();
    expectEndBlock();
    return stmt;
  }
  if (peek().kind != Token::Kind::Name)
    failExpected("the name of a block");
  if (std::unique_ptr<Stmt> stmt = readOther())
    return stmt;
  fail("the block '" + peek().text +
       "' is not supported here, supported: if, for, set, macro, call, filter, "
       "with, block, do, autoescape, break, continue, raw, generation");
}

std::unique_ptr<Stmt> Parser::readIf() {
  std::unique_ptr<Stmt> stmt = make(Stmt::Kind::If);
  std::string ended = "if";
  while (ended == "if" || ended == "elif") {
    Stmt::Branch branch;
    branch.condition = readTuple();
    expectEndBlock();
    branch.body = readBody({"elif", "else", "endif"}, "if", ended);
    stmt->branches.push_back(std::move(branch));
  }
  if (ended == "else") {
    expectEndBlock();
    stmt->branches.push_back({nullptr, readBody({"endif"}, "else", ended)});
  }
  expectEndBlock();
  return stmt;
}

ExprPtr Parser::readTarget(bool inside) {
  if (++nesting > kMaxNesting)
    fail("names are nested more than " + std::to_string(kMaxNesting) + " deep");
  ExprPtr tuple = make(Expr::Kind::Tuple);
  bool comma = false;
  auto atEnd = [&] { return peek().isName("in") || peek().isOperator(")"); };
  do {
    if (comma && atEnd())
      break;
    comma = false;
    if (takeOperator("("))
      add(*tuple, readTarget(/*inside=*/true));
    else
      add(*tuple,
          make(Expr::Kind::Name, expectName("the name of a loop's variable")));
  } while ((comma = takeOperator(",")));
  if (inside)
    expectOperator(")");
  --nesting;
  if (tuple->children.size() == 1 && !comma)
    return std::move(tuple->children.front());
  return tuple;
}

std::unique_ptr<Stmt> Parser::readFor() {
  std::unique_ptr<Stmt> stmt = make(Stmt::Kind::For);
  stmt->target = readTarget(/*inside=*/false);
  if (!takeName("in"))
    failExpected("'in'");
  // What follows `if` belongs to the loop, not to the expression.
  stmt->expr = readOr();
  if (peek().isOperator(",")) {
    ExprPtr tuple = make(Expr::Kind::Tuple);
    add(*tuple, std::move(stmt->expr));
    while (takeOperator(","))
      add(*tuple, readOr());
    stmt->expr = std::move(tuple);
  }
  if (takeName("if"))
    stmt->condition = readExpr();
  stmt->recursive = takeName("recursive");
  expectEndBlock();
  std::string ended;
  ++loops;
  stmt->body = readBody({"else", "endfor"}, "for", ended);
  --loops;
  if (ended == "else") {
    expectEndBlock();
    stmt->otherwise = readBody({"endfor"}, "else", ended);
  }
  expectEndBlock();
  return stmt;
}

std::unique_ptr<Stmt> Parser::readSet() {
  std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Set);
  bool bracket = takeOperator("(");
  do {
    stmt->names.push_back(expectName("the name of a variable"));
    if (stmt->names.size() == 1 && takeOperator(".")) {
      stmt->member = expectName("the name of a member");
      break;
    }
  } while (takeOperator(","));
  if (bracket)
    expectOperator(")");
  if (takeOperator("=")) {
    stmt->expr = readTuple();
    expectEndBlock();
    return stmt;
  }
  if (stmt->names.size() != 1 || !stmt->member.empty())
    failExpected("'='");
  stmt->kind = Stmt::Kind::SetBlock;
  if (peek().isOperator("|"))
    stmt->expr = readPrintedFilters();
  readWhole(*stmt, "set", "endset");
  return stmt;
}

std::unique_ptr<Stmt> Parser::readMacro() {
  std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Macro);
  stmt->text = expectName("the name of a macro");
  expectOperator("(");
  readParameters(*stmt);
  readMacroBody(*stmt, "macro", "endmacro");
  return stmt;
}

void Parser::readParameters(Stmt &macro) {
  Stmt *stmt = &macro;
  while (!takeOperator(")")) {
    stmt->names.push_back(expectName("the name of a parameter"));
    if (takeOperator("="))
      stmt->defaults.push_back(readExpr());
    else if (!stmt->defaults.empty())
      fail("the parameter '" + stmt->names.back() +
           "' has no default, the one before has");
    if (!peek().isOperator(")"))
      expectOperator(",");
  }
}

void Parser::readWhole(Stmt &stmt, std::string_view opened,
                       std::string_view end) {
  expectEndBlock();
  std::string ended;
  stmt.body = readBody({end}, opened, ended);
  // The name may stand there again.
  if (!stmt.text.empty())
    takeName(stmt.text);
  expectEndBlock();
}

void Parser::readMacroBody(Stmt &stmt, std::string_view opened,
                           std::string_view end) {
  int loopsAround = std::exchange(loops, 0);
  Stmt *around = std::exchange(macro, &stmt);
  readWhole(stmt, opened, end);
  macro = around;
  loops = loopsAround;
}

ExprPtr Parser::readPrintedFilters() {
  ExprPtr printed = make(Expr::Kind::Name, Stmt::kPrinted);
  return readFilters(std::move(printed));
}

std::unique_ptr<Stmt> Parser::readOther() {
  if (takeName("call"))
    return readCall();
  if (takeName("with"))
    return readWith();
  if (takeName("block"))
    return readNamedBlock();
  if (takeName("filter")) {
    std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Filter);
    // The first one stands there without its sign.
    tokens[--next] = {Token::Kind::Operator, "|", stmt->line};
    stmt->expr = readPrintedFilters();
    readWhole(*stmt, "filter", "endfilter");
    return stmt;
  }
  if (takeName("do")) {
    std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Do);
    stmt->expr = readTuple();
    expectEndBlock();
    return stmt;
  }
  if (takeName("autoescape")) {
    std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Escape);
    stmt->expr = readExpr();
    readWhole(*stmt, "autoescape", "endautoescape");
    return stmt;
  }
  for (std::string_view known : {"include", "import", "from", "extends",
                                 "trans", "pluralize", "endtrans", "debug"})
    if (peek().isName(known))
      return readUnsupported();
  return nullptr;
}

std::unique_ptr<Stmt> Parser::readCall() {
  std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Call);
  if (takeOperator("("))
    readParameters(*stmt);
  stmt->expr = readExpr();
  if (stmt->expr->kind != Expr::Kind::Call)
    fail("'call' expects a call");
  readMacroBody(*stmt, "call", "endcall");
  stmt->text = "caller";
  return stmt;
}

std::unique_ptr<Stmt> Parser::readWith() {
  std::unique_ptr<Stmt> stmt = make(Stmt::Kind::With);
  while (peek().kind != Token::Kind::EndBlock) {
    if (!stmt->names.empty())
      expectOperator(",");
    stmt->names.push_back(expectName("the name of a variable"));
    expectOperator("=");
    stmt->values.push_back(readExpr());
  }
  readWhole(*stmt, "with", "endwith");
  return stmt;
}

std::unique_ptr<Stmt> Parser::readNamedBlock() {
  std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Block);
  stmt->text = expectName("the name of a block");
  stmt->scoped = takeName("scoped");
  takeName("required");
  int loopsAround = std::exchange(loops, 0);
  readWhole(*stmt, "block", "endblock");
  loops = loopsAround;
  return stmt;
}

std::unique_ptr<Stmt> Parser::readUnsupported() {
  std::unique_ptr<Stmt> stmt = make(Stmt::Kind::Unsupported);
  stmt->text = "the block '" + peek().text + "' is not supported";
  while (peek().kind != Token::Kind::EndBlock &&
         peek().kind != Token::Kind::End)
    take();
  expectEndBlock();
  return stmt;
}

} // namespace marimba::rt::jinja
