//===- OutputForm.cpp - What an answer must look like ---------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/OutputForm.h"

using namespace marimba;
using namespace marimba::server;

/// The schema in `object`, at `place`.
static void readSchema(const Json &object, ApiError &error, std::string place,
                       OutputForm &form) {
  Fields members(object, error, std::move(place));
  members.text("name");
  members.text("description");
  members.flag("strict");
  const Json *schema = members.find("schema");
  if (!schema || !(schema->is_object() || schema->is_boolean()))
    return members.fail("schema", "a JSON schema");
  form.kind = OutputForm::Kind::Schema;
  form.schema = *schema;
  form.param = members.path("schema");
}

static void readFormat(const Json &format, ApiError &error,
                       const std::string &place, bool isNested,
                       OutputForm &form) {
  Fields members(format, error, place);
  std::optional<std::string> type =
      members.word("type", {"text", "json_object", "json_schema"});
  if (!type)
    return members.fail("type", "text, json_object or json_schema");
  form.param = place;
  if (*type == "json_object")
    form.kind = OutputForm::Kind::JsonObject;
  if (*type != "json_schema")
    return;
  if (!isNested)
    return readSchema(format, error, place, form);
  if (const Json *schema = members.findObject("json_schema"))
    return readSchema(*schema, error, members.path("json_schema"), form);
  members.fail("json_schema", "an object with a schema");
}

void server::readResponseFormat(Fields &fields, OutputForm &form) {
  if (const Json *format = fields.findObject("response_format"))
    readFormat(*format, fields.problem(), fields.path("response_format"),
               /*isNested=*/true, form);
  std::optional<std::string> grammar = fields.text("grammar");
  if (!grammar)
    return;
  if (form.kind != OutputForm::Kind::Any)
    return fields.fail("grammar", "no response_format beside it");
  form.kind = OutputForm::Kind::Grammar;
  form.grammar = *grammar;
  form.param = fields.path("grammar");
}

void server::readTextFormat(Fields &fields, OutputForm &form) {
  const Json *text = fields.findObject("text");
  if (!text)
    return;
  Fields members(*text, fields.problem(), fields.path("text"));
  members.text("verbosity");
  if (const Json *format = members.findObject("format"))
    readFormat(*format, fields.problem(), members.path("format"),
               /*isNested=*/false, form);
}
