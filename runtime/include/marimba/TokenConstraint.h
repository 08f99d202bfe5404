//===- TokenConstraint.h - Which tokens may come next -----------*- C++ -*-===//

#ifndef MARIMBA_TOKENCONSTRAINT_H
#define MARIMBA_TOKENCONSTRAINT_H

#include <cstdint>
#include <span>

namespace marimba::rt {

/// What an answer must look like, token by token. One for each answer.
class TokenConstraint {
public:
  virtual ~TokenConstraint() = default;
  /// Makes the logits of tokens that may not come next -inf. One at least
  /// stays.
  virtual void mask(std::span<float> logits) = 0;
  /// `id` was chosen.
  virtual void accept(int32_t id) = 0;
};

} // namespace marimba::rt

#endif // MARIMBA_TOKENCONSTRAINT_H
