//===- ToolCallForms.cpp - All forms of calls -----------------------------===//

#include "ToolCallForms.h"

#include <algorithm>

namespace marimba::rt {

std::span<const ToolCallForm *const> toolCallForms() {
  static constexpr const ToolCallForm *all[] = {
#define FORM(name) &k##name##Calls,
#include "ToolCallForms.def"
#undef FORM
  };
  return all;
}

const ToolCallForm *findToolCallForm(std::string_view name) {
  for (const ToolCallForm *form : toolCallForms())
    if (form->name == name)
      return form;
  return nullptr;
}

const ToolCallForm *detectToolCallForm(std::string_view source) {
  for (const ToolCallForm *form : toolCallForms())
    if (form->isOf(source))
      return form;
  return nullptr;
}

CallGrammar forcedCallGrammar(const ToolCallForm &form,
                              std::span<const Tool> tools,
                              const ToolChoice &choice, bool parallel) {
  if (choice.kind != ToolChoice::Kind::Named)
    return form.grammar(tools, parallel);
  auto named = std::ranges::find(tools, choice.name, &Tool::name);
  size_t at = static_cast<size_t>(named - tools.begin());
  return form.grammar(tools.subspan(at, named != tools.end()), false);
}

} // namespace marimba::rt
