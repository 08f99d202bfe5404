//===- PackageFile.h - Files of a package -----------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_PACKAGE_PACKAGEFILE_H
#define MARIMBA_RUNTIME_PACKAGE_PACKAGEFILE_H

#include "marimba/InputFile.h"
#include "marimba/Package.h"

namespace marimba::rt {

/// As readWhole(), with an error that names the file.
std::optional<std::string> readNamed(const std::string &path, uint64_t most,
                                     std::string &error);

/// Where the model's files are: in `given`, or, where that is empty, where they
/// were.
std::filesystem::path directoryOf(const std::filesystem::path &package,
                                  const PackageManifest &manifest,
                                  const std::filesystem::path &given);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_PACKAGE_PACKAGEFILE_H
