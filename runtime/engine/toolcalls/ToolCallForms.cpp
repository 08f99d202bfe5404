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
                              const ToolChoice &choice,
                              CallGrammarOptions options) {
  if (choice.kind == ToolChoice::Kind::Named) {
    auto named = std::ranges::find(tools, choice.name, &Tool::name);
    auto at = static_cast<size_t>(named - tools.begin());
    tools = tools.subspan(at, named != tools.end());
    options.several = false;
  }
  return form.grammar(tools, options);
}

} // namespace marimba::rt
