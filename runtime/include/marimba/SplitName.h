//===- SplitName.h - Names of files that are one together -------*- C++ -*-===//
//
// Models are cut into files called NAME-00001-of-00003.EXT, of which each says
// by its name where the others are.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_SPLITNAME_H
#define MARIMBA_RUNTIME_SPLITNAME_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace marimba::rt {

/// What such a name says.
struct SplitName {
  std::string stem;               // NAME, with the folder where that was given
  uint32_t number = 1, count = 1; // from 1 on; number is at most count
  std::string extension;          // ".gguf"; empty where there is none

  /// Nothing where `name`, of a file or a path, is not of this form.
  static std::optional<SplitName> parse(std::string_view name);
  /// The name of part `part`, counted from 1.
  std::string of(uint32_t part) const;

private:
  size_t numberDigits = 5, countDigits = 5;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_SPLITNAME_H
