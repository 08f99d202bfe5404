//===- BenchProfile.cpp - The answer of marimba bench --profile -----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/BenchProfile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace marimba;
using namespace llvm;

/// "mamba readout (selective_scan; delta, gate)".
static std::string label(const ProfileRow &row) {
  if (row.op.empty())
    return "outside of all ops";
  std::string fused = join(row.with, ", ");
  if (!row.kind.empty() && !fused.empty())
    fused = "; " + fused;
  std::string what = row.kind + fused;
  return row.function + " " + row.op + (what.empty() ? "" : " (" + what + ")");
}

static std::string number(const char *form, double value) {
  return formatv("{0}", format(form, value)).str();
}

static void printPhase(StringRef what, const ProfilePhase &phase) {
  outs() << formatv("profile of {0}: {1} ms, without probes {2} ms\n", what,
                    number("%.4f", phase.seconds * 1e3),
                    number("%.4f", phase.plainSeconds * 1e3));
  std::vector<std::string> labels;
  size_t width = 0;
  for (const ProfileRow &row : phase.rows)
    width = std::max(width, labels.emplace_back(label(row)).size());
  auto line = [&](StringRef label, StringRef calls, StringRef ms,
                  StringRef share, StringRef allowed, StringRef efficiency) {
    outs() << "  " << left_justify(label, width) << right_justify(calls, 8)
           << right_justify(ms, 12) << right_justify(share, 8)
           << right_justify(allowed, 12) << right_justify(efficiency, 12)
           << '\n';
  };
  line("op", "calls", "ms", "share", "allowed ms", "efficiency");
  for (auto [row, label] : zip(phase.rows, labels)) {
    bool inside = !row.op.empty(), counted = row.allowed > 0;
    line(label, inside ? number("%.0f", row.calls) : "",
         number("%.4f", row.seconds * 1e3),
         number("%.1f %%", 100 * row.seconds / phase.seconds),
         counted ? number("%.4f", row.allowed * 1e3) : "",
         counted ? number("%.3f", row.allowed / row.seconds) : "");
  }
}

void driver::printProfile(const Profile &profile) {
  printPhase("prefill", profile.prefill);
  printPhase("decode, one token", profile.decode);
}

static json::Value jsonPhase(const ProfilePhase &phase) {
  json::Array rows;
  for (const ProfileRow &row : phase.rows) {
    json::Object object{{"function", row.function},
                        {"op", row.op},
                        {"kind", row.kind},
                        {"with", json::Array(row.with)},
                        {"calls", row.calls},
                        {"seconds", row.seconds},
                        {"share", row.seconds / phase.seconds}};
    if (row.allowed > 0) {
      object["allowed_s"] = row.allowed;
      object["efficiency"] = row.allowed / row.seconds;
      object["operations"] = row.operations;
      object["bytes"] = row.bytes;
    }
    rows.push_back(std::move(object));
  }
  return json::Object{{"seconds", phase.seconds},
                      {"plain_s", phase.plainSeconds},
                      {"rows", std::move(rows)}};
}

json::Value driver::jsonProfile(const Profile &profile) {
  return json::Object{{"prefill", jsonPhase(profile.prefill)},
                      {"decode", jsonPhase(profile.decode)}};
}
