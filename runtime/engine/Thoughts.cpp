//===- Thoughts.cpp - What a model thinks before it answers ---------------===//

#include "marimba/Thoughts.h"

#include "Text.h"

#include <algorithm>
#include <utility>

namespace marimba::rt {

std::string Thoughts::push(std::string_view piece) {
  held += piece;
  if (place == Place::Before) {
    std::string_view start = text::trimLeft(held);
    if (start.size() < kThoughtsBegin.size() &&
        kThoughtsBegin.starts_with(start))
      return {};
    bool marked = start.starts_with(kThoughtsBegin);
    place = marked || begun ? Place::Inside : Place::After;
    if (marked)
      held = std::string(start.substr(kThoughtsBegin.size()));
  }
  if (place == Place::Inside) {
    size_t end = held.find(kThoughtsEnd);
    if (end == held.npos) {
      // What may become the mark stays.
      size_t kept = std::min(held.size(), kThoughtsEnd.size() - 1);
      while (!kThoughtsEnd.starts_with(
          std::string_view(held).substr(held.size() - kept)))
        --kept;
      thought += held.substr(0, held.size() - kept);
      held.erase(0, held.size() - kept);
      return {};
    }
    thought += held.substr(0, end);
    held.erase(0, end + kThoughtsEnd.size());
    place = Place::Behind;
  }
  if (place == Place::Behind) {
    held = std::string(text::trimLeft(held));
    if (!held.empty())
      place = Place::After;
  }
  return std::exchange(held, {});
}

std::string Thoughts::finish() {
  std::string rest = std::exchange(held, {});
  if (place != Place::Inside && !(place == Place::Before && begun))
    return rest;
  thought += rest;
  return {};
}

std::string Thoughts::text() const { return std::string(text::trim(thought)); }

} // namespace marimba::rt
