//===- StopStrings.cpp - Texts that end an answer -------------------------===//

#include "marimba/StopStrings.h"

#include <algorithm>
#include <utility>

namespace marimba::rt {

StopStrings::StopStrings(std::vector<std::string> given)
    : texts(std::move(given)) {
  std::erase(texts, std::string());
}

std::string StopStrings::push(std::string_view piece) {
  if (found)
    return {};
  held += piece;
  // The one that begins first ends the text.
  size_t first = std::string::npos;
  for (const std::string &text : texts)
    first = std::min(first, held.find(text));
  if (first != std::string::npos) {
    found = true;
    std::string shown = held.substr(0, first);
    held.clear();
    return shown;
  }
  // The longest end that is the start of one stays.
  size_t kept = 0;
  for (const std::string &text : texts)
    for (size_t size = std::min(held.size(), text.size() - 1); size > kept;
         --size)
      if (held.ends_with(std::string_view(text).substr(0, size)))
        kept = size;
  std::string shown = held.substr(0, held.size() - kept);
  held.erase(0, held.size() - kept);
  return shown;
}

std::string StopStrings::flush() {
  found = false;
  return std::exchange(held, std::string());
}

} // namespace marimba::rt
