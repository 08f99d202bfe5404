//===- GptqFactor.h - How errors spread to later inputs ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_GPTQFACTOR_H
#define MARIMBA_TOOLS_QUANTIZE_GPTQFACTOR_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace marimba {

/// The upper triangular U with UᵀU = (H + d I)⁻¹, for H = XᵀX of the inputs X
/// [samples,k] of a projection and d = damping * mean(diag H).
class GptqFactor {
public:
  /// `hessian` is [k,k], of which the part right of the diagonal counts.
  /// Nothing, with `error` set, where it is not positive definite even so.
  /// Inputs that were all zero are as good as any others: U is then a multiple
  /// of I.
  static std::optional<GptqFactor> create(const float *hessian, int64_t k,
                                          std::string &error,
                                          double damping = 0.01);

  int64_t size() const { return inputs; }
  const float *row(int64_t i) const { return matrix.data() + i * stride; }

private:
  GptqFactor(const float *hessian, int64_t k, double damping);
  bool factorise(std::string &error);
  bool factoriseDiagonal(int64_t begin, std::string &error);
  void solvePanel(int64_t begin);
  void invert();
  void invertDiagonal(int64_t begin);

  int64_t inputs, stride;    // the latter padded, with ones on the diagonal
  std::vector<float> matrix; // [stride,stride]
};

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_GPTQFACTOR_H
