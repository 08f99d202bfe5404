//===- BenchMatrix.cpp - marimba bench --matrix ---------------------------===//
//
// Part of Marimba. Projections of every kind beside the limits, as a table.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/BenchMatrix.h"
#include "marimba/OutputPath.h"
#include "tools/commands/Interrupt.h"
#include "tools/commands/Progress.h"
#include "tools/marimba/Driver.h"
#include "tools/measure/MatrixProduct.h"

#include "marimba/NewFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

/// The parts of `text` between commas; none where it is empty.
static SmallVector<StringRef> parts(StringRef text) {
  SmallVector<StringRef> result;
  if (!text.empty())
    text.split(result, ',');
  return result;
}

/// A size of the matrix.
static bool parseSize(StringRef text, int64_t &size) {
  return !text.getAsInteger(10, size) && size >= 1 && size <= 1 << 20;
}

bool driver::parseCells(StringRef types, StringRef rows, StringRef shapes,
                        MatrixRequest &request) {
  for (StringRef type : parts(types)) {
    if (none_of(matrixTypes(),
                [&](const MatrixType &known) { return known.name == type; })) {
      std::string all;
      for (const MatrixType &known : matrixTypes())
        all += (all.empty() ? "" : ", ") + known.name.str();
      fail("--matrix-types: expected some of " + all + ", found '" + type +
           "'");
      return false;
    }
    request.types.push_back(type.str());
  }
  for (StringRef count : parts(rows))
    if (!parseSize(count, request.rows.emplace_back())) {
      fail("--matrix-rows: expected numbers from 1 to 1048576, found '" +
           count + "'");
      return false;
    }
  for (StringRef shape : parts(shapes)) {
    auto [inputs, channels] = shape.split('x');
    auto &[k, n] = request.shapes.emplace_back();
    if (!parseSize(inputs, k) || !parseSize(channels, n)) {
      fail("--matrix-shapes: expected inputs and channels, as 768x3072, found "
           "'" +
           shape + "'");
      return false;
    }
  }
  return true;
}

static double gflops(const MatrixCell &cell, const MatrixRun &run) {
  return cell.flops / run.seconds * 1e-9;
}

static double gbps(const MatrixCell &cell, const MatrixRun &run) {
  return cell.bytes / run.seconds * 1e-9;
}

static void printMarkdown(const MatrixResult &result) {
  const Limits &limits = result.limits;
  outs() << formatv("{0}, {1} thread{2}: f32 {3:f0}, bf16 {4:f0} GFLOP/s ({5}),"
                    " int8 {6:f0} ({7}), int4 {8:f0} GOP/s ({9}), DRAM {10:f1} "
                    "GB/s\n\n",
                    result.unit, limits.threads, limits.threads == 1 ? "" : "s",
                    limits.f32Gflops.max, limits.bf16Gflops.max,
                    limits.bf16Route, limits.int8Gops.max, limits.int8Route,
                    limits.int4Gops.max, limits.int4Route,
                    limits.dramReadGbps.max);
  outs() << "| weights | K x N | rows | allowed us |";
  for (const MatrixRoute &route : matrixRoutes())
    outs() << ' ' << route.name << " us | GFLOP/s | GB/s | efficiency | by |";
  outs() << " generated / onednn |\n|---|---|---|---|";
  for (size_t i = 0; i < 5 * matrixRoutes().size(); ++i)
    outs() << "---|";
  outs() << "---|\n";
  for (const MatrixCell &cell : result.cells) {
    outs() << formatv("| {0} | {1} x {2} | {3} | {4:f1} |", cell.type,
                      cell.inputs, cell.channels, cell.rows,
                      cell.allowed * 1e6);
    for (auto [index, run] : enumerate(cell.runs))
      outs() << formatv(" {0:f1} | {1:f1} | {2:f2} | {3:f2} | {4} |",
                        run.seconds * 1e6, gflops(cell, run), gbps(cell, run),
                        cell.efficiency(index), run.ran);
    outs() << formatv(" {0:f2} |\n", cell.ratio());
  }
}

static void printMatrixJson(const MatrixResult &result) {
  json::Array cells;
  for (const MatrixCell &cell : result.cells) {
    json::Array runs;
    for (auto [index, run] : enumerate(cell.runs))
      runs.push_back(json::Object{{"route", matrixRoutes()[index].name},
                                  {"ran", run.ran},
                                  {"seconds", run.seconds},
                                  {"gflops", gflops(cell, run)},
                                  {"gbps", gbps(cell, run)},
                                  {"efficiency", cell.efficiency(index)}});
    cells.push_back(json::Object{{"type", cell.type},
                                 {"rows", cell.rows},
                                 {"inputs", cell.inputs},
                                 {"channels", cell.channels},
                                 {"flops", cell.flops},
                                 {"bytes", cell.bytes},
                                 {"allowed_s", cell.allowed},
                                 {"generated_over_onednn", cell.ratio()},
                                 {"runs", std::move(runs)}});
  }
  driver::printJson(
      json::Object{{"unit", result.unit},
                   {"threads", result.limits.threads},
                   {"limits", driver::jsonLimits(result.limits)},
                   {"routes", json::Object{{"bf16", result.limits.bf16Route},
                                           {"int8", result.limits.int8Route},
                                           {"int4", result.limits.int4Route}}},
                   {"cells", std::move(cells)}});
}

int driver::runMatrixCommand(const MatrixRequest &request, StringRef table,
                             bool json, bool quiet) {
  std::string error;
  if (!table.empty() && (!rt::checkOutput(table.str(), {}, "", error) ||
                         (rt::outputKind(table.str()) == rt::OutputKind::File &&
                          !rt::canReplace(table.str(), error))))
    return fail(error);
  commands::catchInterrupt();
  commands::Progress bar(!quiet);
  MatrixResult result;
  bool done = runMatrix(
      request, result, error,
      [&](double fraction, StringRef what) { bar.update(fraction, what); },
      [] { return !commands::interrupted(); });
  bar.clear();
  if (commands::interrupted())
    return commands::kInterruptedExitCode;
  if (!done)
    return fail(error);
  if (json)
    printMatrixJson(result);
  else
    printMarkdown(result);
  if (table.empty())
    return 0;
  std::string text = formatv(
      "# unit type rows K N faster ratio: the generated kernel's rate "
      "divided by the library's.\n# {0} thread{1}\n{2}",
      request.threads, request.threads == 1 ? "" : "s", result.table().text());
  return writeFile(table, text);
}
