//===- Constraints.cpp - Answers that must fit ----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Constraints.h"

using namespace marimba;
using namespace marimba::server;
using FormKind = OutputForm::Kind;

bool ConstraintMaker::needTokens(Service &service, ApiError &error) {
  std::string problem;
  tokens = service.grammarTokens(problem);
  if (!tokens)
    setError(error, param, problem);
  return tokens != nullptr;
}

bool ConstraintMaker::prepare(Service &service, const OutputForm &form,
                              ApiError &error) {
  if (form.kind == FormKind::Any)
    return true;
  param = form.param;
  if (!needTokens(service, error))
    return false;
  std::string problem;
  if (form.kind == FormKind::JsonObject)
    grammar = tokens->anyObject({}, problem);
  else if (form.kind == FormKind::Schema)
    grammar = tokens->schema(writeJson(form.schema), {}, problem);
  else
    grammar = tokens->gbnf(form.grammar, problem);
  if (!grammar)
    setError(error, param, problem);
  return grammar != nullptr;
}

/// The grammar of calls that must come.
static std::shared_ptr<const rt::Grammar>
buildCalls(const rt::CallGrammar &calls, std::string &problem) {
  rt::GrammarBuilder builder;
  for (const auto &[rule, schema] : calls.schemas)
    if (!builder.addSchema(rule, writeJson(schema), {}, problem))
      return nullptr;
  for (const auto &[rule, end] : calls.texts)
    if (!builder.addTextUntil(rule, end, problem))
      return nullptr;
  return builder.build(calls.gbnf, "tools", problem);
}

/// What fits the form, behind the thoughts that the prompt has begun.
static std::shared_ptr<const rt::Grammar>
buildBehindThoughts(const OutputForm &form, const std::string &thoughtsEnd,
                    std::string &problem) {
  // A grammar of the caller's says itself what the answer begins with.
  rt::GrammarBuilder builder;
  std::string schema = form.kind == FormKind::Schema ? writeJson(form.schema)
                                                     : R"({"type":"object"})";
  if (!builder.addTextUntil("thoughts", thoughtsEnd, problem) ||
      !builder.addSchema("answer", schema, {}, problem))
    return nullptr;
  return builder.build("root ::= thoughts \"\\n\"{0,2} answer",
                       "response_format", problem);
}

bool ConstraintMaker::prepare(Service &service, const OutputForm &form,
                              const rt::ChatPrompt &prompt, bool parallelCalls,
                              ApiError &error) {
  std::string problem;
  if (prompt.choice.forces()) {
    std::optional<rt::CallGrammar> calls =
        service.form().callGrammar(prompt, parallelCalls);
    param = "tool_choice";
    if (!calls) {
      setError(error, param,
               "the model's template says nothing of calls, so "
               "none can be forced");
      return false;
    }
    if (!needTokens(service, error))
      return false;
    grammar = buildCalls(*calls, problem);
  } else if (prompt.begunThoughts && (form.kind == FormKind::JsonObject ||
                                      form.kind == FormKind::Schema)) {
    param = form.param;
    if (!needTokens(service, error))
      return false;
    grammar = buildBehindThoughts(
        form, std::string(service.form().thoughtMarks().end), problem);
  } else {
    return prepare(service, form, error);
  }
  if (!grammar)
    setError(error, param, problem);
  return grammar != nullptr;
}

bool ConstraintMaker::make(rt::Request &request, ApiError &error) const {
  if (!grammar)
    return true;
  std::string problem;
  request.constraint = tokens->constrain(grammar, request.maxTokens, problem);
  if (!request.constraint)
    setError(error, param, problem);
  return request.constraint != nullptr;
}
