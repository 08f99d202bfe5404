//===- JsonScan.h - An object of JSON, byte by byte -------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_TOOLCALLS_JSONSCAN_H
#define MARIMBA_RUNTIME_ENGINE_TOOLCALLS_JSONSCAN_H

#include <string>

namespace marimba::rt {

/// Follows an object of JSON as it comes and knows at once where it ends or is
/// none. Control characters in strings, which models write at times, pass.
class JsonScan {
public:
  enum class Status { More, Done, Bad };

  /// The next byte; the first one is '{'. After Done and Bad nothing may come.
  Status push(char byte);

  /// Whether the last byte was of the value of one of the object's own members,
  /// and whether it was its first one. What ends a number is not of it.
  bool isInMember() const { return inMember; }
  bool beginsMember() const { return memberBegins; }
  /// Whether the last byte was inside of a string, or ended one.
  bool isInString() const { return inString; }
  /// The name of that member as it is written, with its quotes.
  const std::string &memberName() const { return name; }

private:
  enum class Place {
    Begin,
    FirstName, // a name or the end of an object
    Name,
    Colon,
    Value,
    FirstItem, // a value or the end of a list
    Behind,    // of a value
    String,
    Escape,
    Hex,
    Literal
  };
  Status close(char byte);
  Status beginValue(char byte);
  Status behindValue(char byte);
  Status step(char byte);
  bool finishLiteral() const;

  Place place = Place::Begin;
  std::string open; // '{' and '[' of what is open
  std::string literal, name;
  bool isName = false; // the string is one
  int hexLeft = 0;
  bool inMember = false, memberBegins = false, inString = false;
};

/// Appends `byte` to `text` as JSON has it: a control character inside of a
/// string is escaped.
void appendJson(std::string &text, char byte, bool inString);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_TOOLCALLS_JSONSCAN_H
