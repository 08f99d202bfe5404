//===- Units.h - Parts of processors that --isa names -----------*- C++ -*-===//
//
// One table of the vector and matrix units that code is made for: which
// extensions of the instruction set belong to each, what a processor that has
// more is not used for, and what that means for the library.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_UNITS_H
#define MARIMBA_RUNTIME_UNITS_H

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// A unit, as the limit of what code and library may use. Names of extensions
/// are LLVM's.
struct Unit {
  std::string_view name;    // as --isa has it
  std::string_view meaning; // for help
  /// What a processor with it has beyond the unit before it in the table.
  std::span<const std::string_view> adds;
  /// What code must not use; all that builds on these goes with them.
  std::span<const std::string_view> removes;
  /// Width of the widest vector that pays off.
  unsigned vectorBits;
  /// The library's name of the limit (DNNL_MAX_CPU_ISA).
  std::string_view library;
};

/// What --isa calls all that a processor has.
inline constexpr std::string_view kNativeUnit = "native";

/// All units, each with all that those before it have.
std::span<const Unit> units();
/// Null where there is none of that name; kNativeUnit is none.
const Unit *findUnit(std::string_view name);
/// What --isa takes, for messages: "avx2, avx512, ... or native".
std::string unitNames();

/// Those extensions of `unit` that are not among `features`.
std::vector<std::string> lackingFor(const Unit &unit,
                                    std::span<const std::string> features);
/// The units that a processor with `features` has, as text: "avx2, avx512";
/// empty where it has none.
std::string unitsOf(std::span<const std::string> features);

/// Lets the library use no more than `unit` in this process, or less where
/// DNNL_MAX_CPU_ISA says so. False and `error` where the library works with
/// more already: its first use decides.
bool limitLibrary(const Unit &unit, std::string &error);

/// Whether the library multiplies f32, whatever strides rows have and whatever
/// follows, without its reference implementation, which nothing may use: it is
/// hundreds of times slower than loops that the compiler makes.
bool libraryMultiplies();
/// What it then uses, for messages: "AVX2".
std::string libraryInstructions();
/// For tests: whether the library is, from now on, taken for one that has
/// reference implementations only.
void pretendOnlyReferences(bool pretend);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_UNITS_H
