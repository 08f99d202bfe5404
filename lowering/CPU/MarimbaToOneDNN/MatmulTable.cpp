//===- MatmulTable.cpp - Who was faster -----------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToOneDNN/MatmulTable.h"

#include "marimba/formats/Layout.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <tuple>

using namespace llvm;
using namespace mlir::marimba;

static constexpr const char kBuiltIn[] =
#include "lowering/CPU/MarimbaToOneDNN/MatmulTable.def"
    ;

std::string MatmulMeasurement::reason() const {
  std::string text;
  raw_string_ostream os(text);
  os << (generated ? "generated " : "library, generated ")
     << format("%.2f", ratio) << " times the library's rate for " << type
     << ", K " << inputs << ", N " << channels << ", " << rows
     << (rows == 1 ? " row" : " rows") << " on " << unit;
  return text;
}

/// Nothing where `line` is no measurement; `problem` then says why.
static std::optional<MatmulMeasurement> parseLine(StringRef line,
                                                  std::string &problem) {
  SmallVector<StringRef> words;
  SplitString(line, words);
  if (words.size() != 7) {
    problem = "expected 7 words, found " + std::to_string(words.size());
    return std::nullopt;
  }
  MatmulMeasurement row;
  row.unit = words[0];
  row.type = words[1];
  std::tuple<const char *, int64_t *> sizes[] = {
      {"rows", &row.rows}, {"K", &row.inputs}, {"N", &row.channels}};
  for (auto [number, size] : enumerate(sizes)) {
    StringRef word = words[2 + number];
    if (word.getAsInteger(10, *std::get<1>(size)) || *std::get<1>(size) < 1) {
      problem = (Twine(std::get<0>(size)) + ": expected a positive number, " +
                 "found '" + word + "'")
                    .str();
      return std::nullopt;
    }
  }
  if (words[5] != "generated" && words[5] != "library") {
    problem =
        ("expected 'generated' or 'library', found '" + words[5] + "'").str();
    return std::nullopt;
  }
  row.generated = words[5] == "generated";
  if (!to_float(words[6], row.ratio) || !std::isfinite(row.ratio) ||
      row.ratio <= 0) {
    problem =
        ("ratio: expected a positive number, found '" + words[6] + "'").str();
    return std::nullopt;
  }
  return row;
}

std::optional<MatmulTable> MatmulTable::parse(StringRef text, StringRef name,
                                              std::string &error) {
  std::vector<MatmulMeasurement> rows;
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (auto [number, line] : enumerate(lines)) {
    StringRef content = line.split('#').first.trim();
    if (content.empty())
      continue;
    std::string problem;
    std::optional<MatmulMeasurement> row = parseLine(content, problem);
    if (!row) {
      error = (name + ":" + Twine(number + 1) + ": " + problem).str();
      return std::nullopt;
    }
    rows.push_back(std::move(*row));
  }
  return MatmulTable(std::move(rows));
}

const MatmulTable &MatmulTable::builtIn() {
  static const MatmulTable table = [] {
    std::string error;
    std::optional<MatmulTable> parsed =
        parse(kBuiltIn, "MatmulTable.def", error);
    if (!parsed)
      reportFatalInternalError(Twine(error));
    return std::move(*parsed);
  }();
  return table;
}

const MatmulMeasurement *MatmulTable::find(StringRef unit, StringRef type,
                                           int64_t count, int64_t inputs,
                                           int64_t channels) const {
  // What speaks for the product, and what comes closest to that, by the signs:
  // a larger one is better where it is no more than asked for, else a smaller.
  auto rank = [&](const MatmulMeasurement &row) {
    bool fewer = row.rows <= count;
    bool smaller = row.inputs <= inputs && row.channels <= channels;
    double size =
        static_cast<double>(row.inputs) * static_cast<double>(row.channels);
    return std::make_tuple(fewer, fewer ? row.rows : -row.rows, smaller,
                           smaller ? size : -size);
  };
  const MatmulMeasurement *best = nullptr;
  for (const MatmulMeasurement &row : rows)
    if (row.unit == unit && row.type == type &&
        (!best || rank(row) > rank(*best)))
      best = &row;
  return best;
}

std::string MatmulTable::text() const {
  std::string text;
  raw_string_ostream os(text);
  for (const MatmulMeasurement &row : rows)
    os << row.unit << ' ' << row.type << ' ' << row.rows << ' ' << row.inputs
       << ' ' << row.channels << (row.generated ? " generated " : " library ")
       << format("%.3g", row.ratio) << '\n';
  return text;
}

std::string
mlir::marimba::weightTypeName(StringRef element,
                              const ::marimba::formats::Layout *quantized) {
  if (!quantized)
    return element.str();
  std::string name = "int" + std::to_string(quantized->encoding.bits);
  if (quantized->encoding.group == 0)
    return name;
  return name + (quantized->encoding.group == 32 ? ":32" : ":64");
}
