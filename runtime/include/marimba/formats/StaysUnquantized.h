//===- StaysUnquantized.h - Matrices that are not quantised -----*- C++ -*-===//

#ifndef MARIMBA_FORMATS_STAYSUNQUANTIZED_H
#define MARIMBA_FORMATS_STAYSUNQUANTIZED_H

#include <string_view>

namespace marimba::formats {

/// Modules whose matrices are small, and sensitive: delta, B and C of a
/// state-space layer, decays and steps of a gated delta net come from them,
/// which the recurrence multiplies up; and the share of a shared expert.
inline constexpr std::string_view kUnquantizedModules[] = {
    "x_proj",    "dt_proj",    "in_proj_a",
    "in_proj_b", "in_proj_ba", "shared_expert_gate"};

/// Whether `tensor`, "model.layers.0.mamba.x_proj.weight", is the weight of one
/// of these: quantiser and importer leave it as it is stored.
constexpr bool staysUnquantized(std::string_view tensor) {
  constexpr std::string_view suffix = ".weight";
  if (!tensor.ends_with(suffix))
    return false;
  tensor.remove_suffix(suffix.size());
  // All of it where there is no dot.
  std::string_view module = tensor.substr(tensor.rfind('.') + 1);
  for (std::string_view name : kUnquantizedModules)
    if (module == name)
      return true;
  return false;
}

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_STAYSUNQUANTIZED_H
