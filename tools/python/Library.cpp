//===- Library.cpp - The functions of marimba.h, found at run time --------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/python/Library.h"

#include <cstdlib>
#include <dlfcn.h>
#include <vector>

using namespace marimba::python;

static Library &found() {
  static Library instance;
  return instance;
}

const Library &marimba::python::library() { return found(); }

/// All functions of the library `handle`.
static bool findFunctions(void *handle, const char *name, std::string &error) {
  Library &all = found();
#define MARIMBA_FIND(function)                                                 \
  all.function =                                                               \
      reinterpret_cast<decltype(all.function)>(dlsym(handle, #function));      \
  if (!all.function) {                                                         \
    error = std::string(name) + ": has no " #function                          \
                                "; expected the Marimba that this module is "  \
                                "of (" MARIMBA_PYTHON_VERSION ")";             \
    return false;                                                              \
  }
  MARIMBA_PYTHON_FUNCTIONS(MARIMBA_FIND)
#undef MARIMBA_FIND
  Dl_info info = {};
  if (dladdr(reinterpret_cast<void *>(all.marimba_version), &info) &&
      info.dli_fname)
    all.path = info.dli_fname;
  return true;
}

bool marimba::python::openLibrary(std::string &error) {
  std::vector<const char *> names = {MARIMBA_PYTHON_LIBRARIES};
  if (const char *named = std::getenv("MARIMBA_LIBRARY"); named && *named)
    names = {named};
  for (const char *name : names) {
    // It stays for as long as the process does: compiled code calls it.
    if (void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL))
      return findFunctions(handle, name, error);
    error += (error.empty() ? "" : "; ") + std::string(dlerror());
  }
  return false;
}
