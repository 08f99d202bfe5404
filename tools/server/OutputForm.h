//===- OutputForm.h - What an answer must look like -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_OUTPUTFORM_H
#define MARIMBA_TOOLS_SERVER_OUTPUTFORM_H

#include "tools/server/Fields.h"

#include <string>

namespace marimba::server {

/// What a request says of the form of its answer.
struct OutputForm {
  enum class Kind { Any, JsonObject, Schema, Grammar };
  Kind kind = Kind::Any;
  Json schema;         // of Schema
  std::string grammar; // of Grammar: GBNF
  std::string param;   // the member that says it, for errors
};

/// `response_format` of OpenAI's chat completions: text, json_object or
/// json_schema; `grammar`, a text of GBNF; at most one of them.
void readResponseFormat(Fields &fields, OutputForm &form);

/// The same inside of `text.format` of OpenAI's responses, where name and
/// schema stand beside the type.
void readTextFormat(Fields &fields, OutputForm &form);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_OUTPUTFORM_H
