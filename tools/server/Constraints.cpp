//===- Constraints.cpp - Answers that must fit ----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Constraints.h"

using namespace marimba;
using namespace marimba::server;

bool ConstraintMaker::prepare(Service &, const OutputForm &form,
                              const rt::ChatPrompt &, bool, ApiError &error) {
  if (form.kind == OutputForm::Kind::Any)
    return true;
  setError(error, form.param, "is not there yet");
  return false;
}

bool ConstraintMaker::make(rt::Request &, ApiError &) { return true; }
