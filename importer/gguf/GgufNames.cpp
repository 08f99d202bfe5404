//===- GgufNames.cpp - What GGUF files call tensors -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/GgufNames.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::marimba {

static constexpr StringLiteral kBlock = "blk.";
static constexpr StringLiteral kSuffixes[] = {".weight", ".bias", ""};

/// The digits that `rest` begins with, and which it then no longer has, nor the
/// dot after them; empty where there are none.
static StringRef takeIndex(StringRef &rest) {
  StringRef digits = rest.take_while(llvm::isDigit);
  if (digits.empty() || rest.size() == digits.size() ||
      rest[digits.size()] != '.')
    return "";
  rest = rest.drop_front(digits.size() + 1);
  return digits;
}

std::optional<std::string> GgufNames::toCheckpoint(StringRef name) const {
  for (const GgufName &pair : outside)
    if (name == pair.gguf)
      return pair.checkpoint.str();
  StringRef rest = name;
  if (!rest.consume_front(kBlock))
    return std::nullopt;
  StringRef index = takeIndex(rest);
  if (index.empty())
    return std::nullopt;
  for (StringRef suffix : kSuffixes) {
    StringRef stem = rest;
    if (!stem.consume_back(suffix))
      continue;
    for (const GgufName &pair : inLayer)
      if (stem == pair.gguf)
        return (layers + index + "." + pair.checkpoint + suffix).str();
  }
  return std::nullopt;
}

/// Whether `name` is `pattern`, where `*` matches digits, the number `expert`.
static bool matches(StringRef name, StringRef pattern, int64_t &expert) {
  auto [before, after] = pattern.split('*');
  if (before.size() == pattern.size())
    return name == pattern;
  return name.consume_front(before) && name.consume_back(after) &&
         !name.empty() && llvm::all_of(name, llvm::isDigit) &&
         !name.getAsInteger(10, expert);
}

std::string GgufNames::toGguf(StringRef name) const {
  int64_t expert = -1;
  return findGguf(name, expert).value_or(name.str());
}

std::optional<std::string> GgufNames::findGguf(StringRef name,
                                               int64_t &expert) const {
  expert = -1;
  for (const GgufName &pair : outside)
    if (name == pair.checkpoint)
      return pair.gguf.str();
  StringRef rest = name;
  if (!rest.consume_front(layers))
    return std::nullopt;
  StringRef index = takeIndex(rest);
  for (StringRef suffix : kSuffixes) {
    StringRef stem = rest;
    if (index.empty() || !stem.consume_back(suffix))
      continue;
    for (const GgufName &pair : inLayer)
      if (matches(stem, pair.checkpoint, expert))
        return (kBlock + index + "." + pair.gguf + suffix).str();
  }
  return std::nullopt;
}

} // namespace mlir::marimba
