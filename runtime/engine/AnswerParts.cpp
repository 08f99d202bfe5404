//===- AnswerParts.cpp - Thoughts, text and calls of an answer ------------===//

#include "marimba/AnswerParts.h"

#include "Text.h"
#include "toolcalls/CallReader.h"

#include <algorithm>
#include <random>

namespace marimba::rt {

using Kind = AnswerEvent::Kind;

void AnswerMessage::add(const AnswerEvent &event) {
  switch (event.kind) {
  case Kind::Reasoning:
    reasoning += event.text;
    return;
  case Kind::Text:
    text += event.text;
    return;
  case Kind::CallBegun:
    calls.push_back({event.id, event.name, {}});
    return;
  case Kind::Arguments:
    calls.at(event.call).arguments += event.text;
    return;
  case Kind::CallEnded:
    calls.at(event.call).whole = true;
  }
}

static std::string makeCallId() {
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  thread_local std::mt19937_64 random{std::random_device()()};
  std::uniform_int_distribution<size_t> any(0, letters.size() - 1);
  std::string id = "call_";
  for (int i = 0; i < 24; ++i)
    id += letters[any(random)];
  return id;
}

/// Appends text to an event of that kind at the end, or another one.
static void append(Kind kind, std::string_view text, size_t call,
                   std::vector<AnswerEvent> &events) {
  if (text.empty())
    return;
  if (events.empty() || events.back().kind != kind ||
      events.back().call != call)
    events.push_back({.kind = kind, .call = call});
  events.back().text += text;
}

namespace {
/// Makes events of calls.
class EventSink : public CallSink {
public:
  EventSink(const std::function<std::string()> &makeId, size_t &calls,
            std::vector<AnswerEvent> &events)
      : makeId(makeId), calls(calls), events(events) {}

  void begin(const std::string &name, const std::string &id) override {
    events.push_back({.kind = Kind::CallBegun,
                      .call = calls++,
                      .id = id.empty() ? makeId() : id,
                      .name = name});
  }
  void arguments(std::string_view text) override {
    append(Kind::Arguments, text, calls - 1, events);
  }
  void end() override {
    events.push_back({.kind = Kind::CallEnded, .call = calls - 1});
  }

private:
  const std::function<std::string()> &makeId;
  size_t &calls;
  std::vector<AnswerEvent> &events;
};
} // namespace

AnswerParts::AnswerParts(Options given)
    : options(std::move(given)),
      thoughts(options.begunThoughts, options.thoughtMarks) {
  if (options.form && !options.tools.empty())
    reader = options.form->makeReader(options.tools);
  if (!options.makeId)
    options.makeId = makeCallId;
}

AnswerParts::~AnswerParts() = default;

void AnswerParts::push(std::string_view text,
                       std::vector<AnswerEvent> &events) {
  std::string said = thoughts.push(text);
  append(Kind::Reasoning, thoughts.takeText(), 0, events);
  take(said, /*atEnd=*/false, events);
}

void AnswerParts::finish(std::vector<AnswerEvent> &events) {
  std::string said = thoughts.finish();
  append(Kind::Reasoning, thoughts.takeText(), 0, events);
  take(said, /*atEnd=*/true, events);
}

void AnswerParts::say(std::string_view text, std::vector<AnswerEvent> &events) {
  // Some models leave a space to the answer.
  if (!anySaid)
    text = text::trimLeft(text);
  anySaid |= !text.empty();
  append(Kind::Text, text, 0, events);
}

void AnswerParts::take(std::string_view said, bool atEnd,
                       std::vector<AnswerEvent> &events) {
  if (!reader)
    return say(said, events);
  held += said;
  while (isInCall ? readCalls(atEnd, events) : readText(atEnd, events)) {
  }
}

/// Where the longest end of `text` begins that is the beginning of a mark; the
/// size of `text` where none is.
static size_t findHalfMark(std::string_view text,
                           std::span<const std::string_view> marks) {
  size_t kept = 0;
  for (std::string_view mark : marks)
    kept = std::max(kept, text::sizeOfHalf(text, mark));
  return text.size() - kept;
}

/// Says what is text for sure; true where a call may begin behind it.
bool AnswerParts::readText(bool atEnd, std::vector<AnswerEvent> &events) {
  std::span<const std::string_view> marks = reader->begins();
  size_t at = held.npos;
  std::string_view found;
  for (std::string_view mark : marks)
    if (size_t place = held.find(mark); place < at) {
      at = place;
      found = mark;
    }
  std::string_view start = text::trimLeft(held);
  if (!anySaid && !start.empty() && reader->beginsBare(start.front())) {
    at = held.size() - start.size();
    found = {};
  }
  bool begins = at != held.npos;
  if (!begins)
    at = atEnd ? held.size() : findHalfMark(held, marks);
  // White space in front of a call belongs to it, and may be in front of one;
  // behind the last one it is no text either.
  size_t end = at;
  if (begins || !atEnd || (begunCalls > 0 && start.empty()))
    end =
        std::string_view(held).substr(0, at).find_last_not_of(text::kSpace) + 1;
  say(std::string_view(held).substr(0, end), events);
  held.erase(0, end);
  if (!begins)
    return false;
  isInCall = true;
  begunBefore = begunCalls;
  markEnd = readTo = at - end + found.size();
  reader->start(found);
  return true;
}

/// Reads on in a call; true where something else follows it.
bool AnswerParts::readCalls(bool atEnd, std::vector<AnswerEvent> &events) {
  EventSink sink(options.makeId, begunCalls, events);
  CallReader::Outcome outcome = reader->read(held, readTo, atEnd, sink);
  bool anyBegun = begunCalls > begunBefore;
  size_t done = anyBegun ? readTo : 0;
  if (outcome != CallReader::Outcome::More) {
    isInCall = false;
    if (!anyBegun) {
      // At least a byte of a bare one.
      done = std::max(markEnd, held.size() - text::trimLeft(held).size() + 1);
      say(std::string_view(held).substr(0, done), events);
    }
  }
  anySaid |= anyBegun;
  held.erase(0, done);
  readTo -= std::min(readTo, done);
  return outcome != CallReader::Outcome::More && !held.empty();
}

} // namespace marimba::rt
