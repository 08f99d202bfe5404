//===- SchemaFormats.cpp - Texts of a known form --------------------------===//

#include "SchemaFormats.h"

#include <algorithm>
#include <array>

namespace marimba::rt::grammar {

namespace {

/// RFC 3339, with days that exist, from the year 1 on.
std::string date() {
  const std::string year = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|"
                           "000[1-9])";
  const std::string fourth = "(0[48]|[2468][048]|[13579][26])";
  const std::string leap = "([0-9]{2}" + fourth + "|" + fourth + "00)";
  return "(" + year +
         "-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|"
         "(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|" +
         leap + "-02-29)";
}

std::string time() {
  return "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?"
         "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
}

const std::string kByte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const std::string kLabel = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?";

constexpr std::array<std::string_view, 19> kSpecified = {
    "date",
    "date-time",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "uuid",
    "regex",
    "iri-reference",
    "json-pointer",
    "uri-template",
    "relative-json-pointer"};

} // namespace

std::string patternOfFormat(std::string_view format) {
  if (format == "date")
    return "^" + date() + "$";
  if (format == "time")
    return "^" + time() + "$";
  if (format == "date-time")
    return "^" + date() + "T" + time() + "$";
  if (format == "duration")
    return "^P([0-9]{1,4}D(T[0-9]{1,4}[HMS])?|[0-9]{1,4}[YMW]|"
           "T[0-9]{1,4}[HMS])$";
  if (format == "email")
    return "^[a-zA-Z0-9_+-]{1,32}(\\.[a-zA-Z0-9_+-]{1,16}){0,3}@" + kLabel +
           "(\\." + kLabel + "){1,3}$";
  if (format == "hostname")
    return "^" + kLabel + "(\\." + kLabel + "){0,4}$";
  if (format == "ipv4")
    return "^" + kByte + "(\\." + kByte + "){3}$";
  if (format == "ipv6")
    return "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$";
  if (format == "uuid")
    return "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
  if (format == "uri" || format == "uri-reference")
    return "^https?://" + kLabel + "(\\." + kLabel +
           "){0,4}(:[1-9][0-9]{0,3})?(/[a-zA-Z0-9._~-]{0,64}){0,8}"
           "(\\?[a-zA-Z0-9._~=&-]{0,128})?(#[a-zA-Z0-9._~-]{0,64})?$";
  return {};
}

bool isSpecifiedFormat(std::string_view format) {
  return std::ranges::find(kSpecified, format) != kSpecified.end();
}

} // namespace marimba::rt::grammar
