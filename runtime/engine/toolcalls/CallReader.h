//===- CallReader.h - Calls in the text of an answer ------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_TOOLCALLS_CALLREADER_H
#define MARIMBA_RUNTIME_ENGINE_TOOLCALLS_CALLREADER_H

#include "marimba/ToolCalls.h"

#include <nlohmann/json.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// Hears of calls as they are read.
class CallSink {
public:
  virtual ~CallSink() = default;
  /// `id`: that which the model has written; empty where it writes none.
  virtual void begin(const std::string &name, const std::string &id) = 0;
  /// More of the JSON of the arguments, an object.
  virtual void arguments(std::string_view text) = 0;
  virtual void end() = 0;
  /// All of a call.
  void whole(const std::string &name, std::string_view text) {
    begin(name, {});
    arguments(text);
    end();
  }
};

/// Takes calls of one form out of text, from a mark on.
class CallReader {
public:
  virtual ~CallReader() = default;

  /// The marks that calls begin with.
  virtual std::span<const std::string_view> begins() const = 0;
  /// Whether an answer that begins with `first` may be a call without a mark.
  virtual bool beginsBare(char first) const {
    (void)first;
    return false;
  }

  enum class Outcome {
    More,  // all of the text was looked at, and more is needed
    Done,  // the calls end before `at`
    NoCall // this is none: where no call has begun, the mark is text
  };
  /// Begins behind `mark`, or at a bare call, where that is empty.
  virtual void start(std::string_view mark) = 0;
  /// Reads on. `text[at..]` follows what was read before, and `at` moves behind
  /// what is not needed any more. `atEnd`: nothing follows the text. Once a
  /// call has begun, the outcome is not NoCall.
  virtual Outcome read(std::string_view text, size_t &at, bool atEnd,
                       CallSink &sink) = 0;
};

/// The tool called `name`; null where there is none.
const Tool *findTool(std::span<const Tool> tools, std::string_view name);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_TOOLCALLS_CALLREADER_H
