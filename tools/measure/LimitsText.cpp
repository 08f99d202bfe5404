//===- LimitsText.cpp - The probes of the limits as MLIR ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/LimitsText.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include <vector>

using namespace llvm;

std::string marimba::nibbleDot() {
  std::string body = kNibbleDotFirst.str();
  auto add = [&](StringRef pattern, unsigned number) {
    for (char c : pattern)
      if (c == '#' || c == '@')
        body += std::to_string(c == '#' ? number : number - 1);
      else
        body += c;
  };
  for (unsigned product = 1; product < kNibbleProducts; ++product)
    add(kNibbleDotNext, product);
  add(kNibbleDotEnd, kNibbleProducts);
  return body;
}

std::string marimba::expand(StringRef pattern, unsigned copies,
                            const StringMap<std::string> &names) {
  auto replace = [](std::string text, StringRef from, StringRef to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
         at += to.size())
      text.replace(at, from.size(), to);
    return text;
  };
  std::string text = pattern.str();
  // These use the other names.
  for (StringRef outer : {"SETUP", "BODY", "EXP"})
    if (auto it = names.find(outer); it != names.end())
      text = replace(text, ("$" + outer).str(), it->second);
  for (auto &[name, value] : names)
    text = replace(text, ("$" + name).str(), value);
  text = replace(text, "$N", std::to_string(copies));

  auto forEach = [&](StringRef one, StringRef separator) {
    std::vector<std::string> all;
    for (unsigned i = 0; i < copies; ++i)
      all.push_back(replace(one.str(), "$i", std::to_string(i)));
    return join(all, separator);
  };
  for (size_t at; (at = text.find("$[")) != std::string::npos;) {
    size_t end = text.find(']', at);
    std::string one = text.substr(at + 2, end - at - 2);
    text.replace(at, end + 1 - at, forEach(one, ", "));
  }
  std::string result;
  SmallVector<StringRef> lines;
  StringRef(text).split(lines, '\n');
  for (StringRef line : lines)
    result +=
        (line.consume_front("*") ? forEach(line, "\n") : line.str()) + "\n";
  return result;
}
