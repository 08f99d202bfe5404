//===- CApiLoad.cpp - Compiling, for programs in C ------------------------===//
//
// Part of Marimba. The one function of marimba.h that needs the compiler.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/CApi.h"
#include "tools/libmarimba/Isa.h"
#include "tools/libmarimba/LoadedModel.h"
#include "tools/libmarimba/ModelFiles.h"

#include "marimba/ThreadTeam.h"
#include "marimba/Tokenizer.h"
#include "llvm/Support/ErrorHandling.h"
#include <filesystem>
#include <new>
#include <stdexcept>

using namespace marimba;
using capi::fail;
using capi::failCaught;

/// Makes LLVM throw where it would end the process of another program.
static void throwFromLLVM() {
  static const bool once = [] {
    llvm::install_bad_alloc_error_handler(
        [](void *, const char *, bool) { throw std::bad_alloc(); });
    llvm::install_fatal_error_handler([](void *, const char *reason, bool) {
      throw std::runtime_error(reason);
    });
    return true;
  }();
  (void)once;
}

marimba_code marimba_model_load(const char *directory,
                                const marimba_options *given,
                                marimba_model **model, char **message) try {
  rt::ClassicLocale classic;
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
  throwFromLLVM();
  if (!limitToUnit(said.isa, options.compile, error))
    return fail(MARIMBA_BAD_ARGUMENT,
                "marimba_model_load: options.isa: " + error, message);
  auto made = std::make_unique<marimba_model>();
  if (hasTokenizer(directory)) {
    made->tokenizer = loadTokenizer(directory, error);
    if (!made->tokenizer)
      return fail(MARIMBA_BAD_MODEL, error, message);
  } else {
    loadTokenizer(directory, made->noTokenizer);
  }
  // It is read later, when the process may be in another folder.
  made->loadTemplate = [path = std::filesystem::absolute(directory).string()](
                           const std::string &name, std::string &error) {
    return loadChatTemplate(path, name, error);
  };
  options.tokenizer = made->tokenizer.get();
  made->ready = LoadedModel::load(directory, options, error);
  if (!made->ready)
    return fail(MARIMBA_BAD_MODEL, error, message);
  *model = made.release();
  return capi::succeed(message);
} catch (...) {
  return failCaught("marimba_model_load", message);
}
