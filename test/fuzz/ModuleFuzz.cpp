//===- ModuleFuzz.cpp - Modules written by hand, to LLVM IR ---------------===//
//
// The input is text of MLIR. Bytes changed at random hardly ever parse, so it
// is changed by its lines and words: numbers, types and values take the place
// of others of this text and of a second one.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"

#include "lowering/Pipelines.h"
#include "lowering/Target/Target.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "tools/libmarimba/ModuleRules.h"
#include "tools/libmarimba/SourceNesting.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>
#include <random>

using namespace llvm;
using namespace marimba;

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

static mlir::MLIRContext &context() {
  static mlir::DialectRegistry registry = [] {
    mlir::DialectRegistry all;
    mlir::marimba::registerPipelineDialects(all);
    return all;
  }();
  static std::unique_ptr<mlir::MLIRContext> instance;
  static unsigned uses = 0;
  // Types and attributes stay in a context for good: a new one now and then.
  if (!instance || ++uses % 256 == 0) {
    instance = std::make_unique<mlir::MLIRContext>(
        registry, mlir::MLIRContext::Threading::DISABLED);
    instance->loadAllAvailableDialects();
  }
  return *instance;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef input(reinterpret_cast<const char *>(data), size);
  if (input.contains('\0') || !checkSourceNesting(input, "fuzz").empty())
    return 0;
  std::string text = input.str();
  mlir::MLIRContext &ctx = context();
  unsigned errors = 0;
  mlir::ScopedDiagnosticHandler handler(&ctx, [&](mlir::Diagnostic &diag) {
    errors += diag.getSeverity() == mlir::DiagnosticSeverity::Error;
    return mlir::success();
  });
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceString<mlir::ModuleOp>(text, &ctx, "fuzz.mlir");
  bool good = module && mlir::succeeded(checkModuleRules(*module));
  fuzz::check(good || errors, "a failure has a message");
  if (!good)
    return 0;
  mlir::marimba::PipelineOptions options;
  // Both targets, as the text has it, with and without the checks of `execute`.
  size_t hash = hash_value(StringRef(text));
  options.target = hash & 1 ? "reference" : "cpu";
  options.checks = hash & 2;
  options.vectorBits = 256;
  good = mlir::succeeded(mlir::marimba::runStages(*module, options));
  fuzz::check(good || errors, "a failure of a stage has a message");
  if (!good)
    return 0;
  mlir::marimba::TargetOptions target;
  target.cpu = "x86-64-v3";
  SmallVector<char, 0> code;
  raw_svector_ostream os(code);
  Error failure =
      mlir::marimba::emit(*module, mlir::marimba::EmitKind::LLVM, target, os);
  consumeError(std::move(failure));
  return 0;
}

//===----------------------------------------------------------------------===//
// Changing
//===----------------------------------------------------------------------===//

namespace {

using Random = std::minstd_rand;

enum class Kind { Value, Symbol, Number, Type, Word, Other };

struct Token {
  StringRef text;
  Kind kind;
};

} // namespace

static Token takeToken(StringRef &rest) {
  auto take = [&](size_t length, Kind kind) {
    StringRef text = rest.take_front(length);
    rest = rest.drop_front(length);
    return Token{text, kind};
  };
  auto isName = [](char c) { return isAlnum(c) || c == '_' || c == '.'; };
  auto length = [&](size_t from, auto test) {
    size_t end = from;
    while (end < rest.size() && test(rest[end]))
      ++end;
    return end;
  };
  char first = rest.front();
  if (first == '%' || first == '@')
    return take(
        length(1, [&](char c) { return isName(c) || c == '#' || c == ':'; }),
        first == '%' ? Kind::Value : Kind::Symbol);
  if (rest.starts_with("tensor<"))
    if (size_t end = rest.find('>'); end != StringRef::npos)
      return take(end + 1, Kind::Type);
  if (isDigit(first))
    return take(length(1, isName), Kind::Number);
  if (isAlpha(first))
    return take(length(1, isName), Kind::Word);
  return take(1, Kind::Other);
}

static std::vector<Token> tokenize(StringRef text) {
  std::vector<Token> tokens;
  while (!text.empty())
    tokens.push_back(takeToken(text));
  return tokens;
}

static std::vector<std::string> linesOf(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, '\n');
  return {parts.begin(), parts.end()};
}

static size_t below(Random &random, size_t end) { return random() % end; }

static const char *const kNumbers[] = {"0",
                                       "1",
                                       "2",
                                       "-1",
                                       "3",
                                       "7",
                                       "64",
                                       "1025",
                                       "65536",
                                       "2147483648",
                                       "4294967296",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "0.0",
                                       "1.0e38"};
static const char *const kTypes[] = {"tensor<f32>",
                                     "tensor<0xf32>",
                                     "tensor<1xf32>",
                                     "tensor<?xf32>",
                                     "tensor<?x?xf32>",
                                     "tensor<4x?xf32>",
                                     "tensor<?x?x4xf32>",
                                     "tensor<?xi32>",
                                     "tensor<?x?xi32>",
                                     "tensor<4xi64>",
                                     "tensor<4xbf16>",
                                     "tensor<4xf16>",
                                     "tensor<2x3x4x5xf32>",
                                     "tensor<4xindex>",
                                     "tensor<4xi1>",
                                     "tensor<1048576x1048576xf32>",
                                     "f32",
                                     "index",
                                     "i32",
                                     "i1"};

/// Another token of the kind of `token`, from `others` or from the lists.
static std::string otherToken(const Token &token,
                              const std::vector<Token> &others,
                              Random &random) {
  if (token.kind == Kind::Number && below(random, 2))
    return kNumbers[below(random, std::size(kNumbers))];
  if (token.kind == Kind::Type && below(random, 2))
    return kTypes[below(random, std::size(kTypes))];
  for (int tries = 0; tries < 32; ++tries) {
    const Token &other = others[below(random, others.size())];
    if (other.kind == token.kind)
      return other.text.str();
  }
  return token.text.str();
}

/// A type that stands at several places changes at all of them: a change at one
/// would not be verified.
static std::string changeTokens(StringRef text, StringRef other,
                                Random &random) {
  std::vector<Token> tokens = tokenize(text), others = tokenize(other);
  if (tokens.empty() || others.empty())
    return text.str();
  size_t at = below(random, tokens.size());
  while (at + 1 < tokens.size() && tokens[at].kind == Kind::Other)
    ++at;
  std::string replacement = otherToken(tokens[at], others, random);
  bool everywhere = tokens[at].kind == Kind::Type && below(random, 3);
  std::string result;
  for (size_t i = 0; i < tokens.size(); ++i)
    result += i == at || (everywhere && tokens[i].text == tokens[at].text)
                  ? replacement
                  : tokens[i].text.str();
  return result;
}

static std::string changeLines(StringRef text, StringRef other,
                               Random &random) {
  std::vector<std::string> lines = linesOf(text), others = linesOf(other);
  size_t at = below(random, lines.size());
  switch (below(random, 4)) {
  case 0:
    lines.erase(lines.begin() + at);
    break;
  case 1:
    lines.insert(lines.begin() + at, lines[below(random, lines.size())]);
    break;
  case 2:
    std::swap(lines[at], lines[below(random, lines.size())]);
    break;
  default:
    lines.insert(lines.begin() + at, others[below(random, others.size())]);
  }
  return join(lines, "\n");
}

static size_t change(StringRef text, StringRef other, uint8_t *out, size_t most,
                     unsigned seed) {
  Random random(seed + 1);
  std::string result = text.str();
  for (size_t count = 1 + below(random, 4); count > 0; --count)
    result = below(random, 3) ? changeTokens(result, other, random)
                              : changeLines(result, other, random);
  size_t size = std::min(most, result.size());
  std::memcpy(out, result.data(), size);
  return size;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t most, unsigned seed) {
  std::string text(reinterpret_cast<const char *>(data), size);
  return change(text, text, data, most, seed);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *first,
                                            size_t firstSize,
                                            const uint8_t *second,
                                            size_t secondSize, uint8_t *out,
                                            size_t most, unsigned seed) {
  return change(fuzz::text(first, firstSize), fuzz::text(second, secondSize),
                out, most, seed);
}
