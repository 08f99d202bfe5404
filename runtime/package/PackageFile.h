//===- PackageFile.h - Files of a package -----------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_PACKAGE_PACKAGEFILE_H
#define MARIMBA_RUNTIME_PACKAGE_PACKAGEFILE_H

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace marimba::rt {

/// Of a text. Generous: a hundred thousand tensors, or tokens, take 20 MiB.
inline constexpr uintmax_t kLongestText = uintmax_t(1) << 28;

/// All of a regular file of at most `most` bytes. Nothing, and `error`, where
/// it is another kind of file, is longer or cannot be read.
std::optional<std::string> readWhole(const std::filesystem::path &path,
                                     uintmax_t most, std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_PACKAGE_PACKAGEFILE_H
