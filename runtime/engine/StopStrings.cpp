//===- StopStrings.cpp - Texts that end an answer -------------------------===//

#include "marimba/StopStrings.h"

#include <algorithm>
#include <utility>

namespace marimba::rt {

StopStrings::StopStrings(std::vector<std::string> given) {
  for (std::string &text : given)
    if (!text.empty()) {
      std::vector<size_t> begins(text.size(), kNone);
      stops.push_back({std::move(text), std::move(begins)});
    }
}

std::string StopStrings::push(std::string_view piece) {
  if (found)
    return {};
  // The one that begins first ends the text.
  size_t first = kNone;
  for (char byte : piece) {
    size_t here = shown + held.size();
    held += byte;
    for (Stop &stop : stops) {
      // Long before short: each goes on from the one before it.
      for (size_t size = stop.text.size(); size > 0; --size) {
        size_t begin = size == 1 ? here : stop.begins[size - 1];
        if (stop.text[size - 1] != byte)
          begin = kNone;
        if (size < stop.text.size())
          stop.begins[size] = begin;
        else
          first = std::min(first, begin);
      }
    }
  }
  return release(first);
}

std::string StopStrings::pushHidden(std::string_view text) {
  if (found || text.empty())
    return {};
  size_t first = kNone, here = shown + held.size();
  for (Stop &stop : stops) {
    for (size_t size = stop.text.size(); size-- > 0;) {
      size_t begin = size == 0 ? here : stop.begins[size];
      size_t whole = size + text.size();
      if (begin == kNone || stop.text.compare(size, text.size(), text) != 0)
        continue;
      size_t &place = whole < stop.text.size() ? stop.begins[whole] : first;
      place = std::min(place, begin);
    }
  }
  return release(first);
}

std::string StopStrings::release(size_t first) {
  found = first != kNone;
  for (const Stop &stop : stops)
    for (size_t begin : stop.begins)
      if (!found)
        first = std::min(first, begin);
  std::string sure =
      held.substr(0, first == kNone ? held.size() : first - shown);
  held.erase(0, sure.size());
  shown += sure.size();
  if (found)
    held.clear();
  return sure;
}

std::string StopStrings::flush() {
  found = false;
  shown = 0;
  for (Stop &stop : stops)
    std::fill(stop.begins.begin(), stop.begins.end(), kNone);
  return std::exchange(held, std::string());
}

} // namespace marimba::rt
