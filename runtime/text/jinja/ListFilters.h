//===- ListFilters.h - Filters of lists -------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEXT_JINJA_LISTFILTERS_H
#define MARIMBA_RUNTIME_TEXT_JINJA_LISTFILTERS_H

#include "Value.h"

#include <span>

namespace marimba::rt::jinja {

struct NamedFilter {
  std::string_view name;
  Value (*apply)(const Value &subject, const Arguments &arguments);
};

std::span<const NamedFilter> listFilters();

} // namespace marimba::rt::jinja

#endif // MARIMBA_RUNTIME_TEXT_JINJA_LISTFILTERS_H
