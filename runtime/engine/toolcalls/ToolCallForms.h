//===- ToolCallForms.h - All forms of calls ---------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_TOOLCALLS_TOOLCALLFORMS_H
#define MARIMBA_RUNTIME_ENGINE_TOOLCALLS_TOOLCALLFORMS_H

#include "marimba/ToolCalls.h"

namespace marimba::rt {

#define FORM(name) extern const ToolCallForm k##name##Calls;
#include "ToolCallForms.def"
#undef FORM

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_TOOLCALLS_TOOLCALLFORMS_H
