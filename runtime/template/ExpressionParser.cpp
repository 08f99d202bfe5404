//===- ExpressionParser.cpp - Expressions of a chat template --------------===//

#include "Parser.h"

#include <algorithm>

namespace marimba::rt::jinja {

using Kind = Expr::Kind;

/// Depth of an expression's tree, which is evaluated and freed recursively.
static constexpr int kMaxTreeDepth = 500;

ExprPtr Parser::make(Kind kind, std::string text) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->line = peek().line;
  expr->text = std::move(text);
  return expr;
}

void Parser::add(Expr &parent, ExprPtr child) const {
  if (child)
    parent.depth = std::max(parent.depth, child->depth + 1);
  if (parent.depth > kMaxTreeDepth)
    fail("an expression is nested more than " + std::to_string(kMaxTreeDepth) +
         " deep");
  parent.children.push_back(std::move(child));
}

ExprPtr Parser::binary(Kind kind, ExprPtr left, ExprPtr right,
                       std::string text) const {
  ExprPtr expr = make(kind, std::move(text));
  expr->line = left->line;
  add(*expr, std::move(left));
  add(*expr, std::move(right));
  return expr;
}

ExprPtr Parser::readTuple() {
  ExprPtr first = readExpr();
  if (!peek().isOperator(","))
    return first;
  ExprPtr tuple = make(Kind::Tuple);
  add(*tuple, std::move(first));
  while (takeOperator(",")) {
    if (peek().kind == Token::Kind::EndBlock ||
        peek().kind == Token::Kind::EndPrint)
      break;
    add(*tuple, readExpr());
  }
  return tuple;
}

ExprPtr Parser::readExpr() {
  // Brackets, and `else` of an `if`, come back here.
  if (++nesting > kMaxTreeDepth)
    fail("an expression is nested more than " + std::to_string(kMaxTreeDepth) +
         " deep");
  ExprPtr expr = readOr();
  while (takeName("if")) {
    ExprPtr choice = make(Kind::If);
    add(*choice, std::move(expr));
    add(*choice, readOr());
    add(*choice, takeName("else") ? readExpr() : nullptr);
    expr = std::move(choice);
  }
  --nesting;
  return expr;
}

ExprPtr Parser::readOr() {
  ExprPtr left = readAnd();
  while (takeName("or"))
    left = binary(Kind::Or, std::move(left), readAnd());
  return left;
}

ExprPtr Parser::readAnd() {
  ExprPtr left = readNot();
  while (takeName("and"))
    left = binary(Kind::And, std::move(left), readNot());
  return left;
}

ExprPtr Parser::readNot() {
  if (!peek().isName("not"))
    return readCompare();
  if (++nesting > kMaxTreeDepth)
    fail("an expression is nested more than " + std::to_string(kMaxTreeDepth) +
         " deep");
  ExprPtr expr = make(Kind::Not);
  take();
  add(*expr, readNot());
  --nesting;
  return expr;
}

ExprPtr Parser::readCompare() {
  ExprPtr first = readSum();
  ExprPtr chain;
  for (;;) {
    std::string op;
    for (std::string_view known : {"==", "!=", "<=", ">=", "<", ">"})
      if (takeOperator(known))
        op = known;
    if (op.empty() && takeName("in"))
      op = "in";
    if (op.empty() && peek().isName("not") && tokens[next + 1].isName("in")) {
      take();
      take();
      op = "not in";
    }
    if (op.empty())
      return chain ? std::move(chain) : std::move(first);
    if (!chain) {
      chain = make(Kind::Compare);
      add(*chain, std::move(first));
    }
    chain->operators.push_back(op);
    add(*chain, readSum());
  }
}

ExprPtr Parser::readSum() {
  ExprPtr left = readConcat();
  for (;;) {
    if (!peek().isOperator("+") && !peek().isOperator("-"))
      return left;
    std::string op = take().text;
    left = binary(Kind::Binary, std::move(left), readConcat(), op);
  }
}

ExprPtr Parser::readConcat() {
  ExprPtr left = readProduct();
  while (takeOperator("~"))
    left = binary(Kind::Binary, std::move(left), readProduct(), "~");
  return left;
}

ExprPtr Parser::readProduct() {
  ExprPtr left = readPower();
  for (;;) {
    const Token &op = peek();
    if (!op.isOperator("*") && !op.isOperator("/") && !op.isOperator("//") &&
        !op.isOperator("%"))
      return left;
    std::string text = take().text;
    left = binary(Kind::Binary, std::move(left), readPower(), text);
  }
}

ExprPtr Parser::readPower() {
  ExprPtr left = readUnary();
  while (takeOperator("**"))
    left = binary(Kind::Binary, std::move(left), readUnary(), "**");
  return left;
}

ExprPtr Parser::readUnary(bool withFilters) {
  ExprPtr expr;
  if (peek().isOperator("-") || peek().isOperator("+")) {
    if (++nesting > kMaxTreeDepth)
      fail("an expression is nested more than " +
           std::to_string(kMaxTreeDepth) + " deep");
    bool negative = peek().isOperator("-");
    ExprPtr negation = make(Kind::Negate);
    take();
    expr = readUnary(/*withFilters=*/false);
    if (negative) {
      add(*negation, std::move(expr));
      expr = std::move(negation);
    }
    --nesting;
  } else {
    expr = readPostfix(readPrimary());
  }
  return withFilters ? readFilters(std::move(expr)) : std::move(expr);
}

ExprPtr Parser::readPrimary() {
  const Token token = peek();
  ExprPtr literal = make(Kind::Literal);
  switch (token.kind) {
  case Token::Kind::Name:
    take();
    if (token.text == "true" || token.text == "True")
      literal->value = true;
    else if (token.text == "false" || token.text == "False")
      literal->value = false;
    else if (token.text == "none" || token.text == "None")
      literal->value = Value::none();
    else {
      literal->kind = Kind::Name;
      literal->text = token.text;
      if (macro && token.text == "varargs")
        macro->takesMore = true;
      if (macro && token.text == "kwargs")
        macro->takesMoreNamed = true;
    }
    return literal;
  case Token::Kind::String: {
    // Strings that follow each other are one.
    std::string text;
    while (peek().kind == Token::Kind::String)
      text += take().text;
    literal->value = std::move(text);
    return literal;
  }
  case Token::Kind::Int:
    literal->value = take().integer;
    return literal;
  case Token::Kind::Float:
    literal->value = take().number;
    return literal;
  default:
    break;
  }
  if (takeOperator("[")) {
    ExprPtr list = make(Kind::List);
    readItems(*list, "]");
    return list;
  }
  if (takeOperator("{"))
    return readDict();
  if (takeOperator("(")) {
    ExprPtr tuple = make(Kind::Tuple);
    bool comma = false;
    readItems(*tuple, ")", &comma);
    if (tuple->children.size() == 1 && !comma)
      return std::move(tuple->children.front());
    return tuple;
  }
  failExpected("an expression");
}

void Parser::readItems(Expr &list, std::string_view closing, bool *comma) {
  while (!takeOperator(closing)) {
    add(list, readExpr());
    if (peek().isOperator(closing))
      continue;
    expectOperator(",");
    if (comma)
      *comma = true;
  }
}

ExprPtr Parser::readDict() {
  ExprPtr dict = make(Kind::Dict);
  while (!takeOperator("}")) {
    add(*dict, readExpr());
    expectOperator(":");
    add(*dict, readExpr());
    if (!peek().isOperator("}"))
      expectOperator(",");
  }
  return dict;
}

ExprPtr Parser::readPostfix(ExprPtr expr) {
  for (;;) {
    if (takeOperator(".")) {
      ExprPtr attribute = make(Kind::Attribute);
      // `items.0` is items[0].
      if (peek().kind == Token::Kind::Int) {
        attribute->kind = Kind::Item;
        ExprPtr index = make(Kind::Literal);
        index->value = take().integer;
        add(*attribute, std::move(expr));
        add(*attribute, std::move(index));
      } else {
        attribute->text = expectName("the name of a member");
        add(*attribute, std::move(expr));
      }
      expr = std::move(attribute);
    } else if (takeOperator("[")) {
      expr = readSubscript(std::move(expr));
    } else if (takeOperator("(")) {
      ExprPtr call = make(Kind::Call);
      add(*call, std::move(expr));
      readArguments(*call);
      expr = std::move(call);
    } else {
      return expr;
    }
  }
}

ExprPtr Parser::readSubscript(ExprPtr expr) {
  ExprPtr item = make(Kind::Item);
  add(*item, std::move(expr));
  auto isEnd = [&] { return peek().isOperator(":") || peek().isOperator("]"); };
  add(*item, isEnd() ? nullptr : readExpr());
  if (peek().isOperator(":")) {
    item->kind = Kind::Slice;
    for (int part = 0; part < 2; ++part)
      add(*item, takeOperator(":") && !isEnd() ? readExpr() : nullptr);
  } else if (!item->children[1]) {
    failExpected("an index");
  }
  expectOperator("]");
  return item;
}

void Parser::readArguments(Expr &call) {
  while (!takeOperator(")")) {
    if (takeOperator("*")) {
      ExprPtr spread = make(Kind::Spread);
      add(*spread, readExpr());
      add(call, std::move(spread));
    } else if (peek().isOperator("**")) {
      ExprPtr spread = make(Kind::SpreadDict);
      take();
      add(*spread, readExpr());
      add(call, std::move(spread));
    } else if (peek().kind == Token::Kind::Name &&
               tokens[next + 1].isOperator("=")) {
      std::string name = take().text;
      take();
      ExprPtr value = readExpr();
      call.depth = std::max(call.depth, value->depth + 1);
      call.named.emplace_back(std::move(name), std::move(value));
    } else {
      if (!call.named.empty())
        fail("an argument without a name follows one with a name");
      add(call, readExpr());
    }
    if (!peek().isOperator(")"))
      expectOperator(",");
  }
}

ExprPtr Parser::readFilters(ExprPtr expr) {
  for (;;) {
    if (takeOperator("|")) {
      ExprPtr filter = make(Kind::Filter);
      filter->text = expectName("the name of a filter");
      while (takeOperator("."))
        filter->text += "." + expectName("the name of a filter");
      add(*filter, std::move(expr));
      if (takeOperator("("))
        readArguments(*filter);
      expr = std::move(filter);
    } else if (takeName("is")) {
      expr = readTest(std::move(expr));
    } else {
      return expr;
    }
  }
}

ExprPtr Parser::readTest(ExprPtr expr) {
  bool negated = takeName("not");
  ExprPtr test = make(Kind::Test);
  test->text = takeOperator("==") ? "==" : expectName("the name of a test");
  while (takeOperator("."))
    test->text += "." + expectName("the name of a test");
  add(*test, std::move(expr));
  const Token &token = peek();
  bool word = token.kind == Token::Kind::Name && token.text != "else" &&
              token.text != "or" && token.text != "and" && token.text != "if" &&
              token.text != "is" && token.text != "not" && token.text != "in";
  bool literal = token.kind == Token::Kind::String ||
                 token.kind == Token::Kind::Int ||
                 token.kind == Token::Kind::Float || token.isOperator("[") ||
                 token.isOperator("{");
  if (takeOperator("("))
    readArguments(*test);
  else if (word || literal)
    add(*test, readPostfix(readPrimary()));
  if (!negated)
    return test;
  ExprPtr negation = make(Kind::Not);
  add(*negation, std::move(test));
  return negation;
}

} // namespace marimba::rt::jinja
