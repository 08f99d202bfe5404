//===- SourceNesting.cpp - How deep a file of IR nests --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/SourceNesting.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace marimba;
using namespace llvm;

/// Deeper than any module that a pipeline of ours makes.
static constexpr int kDeepest = 256;
/// Operators and prefixes between two separators.
static constexpr int kMostOperators = 1024;
/// Characters of an alias with all that it names written out, as messages do.
static constexpr uint64_t kLongestAlias = 1 << 16;

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
  /// Whether a list that linalg's parser reads without looking, `dimensions` or
  /// `permutation`, is one of integers: it crashes on anything else.
  bool isBadList() const;
  /// Whether `array<` is followed by a type that such attributes do not have:
  /// the parser of MLIR crashes on one without a width.
  bool isBadArray() const;
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

bool Scan::isBadArray() const {
  StringRef rest = text.substr(position);
  if (!rest.consume_front("array<"))
    return false;
  StringRef type = rest.ltrim().take_while([](char c) { return isAlnum(c); });
  return !is_contained({"i1", "i8", "i16", "i32", "i64", "f32", "f64"}, type);
}

bool Scan::isBadList() const {
  StringRef rest = text.substr(position);
  if (!rest.consume_front("dimensions") && !rest.consume_front("permutation"))
    return false;
  rest = rest.ltrim();
  if (!rest.consume_front("="))
    return false;
  rest = rest.ltrim();
  if (!rest.consume_front("["))
    return true;
  StringRef list = rest.take_front(rest.find(']'));
  if (list.size() == rest.size())
    return true;
  SmallVector<StringRef> numbers;
  list.split(numbers, ',');
  int64_t number = 0;
  return !list.trim().empty() && any_of(numbers, [&](StringRef item) {
    return item.trim().getAsInteger(10, number);
  });
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
    case 'a':
      if (isBadArray())
        return "expected an array of i1, i8, i16, i32, i64, f32 or f64";
      break;
    case 'd':
    case 'p':
      if (isBadList())
        return "expected a list of integers, as in [0, 1]";
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

/// The name of an alias, which `text` begins with: `!name` or `#name`.
static StringRef aliasName(StringRef text) {
  StringRef rest = text.drop_front().take_while(
      [](char c) { return isAlnum(c) || c == '_' || c == '$'; });
  return text.take_front(1 + rest.size());
}

/// What is wrong with an alias (`!name = ...`, `#name = ...`): each may name
/// others twice, and what is printed of the last one doubles every time.
/// Definitions go to the end of their line, or on where brackets are open.
static std::string checkAliases(StringRef text, size_t &line) {
  StringMap<uint64_t> lengths;
  uint64_t *current = nullptr;
  line = 0;
  while (!text.empty()) {
    StringRef row;
    std::tie(row, text) = text.split('\n');
    ++line;
    StringRef start = row.ltrim();
    if (start.starts_with("!") || start.starts_with("#")) {
      StringRef name = aliasName(start);
      if (start.drop_front(name.size()).ltrim().starts_with("=")) {
        row = start.drop_front(name.size());
        current = &lengths[name];
        *current = 0;
      }
    } else if (!start.empty() && isAlpha(start.front())) {
      current = nullptr; // an op begins
    }
    if (!current)
      continue;
    *current += row.size();
    for (size_t i = row.find_first_of("!#"); i != StringRef::npos;
         i = row.find_first_of("!#", i + 1)) {
      auto it = lengths.find(aliasName(row.substr(i)));
      if (it != lengths.end() && &it->second != current)
        *current += it->second;
      if (*current > kLongestAlias)
        return ("an alias is longer than " + Twine(kLongestAlias) +
                " characters, including all that it refers to")
            .str();
    }
  }
  return {};
}

std::string marimba::checkSourceNesting(StringRef text, StringRef file) {
  size_t line = 0;
  std::string alias = checkAliases(text, line);
  if (!alias.empty())
    return (file + ":" + Twine(line) + ": " + alias).str();
  Scan scan(text);
  std::string problem = scan.run();
  if (problem.empty())
    return {};
  return (file + ":" + Twine(scan.line()) + ": " + problem).str();
}

/// The bytes with which bytecode of MLIR begins.
static constexpr StringLiteral kBytecodeMagic = "ML\xEFR";

std::string marimba::checkIsText(StringRef text, StringRef file) {
  if (!text.starts_with(kBytecodeMagic))
    return {};
  return (file + ": bytecode of MLIR, expected text: marimba-opt " + file +
          " -o FILE.mlir writes it")
      .str();
}

std::string marimba::checkFileIsText(StringRef file) {
  sys::fs::file_status status;
  if (sys::fs::status(file, status) || !sys::fs::is_regular_file(status))
    return {};
  ErrorOr<std::unique_ptr<MemoryBuffer>> begin =
      MemoryBuffer::getFileSlice(file, kBytecodeMagic.size(), /*Offset=*/0);
  return begin ? checkIsText((*begin)->getBuffer(), file) : std::string();
}
