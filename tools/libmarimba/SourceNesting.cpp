//===- SourceNesting.cpp - How deep a file of IR nests --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/SourceNesting.h"

#include "llvm/ADT/Twine.h"

using namespace marimba;
using namespace llvm;

/// Deeper than any module that a pipeline of ours makes.
static constexpr int kDeepest = 256;
/// Operators and prefixes between two separators.
static constexpr int kMostOperators = 1024;

namespace {

class Scan {
public:
  explicit Scan(StringRef text) : text(text) {}

  /// The first limit that is passed, as the rest of a message; empty where
  /// there is none.
  std::string run();
  size_t line() const { return 1 + text.take_front(position).count('\n'); }

private:
  void skipString();
  char at(size_t index) const { return index < text.size() ? text[index] : 0; }

  StringRef text;
  size_t position = 0;
  int depth = 0, operators = 0;
};

} // namespace

/// To the quote that ends the string that begins here, or the end of the line:
/// strings have no line ends.
void Scan::skipString() {
  for (++position; position < text.size(); ++position) {
    char c = text[position];
    if (c == '\\')
      ++position;
    else if (c == '"' || c == '\n')
      return;
  }
}

std::string Scan::run() {
  for (; position < text.size(); ++position) {
    char c = text[position];
    switch (c) {
    case '"':
      skipString();
      break;
    case '/':
      if (at(position + 1) == '/')
        while (position + 1 < text.size() && text[position + 1] != '\n')
          ++position;
      break;
    case '(':
    case '[':
    case '{':
      ++depth;
      operators = 0;
      break;
    case ')':
    case ']':
    case '}':
      --depth;
      operators = 0;
      break;
    case '<':
      // Not of a comparison; those of types need not have an end.
      depth += at(position + 1) != '=';
      break;
    case '>':
      depth -=
          position > 0 && text[position - 1] != '-' && at(position + 1) != '=';
      break;
    case ',':
    case '=':
    case '%':
      operators = 0;
      break;
    case '+':
    case '-':
    case '*':
      ++operators;
      break;
    case 'm':
    case 'f':
    case 'c':
      operators += text.substr(position).starts_with("mod ") ||
                   text.substr(position).starts_with("floordiv ") ||
                   text.substr(position).starts_with("ceildiv ");
      break;
    default:
      break;
    }
    depth = std::max(depth, 0);
    if (depth > kDeepest)
      return ("brackets nest deeper than " + Twine(kDeepest) + " levels").str();
    if (operators > kMostOperators)
      return ("an expression has more than " + Twine(kMostOperators) +
              " operators")
          .str();
  }
  return {};
}

std::string marimba::checkSourceNesting(StringRef text, StringRef file) {
  Scan scan(text);
  std::string problem = scan.run();
  if (problem.empty())
    return {};
  return (file + ":" + Twine(scan.line()) + ": " + problem).str();
}
