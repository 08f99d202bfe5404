//===- FileKind.h - What a file is by its first bytes -----------*- C++ -*-===//
//
// People give what they have: a pointer instead of a file, a page that a
// download left, weights of another program. Whoever finds something that
// cannot be read asks here what it is.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_FILEKIND_H
#define MARIMBA_RUNTIME_FILEKIND_H

#include <string_view>

namespace marimba::rt {

/// fileKind() of what is no other program's.
inline constexpr std::string_view kSafetensors = "a safetensors file";
inline constexpr std::string_view kGguf = "a GGUF file";

/// What the first bytes of a file say that it is, to be put after "is ", and
/// what helps: "a Git LFS pointer, not the file itself: 'git lfs pull' ...".
/// Empty where they say nothing. Bytes past the first 64 are not looked at.
std::string_view fileKind(std::string_view start);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_FILEKIND_H
