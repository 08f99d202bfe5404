//===- Filters.h - Filters by what they are of ------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEMPLATE_FILTERS_H
#define MARIMBA_RUNTIME_TEMPLATE_FILTERS_H

#include "Value.h"

#include <span>

namespace marimba::rt::jinja {

struct NamedFilter {
  std::string_view name;
  Value (*apply)(const Value &subject, const Arguments &arguments);
};

std::span<const NamedFilter> numberFilters();
std::span<const NamedFilter> textFilters();
std::span<const NamedFilter> listFilters();
std::span<const NamedFilter> orderFilters();

/// The member at a path such as `function.name` or `0.text`.
Value getPath(const Value &object, const Value &path);

} // namespace marimba::rt::jinja

#endif // MARIMBA_RUNTIME_TEMPLATE_FILTERS_H
