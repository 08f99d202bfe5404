//===- Processor.h - What this processor can do -----------------*- C++ -*-===//
//
// Extensions of the instruction set, by the names that LLVM gives them. Only
// those that compiled code may use.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_PROCESSOR_H
#define MARIMBA_RUNTIME_PROCESSOR_H

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// Whether missingFeatures() can tell that a processor has `name`.
bool isKnownFeature(std::string_view name);

/// Those of `names` that this processor, or its system, lacks, or that are not
/// known.
std::vector<std::string> missingFeatures(std::span<const std::string> names);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_PROCESSOR_H
