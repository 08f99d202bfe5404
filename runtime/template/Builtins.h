//===- Builtins.h - What templates may call ---------------------*- C++ -*-===//
//
// The filters, tests, methods and functions that are supported. Names and
// meaning are those of Jinja 3.1 and Python 3; docs/chat.md lists them. All
// throw ValueError where a name is not supported or an argument does not fit.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TEMPLATE_BUILTINS_H
#define MARIMBA_RUNTIME_TEMPLATE_BUILTINS_H

#include "Value.h"

#include <ctime>

namespace marimba::rt::jinja {

/// subject | name(arguments)
Value applyFilter(const std::string &name, const Value &subject,
                  const Arguments &arguments);

/// Whether there is such a filter or test.
bool hasFilter(const std::string &name);
bool hasTest(const std::string &name);

/// subject is name(arguments)
bool applyTest(const std::string &name, const Value &subject,
               const Arguments &arguments);

/// Whether `name` is a supported method of values like `object`.
bool hasMethod(const Value &object, const std::string &name);
/// object.name(arguments)
Value callMethod(const Value &object, const std::string &name,
                 const Arguments &arguments);

/// range, namespace, dict, cycler, joiner, raise_exception, strftime_now (of
/// the time `now`).
Dict makeGlobals(std::time_t now);

/// The name of a member that is called where it is read.
inline constexpr const char *kComputed = "(computed)";

/// object.name; undefined where there is none. Throws for undefined objects.
Value getAttribute(const Value &object, const std::string &name);
/// object[index], likewise.
Value getItem(const Value &object, const Value &index);
/// object[begin:end:step]; undefined ones are left out.
Value getSlice(const Value &object, const Value &begin, const Value &end,
               const Value &step);

} // namespace marimba::rt::jinja

#endif // MARIMBA_RUNTIME_TEMPLATE_BUILTINS_H
