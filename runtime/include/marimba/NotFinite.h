//===- NotFinite.h - Where numbers stop being numbers -----------*- C++ -*-===//
//
// Logits that are NaN make every choice the first token, in silence. So they
// are looked at, and where they are not finite, what made them is looked for:
// among the weights, then among the states of the layers.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_NOTFINITE_H
#define MARIMBA_RUNTIME_NOTFINITE_H

#include "marimba/Model.h"
#include "marimba/abi.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace marimba::rt {

/// What is wrong with the logits of one token: "NaN", "inf", or "-inf alone";
/// empty where nothing is. Some -inf are allowed: tokens that never come.
std::string logitsProblem(std::span<const float> logits);

/// An element that is NaN or infinite.
struct NotFinite {
  int64_t element = 0; // row major
  double value = 0;

  /// "NaN", "inf" or "-inf".
  const char *text() const;
};

/// The first such element of a tensor of a floating type; nothing where none
/// is, or where the type is another one.
std::optional<NotFinite> findNotFinite(const MarimbaTensor &tensor);
/// Of `count` elements at `data`, wherever that is.
std::optional<NotFinite> findNotFinite(const void *data, MarimbaDType dtype,
                                       int64_t count);

/// "tensor 'x' holds NaN at element 17" of the first weight that does; empty
/// where none does. Reads all weights.
std::string findBadWeight(const Model &model);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_NOTFINITE_H
