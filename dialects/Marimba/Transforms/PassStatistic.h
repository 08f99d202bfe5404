//===- PassStatistic.h - What passes changed, in numbers --------*- C++ -*-===//
//
// Part of Marimba. MLIR's own statistics count in builds of LLVM with
// assertions only, which distributions do not ship.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_TRANSFORMS_PASSSTATISTIC_H
#define MARIMBA_DIALECTS_MARIMBA_TRANSFORMS_PASSSTATISTIC_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/DebugLog.h"
#include <atomic>

namespace mlir::marimba {

/// A number that a Passes.td declares under `statistics`, as a member of its
/// pass. What a pass counted is added to that of all others of its kind in the
/// process when it is destroyed.
class PassStatistic {
public:
  PassStatistic(Pass *owner, const char *name, const char *description)
      : owner(owner), name(name), description(description) {}
  PassStatistic(const PassStatistic &) = delete;
  ~PassStatistic();

  PassStatistic &operator++() { return *this += 1; }
  PassStatistic &operator+=(uint64_t count) {
    value.fetch_add(count, std::memory_order_relaxed);
    return *this;
  }

private:
  Pass *owner;
  const char *name, *description;
  std::atomic<uint64_t> value = 0;
};

/// Prints what all passes that are gone counted, by pass and name, as MLIR's
/// --mlir-pass-statistics does; numbers that are 0 are left out.
void printPassStatistics(raw_ostream &os);

/// Whether an op is one of these.
template <typename... OpTys> bool isAnyOf(Operation *op) {
  return isa<OpTys...>(op);
}

/// For a driver of patterns: counts the ops that go because a pattern replaced
/// them, and tells -debug-only=TYPE which, and why others stay.
class CountRewrites : public RewriterBase::Listener {
public:
  /// Counts ops for which `counts` is true.
  CountRewrites(const char *debugType, PassStatistic &statistic,
                bool (*counts)(Operation *))
      : debugType(debugType), statistic(statistic), counts(counts) {}

  void notifyOperationErased(Operation *op) override {
    if (!counts(op))
      return;
    LDBG(debugType, 1) << "replaced " << op->getName() << " at "
                       << op->getLoc();
    ++statistic;
  }
  void notifyMatchFailure(Location loc,
                          function_ref<void(Diagnostic &)> reason) override {
    LDBG_OS(debugType, 2, [&](raw_ostream &os) {
      Diagnostic diagnostic(loc, DiagnosticSeverity::Remark);
      reason(diagnostic);
      os << "stays at " << loc << ": " << diagnostic.str();
    });
  }

private:
  const char *debugType;
  PassStatistic &statistic;
  bool (*counts)(Operation *);
};

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_TRANSFORMS_PASSSTATISTIC_H
