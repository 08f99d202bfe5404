//===- OutputPath.h - Where a command may write -----------------*- C++ -*-===//
//
// Asked before anything takes long.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_OUTPUTPATH_H
#define MARIMBA_RUNTIME_OUTPUTPATH_H

#include <string>
#include <vector>

namespace marimba::rt {

/// Whether `output` is none of the files that a command reads: `inputs`, where
/// they are not empty or "-", and what is read of `model`, a directory, a
/// package or a GGUF file, where that is not empty. By whatever names: through
/// links of both kinds. False and `error` where it is one.
bool checkOutput(const std::string &output,
                 const std::vector<std::string> &inputs,
                 const std::string &model, std::string &error);

/// Whether a file `path` can be made or replaced; nothing is left behind. False
/// and `error` where not.
bool canReplace(const std::string &path, std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_OUTPUTPATH_H
