//===- Methods.h - Methods by what they are of ------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEMPLATE_METHODS_H
#define MARIMBA_RUNTIME_TEMPLATE_METHODS_H

#include "Value.h"

#include <span>

namespace marimba::rt::jinja {

/// One method: its name and what runs it.
struct Method {
  std::string_view name;
  Value (*call)(const Value &object, const Arguments &arguments);
};

/// Those of strings: that look for parts, that split, and that ask for or
/// change characters.
std::span<const Method> searchMethods();
std::span<const Method> splitMethods();
std::span<const Method> characterMethods();

/// The argument at `index`, a string; null where it was not given or is none.
const std::string *findString(const Arguments &arguments, size_t index,
                              std::string_view name);
/// The same, which must be there.
const std::string &getString(const Arguments &arguments, size_t index,
                             std::string_view name);
int64_t getInt(const Arguments &arguments, size_t index, std::string_view name,
               int64_t otherwise);

/// `text` with `fill`, one character, where it is padded, so that it has at
/// least `width` characters.
enum class Side { Left, Right, Both };
std::string padText(const std::string &text, int64_t width,
                    const std::string &fill, Side padded);
/// str.isupper() and str.islower().
bool isUpper(const std::string &text);
bool isLower(const std::string &text);
/// The characters that \w of a regular expression matches.
bool isWordCharacter(char32_t c);

} // namespace marimba::rt::jinja

#endif // MARIMBA_RUNTIME_TEMPLATE_METHODS_H
