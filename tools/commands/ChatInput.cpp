//===- ChatInput.cpp - What a user types ----------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/ChatInput.h"
#include "runtime/engine/Text.h"
#include "tools/commands/Interrupt.h"
#include "tools/commands/Output.h"

#include <cerrno>
#include <unistd.h>

using namespace marimba;
using rt::text::trim;

static constexpr std::string_view kFence = "\"\"\"";

commands::ChatInput::ChatInput() : interactive(isatty(STDIN_FILENO)) {}

std::optional<std::string> commands::ChatInput::readLine(const char *sign) {
  if (interactive) {
    printError(sign);
  }
  for (;;) {
    size_t end = buffer.find('\n');
    if (end != std::string::npos || (atEnd && !buffer.empty())) {
      std::string line = buffer.substr(0, end);
      buffer.erase(0, end == std::string::npos ? end : end + 1);
      if (!line.empty() && line.back() == '\r')
        line.pop_back();
      return line;
    }
    if (atEnd || interrupted())
      return std::nullopt;
    char bytes[4096];
    ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      atEnd = true;
    else
      buffer.append(bytes, static_cast<size_t>(count));
  }
}

commands::ChatInput::Entry commands::ChatInput::next() {
  auto ended = [&] {
    // What is typed behind Ctrl-C is new.
    return Entry{interrupted() ? Kind::Interrupted : Kind::End, ""};
  };
  for (;;) {
    std::optional<std::string> line = readLine("> ");
    if (!line)
      return ended();
    if (trim(*line).empty())
      continue;
    std::string text;
    if (trim(*line) == kFence) {
      bool first = true;
      for (;;) {
        line = readLine("... ");
        if (!line && interrupted())
          return ended();
        // The end of input ends it, too.
        if (!line || trim(*line) == kFence)
          break;
        text += (first ? "" : "\n") + *line;
        first = false;
      }
      if (!text.empty())
        return {Kind::Message, text};
      continue;
    }
    if (line->starts_with("/") && !line->starts_with("//"))
      return {Kind::Command, line->substr(1)};
    text = line->starts_with("//") ? line->substr(1) : *line;
    while (!text.empty() && text.back() == '\\') {
      text.back() = '\n';
      line = readLine("... ");
      if (!line && interrupted())
        return ended();
      if (!line)
        break;
      text += *line;
    }
    return {Kind::Message, text};
  }
}
