//===- ChatInput.h - What a user types --------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_CHATINPUT_H
#define MARIMBA_TOOLS_COMMANDS_CHATINPUT_H

#include <optional>
#include <string>

namespace marimba::commands {

/// Messages and commands from stdin. A line is a message; one that ends with a
/// backslash goes on in the next one, and what stands between two lines of """
/// is one message, whatever it holds. A line that begins with / is a command,
/// one that begins with // a message that begins with /.
class ChatInput {
public:
  enum class Kind { Message, Command, Interrupted, End };
  struct Entry {
    Kind kind = Kind::End;
    std::string text; // of a command without the /
  };

  /// Whether a person types it: then each line is asked for with a sign on
  /// stderr.
  bool isInteractive() const { return interactive; }

  /// The next one. Ctrl-C while it is awaited drops what was typed of it.
  Entry next();

  ChatInput();

private:
  /// A line without its end; nothing at the end of input or after Ctrl-C.
  std::optional<std::string> readLine(const char *sign);

  bool interactive;
  std::string buffer; // read and not used yet
  bool atEnd = false;
};

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_CHATINPUT_H
