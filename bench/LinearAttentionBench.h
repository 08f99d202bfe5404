//===- LinearAttentionBench.h - Cases of linear_attention -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_BENCH_LINEARATTENTIONBENCH_H
#define MARIMBA_BENCH_LINEARATTENTIONBENCH_H

#include <vector>

namespace marimba::bench {

/// Adds the cases of linear_attention to bench-scan (bench/README.md), each
/// for teams of these sizes.
void addLinearAttentionCases(const std::vector<int> &teams);

} // namespace marimba::bench

#endif // MARIMBA_BENCH_LINEARATTENTIONBENCH_H
