//===- JsonFile.h - JSON of a model's folder --------------------*- C++ -*-===//
//
// As the importer reads it (importer/hub/Json.h), for what needs no compiler.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_ENGINE_JSONFILE_H
#define MARIMBA_RUNTIME_ENGINE_JSONFILE_H

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace marimba::rt {

/// Parses `text`; messages begin with `file`. A bare `Infinity`, `-Infinity` or
/// `NaN` reads as `{"__float__": "Infinity"}`, a byte order mark is passed
/// over. `mayBeEmpty`: a text of white space is an object without members.
std::optional<nlohmann::json> parseJsonFile(std::string_view text,
                                            const std::string &file,
                                            bool mayBeEmpty,
                                            std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_JSONFILE_H
