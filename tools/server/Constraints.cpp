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

/// What the grammar of calls that must come is made of.
static rt::GrammarParts partsOf(const rt::CallGrammar &calls) {
  rt::GrammarParts parts{.gbnf = calls.gbnf, .texts = calls.texts};
  for (const auto &[rule, schema] : calls.schemas)
    parts.schemas.emplace_back(rule, writeJson(schema));
  return parts;
}

/// What fits the form, behind the thoughts that the prompt has begun. A grammar
/// of the caller's says itself what the answer begins with.
static rt::GrammarParts partsBehindThoughts(const OutputForm &form,
                                            std::string_view thoughtsEnd) {
  std::string schema = form.kind == FormKind::Schema ? writeJson(form.schema)
                                                     : R"({"type":"object"})";
  return {.gbnf = "root ::= thoughts \"\\n\"{0,2} answer",
          .schemas = {{"answer", std::move(schema)}},
          .texts = {{"thoughts", std::string(thoughtsEnd)}}};
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
    grammar = tokens->fromParts(partsOf(*calls), "tools", problem);
  } else if (prompt.begunThoughts && (form.kind == FormKind::JsonObject ||
                                      form.kind == FormKind::Schema)) {
    param = form.param;
    if (!needTokens(service, error))
      return false;
    grammar = tokens->fromParts(
        partsBehindThoughts(form, service.form().thoughtMarks().end),
        "response_format", problem);
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
