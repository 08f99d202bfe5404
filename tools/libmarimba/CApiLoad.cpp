//===- CApiLoad.cpp - Compiling, for programs in C ------------------------===//
//
// Part of Marimba. The one function of marimba.h that needs the compiler.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/CApi.h"
#include "tools/libmarimba/LoadedModel.h"
#include "tools/libmarimba/ModelFiles.h"

#include "marimba/ThreadTeam.h"
#include "marimba/Tokenizer.h"

using namespace marimba;
using capi::fail;

marimba_code marimba_model_load(const char *directory,
                                const marimba_options *given,
                                marimba_model **model, char **message) {
  if (!directory || !model)
    return capi::failNull("marimba_model_load", message);
  *model = nullptr;
  capi::Options said;
  std::string error;
  if (!capi::readOptions(given, said, error))
    return fail(MARIMBA_BAD_ARGUMENT, "marimba_model_load: " + error, message);
  LoadOptions options;
  options.threads = static_cast<unsigned>(said.threads);
  if (said.chunk)
    options.chunk = said.chunk;
  options.compile.computeType = said.dtype == "f32"    ? ComputeType::F32
                                : said.dtype == "bf16" ? ComputeType::BF16
                                                       : ComputeType::Automatic;
  options.cacheFolder = said.cacheFolder.string();
  rt::shareTeams();
  auto made = std::make_unique<marimba_model>();
  if (hasTokenizer(directory)) {
    made->tokenizer = loadTokenizer(directory, error);
    if (!made->tokenizer)
      return fail(MARIMBA_BAD_MODEL, error, message);
  } else {
    loadTokenizer(directory, made->noTokenizer);
  }
  made->ready = LoadedModel::load(directory, options, error);
  if (!made->ready)
    return fail(MARIMBA_BAD_MODEL, error, message);
  *model = made.release();
  return capi::succeed(message);
}
