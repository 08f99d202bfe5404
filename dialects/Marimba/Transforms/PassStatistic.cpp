//===- PassStatistic.cpp - What passes changed, in numbers ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/Transforms/PassStatistic.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <map>
#include <mutex>

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct Total {
  uint64_t value = 0;
  std::string description;
};

/// By pass and name.
struct Totals {
  std::mutex mutex;
  std::map<std::string, std::map<std::string, Total>> byPass;
};

} // namespace

static Totals &totals() {
  static Totals all;
  return all;
}

PassStatistic::~PassStatistic() {
  uint64_t count = value.load(std::memory_order_relaxed);
  if (count == 0)
    return;
  std::lock_guard<std::mutex> lock(totals().mutex);
  Total &total = totals().byPass[owner->getArgument().str()][name];
  total.value += count;
  total.description = description;
}

void mlir::marimba::printPassStatistics(raw_ostream &os) {
  std::lock_guard<std::mutex> lock(totals().mutex);
  std::string line(73, '-');
  os << "===" << line << "===\n"
     << "                     ... Statistics of Marimba's passes ...\n"
     << "===" << line << "===\n";
  for (const auto &[pass, byName] : totals().byPass) {
    os << pass << '\n';
    for (const auto &[name, total] : byName)
      os << "  (S) " << llvm::format_decimal(total.value, 8) << ' ' << name
         << " - " << total.description << '\n';
  }
}
