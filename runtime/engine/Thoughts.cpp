//===- Thoughts.cpp - What a model thinks before it answers ---------------===//

#include "marimba/Thoughts.h"

#include "Text.h"

#include <algorithm>
#include <utility>

namespace marimba::rt {

ThoughtMarks ThoughtMarks::of(std::string_view source) {
  constexpr ThoughtMarks known[] = {{}, {"[THINK]", "[/THINK]"}};
  ThoughtMarks found;
  for (const ThoughtMarks &marks : known)
    if (source.find(marks.end) != source.npos) {
      found = marks;
      break;
    }
  // Granite's.
  if (source.find("</response>") != source.npos) {
    found.answerBegin = "<response>";
    found.answerEnd = "</response>";
  }
  return found;
}

bool ThoughtMarks::areBegun(std::string_view prompt) const {
  return text::trim(prompt).ends_with(begin);
}

/// Takes `held`, but for its end where that may become `mark`.
static std::string takeUnlessHalf(std::string &held, std::string_view mark) {
  size_t size = held.size() - text::sizeOfHalf(held, mark);
  std::string taken = held.substr(0, size);
  held.erase(0, size);
  return taken;
}

std::string Thoughts::push(std::string_view piece) {
  held += piece;
  if (place == Place::Before) {
    std::string_view start = text::trimLeft(held);
    if (start.size() < marks.begin.size() && marks.begin.starts_with(start))
      return {};
    bool marked = start.starts_with(marks.begin);
    place = marked || begun ? Place::Inside : Place::After;
    if (marked)
      held = std::string(start.substr(marks.begin.size()));
    else if (!begun && !enterAnswer())
      return {};
  }
  if (place == Place::Inside) {
    size_t end = held.find(marks.end);
    if (end == held.npos) {
      thought += takeUnlessHalf(held, marks.end);
      return {};
    }
    thought += held.substr(0, end);
    held.erase(0, end + marks.end.size());
    place = Place::Behind;
  }
  if (place == Place::Behind) {
    held = std::string(text::trimLeft(held));
    if (held.empty() || !enterAnswer())
      return {};
  }
  return place == Place::Answer ? takeAnswer() : std::exchange(held, {});
}

bool Thoughts::enterAnswer() {
  place = Place::After;
  std::string_view start = text::trimLeft(held);
  if (marks.answerBegin.empty())
    return true;
  if (start.starts_with(marks.answerBegin)) {
    held = std::string(text::trimLeft(start.substr(marks.answerBegin.size())));
    place = Place::Answer;
    return true;
  }
  if (!marks.answerBegin.starts_with(start))
    return true;
  place = Place::Behind;
  return false;
}

std::string Thoughts::takeAnswer() {
  size_t end = held.find(marks.answerEnd);
  if (end == held.npos)
    return takeUnlessHalf(held, marks.answerEnd);
  place = Place::After;
  held.erase(end, marks.answerEnd.size());
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

std::string Thoughts::takeText() {
  // Both ends only grow: the first is where text begins.
  std::string_view rest = std::string_view(thought).substr(taken);
  if (taken == 0)
    rest = text::trimLeft(rest);
  size_t size = rest.find_last_not_of(text::kSpace) + 1;
  if (size == 0)
    return {};
  rest = rest.substr(0, size);
  taken = static_cast<size_t>(rest.data() + size - thought.data());
  return std::string(rest);
}

} // namespace marimba::rt
