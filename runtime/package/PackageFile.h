//===- PackageFile.h - Files of a package -----------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_PACKAGE_PACKAGEFILE_H
#define MARIMBA_RUNTIME_PACKAGE_PACKAGEFILE_H

#include "marimba/InputFile.h"

namespace marimba::rt {

/// As readWhole(), with an error that names the file.
std::optional<std::string> readNamed(const std::string &path, uint64_t most,
                                     std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_PACKAGE_PACKAGEFILE_H
