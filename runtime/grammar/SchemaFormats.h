//===- SchemaFormats.h - Texts of a known form ------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_SCHEMAFORMATS_H
#define MARIMBA_RUNTIME_GRAMMAR_SCHEMAFORMATS_H

#include <string>
#include <string_view>

namespace marimba::rt::grammar {

/// An expression for some of the texts of a `format`, empty where there is
/// none.
std::string patternOfFormat(std::string_view format);

/// Whether the specification has `format`, so that a validator may look at it.
bool isSpecifiedFormat(std::string_view format);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_SCHEMAFORMATS_H
