//===- ApiKeys.cpp - Who may ask ------------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/ApiKeys.h"

#include "marimba/TextFile.h"
#include "runtime/engine/Text.h"
#include <algorithm>
#include <cstdint>

using namespace marimba;
using namespace marimba::server;

std::optional<ApiKeys> ApiKeys::read(const std::string &file,
                                     std::string &error) {
  std::optional<rt::Text> text = rt::readText(file, error);
  if (!text) {
    error = file + ": " + error;
    return std::nullopt;
  }
  std::vector<std::string> keys;
  for (std::string_view rest = text->bytes; !rest.empty();) {
    std::string_view line = rt::text::trim(rt::text::takeUntil(rest, '\n'));
    if (line.empty() || line.starts_with('#'))
      continue;
    // The library decodes %41 in headers.
    if (!std::ranges::all_of(
            line, [](char c) { return c > ' ' && c < 0x7f && c != '%'; })) {
      error = file + ": expected a key of printable ASCII without % in each "
                     "line";
      return std::nullopt;
    }
    keys.emplace_back(line);
  }
  if (keys.empty()) {
    error = file + ": expected a key, found none";
    return std::nullopt;
  }
  return ApiKeys(std::move(keys));
}

bool ApiKeys::accept(std::string_view key) const {
  bool found = false;
  for (const std::string &one : keys) {
    // As long as what was sent, not as long as what is right of it.
    uint32_t differs = one.size() != key.size();
    for (size_t i = 0; i < key.size(); ++i)
      differs |= static_cast<unsigned char>(key[i]) ^
                 static_cast<unsigned char>(one[i % one.size()]);
    volatile uint32_t result = differs;
    found |= result == 0;
  }
  return found;
}
