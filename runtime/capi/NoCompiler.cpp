//===- NoCompiler.cpp - What libmarimba-runtime.so says of compiling ------===//

#include "runtime/capi/CApi.h"

using namespace marimba::capi;

marimba_code marimba_model_load(const char *directory, const marimba_options *,
                                marimba_model **model, char **message) {
  if (!directory || !model)
    return failNull("marimba_model_load", message);
  *model = nullptr;
  return fail(MARIMBA_NO_COMPILER,
              std::string(directory) +
                  ": libmarimba-runtime has no compiler; expected a program "
                  "with libmarimba, or a package for marimba_model_open",
              message);
}

marimba_code marimba_compile(const char *directory,
                             const marimba_compile_options *, const char *,
                             char **message) {
  if (!directory)
    return failNull("marimba_compile", message);
  return fail(MARIMBA_NO_COMPILER,
              std::string(directory) +
                  ": libmarimba-runtime has no compiler; expected a program "
                  "with libmarimba",
              message);
}
