//===- Constraints.h - Answers that must fit --------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_CONSTRAINTS_H
#define MARIMBA_TOOLS_SERVER_CONSTRAINTS_H

#include "tools/server/OutputForm.h"
#include "tools/server/Service.h"

#include "marimba/ChatPrompt.h"
#include "marimba/Grammar.h"

namespace marimba::server {

/// Makes what holds answers to a grammar, a schema, or calls of functions.
class ConstraintMaker {
public:
  /// False, and `error`, where the form is not allowed.
  bool prepare(Service &service, const OutputForm &form, ApiError &error);
  /// As above, of a conversation, which may want calls.
  bool prepare(Service &service, const OutputForm &form,
               const rt::ChatPrompt &prompt, bool parallelCalls,
               ApiError &error);
  /// Sets request.constraint, where there is to be one. False, and `error`,
  /// where the request has too few tokens for an answer.
  bool make(rt::Request &request, ApiError &error) const;

private:
  bool needTokens(Service &service, ApiError &error);

  std::shared_ptr<rt::GrammarTokens> tokens;
  std::shared_ptr<const rt::Grammar> grammar;
  std::string param; // that wants it
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_CONSTRAINTS_H
