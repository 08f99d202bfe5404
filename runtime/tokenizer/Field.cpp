//===- Field.cpp - A JSON value that knows its path -----------------------===//

#include "Field.h"

#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/JsonText.h"

#include <limits>

namespace marimba::rt::text {

Json parseJson(std::string_view text) {
  if (nestsTooDeep(text))
    throw FieldError("the file is nested more than " +
                     std::to_string(kDeepestJson) + " deep");
  return parseJsonText(text);
}

std::string quote(std::string_view text) {
  constexpr size_t maxLength = 64;
  std::string shown(text.substr(0, maxLength));
  if (text.size() > maxLength)
    shown += "...";
  return Json(shown).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void Notes::add(const std::string &line) {
  if (kept.size() < most)
    kept.push_back(line);
  else if (kept.size() == most)
    kept.emplace_back("there is more of this kind");
}

Field::Field(const Json &value, std::string path, Notes *notes)
    : value(&value), notes(notes), fieldPath(std::move(path)) {}

std::string Field::shownPath() const {
  return fieldPath.empty() ? "the top level" : fieldPath;
}

Field Field::at(std::string_view key) const {
  if (!value->is_object())
    failType("an object");
  auto member = value->find(key);
  if (member == value->end())
    fail("has no field " + quote(key));
  std::string path = fieldPath.empty() ? "" : fieldPath + ".";
  // A key may be any text, as in a vocabulary.
  path += key.size() < 32 ? std::string(key) : quote(key);
  return Field(*member, std::move(path), notes);
}

std::optional<Field> Field::find(std::string_view key) const {
  if (!value->is_object())
    failType("an object");
  auto member = value->find(key);
  if (member == value->end() || member->is_null())
    return std::nullopt;
  return at(key);
}

std::vector<Field> Field::items() const {
  if (!value->is_array())
    failType("an array");
  std::vector<Field> items;
  items.reserve(value->size());
  for (size_t i = 0; i < value->size(); ++i)
    items.push_back(
        Field((*value)[i], fieldPath + "[" + std::to_string(i) + "]", notes));
  return items;
}

std::string_view Field::getString() const {
  if (!value->is_string())
    failType("a string");
  return value->get_ref<const std::string &>();
}

bool Field::getBool() const {
  if (!value->is_boolean())
    failType("true or false");
  return value->get<bool>();
}

int32_t Field::getId() const {
  constexpr int32_t highest = std::numeric_limits<int32_t>::max() - 1;
  if (!value->is_number_integer())
    failType("an integer");
  std::optional<int64_t> id = integerIn(*value, 0, highest);
  if (!id)
    fail("is " + value->dump() + ", allowed: 0 to " + std::to_string(highest));
  return static_cast<int32_t>(*id);
}

bool Field::getBool(std::string_view key, bool otherwise) const {
  std::optional<Field> member = find(key);
  return member ? member->getBool() : otherwise;
}

void Field::note(const std::string &what) const {
  if (notes)
    notes->add(shownPath() + " " + what);
}

void Field::fail(const std::string &what) const {
  throw FieldError(shownPath() + " " + what);
}

void Field::failType(std::string_view expected) const {
  std::string_view found = value->is_null()      ? "null"
                           : value->is_boolean() ? "a boolean"
                           : value->is_number()  ? "a number"
                           : value->is_string()  ? "a string"
                           : value->is_array()   ? "an array"
                                                 : "an object";
  // A number of the wrong kind (1.5 for an id) says more by its value.
  fail("is " + (value->is_number() ? value->dump() : std::string(found)) +
       ", expected " + std::string(expected));
}

} // namespace marimba::rt::text
