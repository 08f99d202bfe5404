//===- CApiLoad.cpp - Compiling, for programs in C ------------------------===//
//
// Part of Marimba. The functions of marimba.h that need the compiler.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/CApi.h"
#include "tools/libmarimba/Isa.h"
#include "tools/libmarimba/LoadedModel.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/libmarimba/PackageWriter.h"

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

static ComputeType typeOf(const capi::Options &said) {
  return said.dtype == "f32"    ? ComputeType::F32
         : said.dtype == "bf16" ? ComputeType::BF16
                                : ComputeType::Automatic;
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
  options.compile.computeType = typeOf(said);
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

/// What `given`, which may be null, says. False and `error` where a value is
/// not allowed.
static bool readCompileOptions(const marimba_compile_options *given,
                               CompileOptions &options, std::string &error) {
  marimba_compile_options all = {};
  if (given) {
    if (given->size != sizeof(marimba_compile_options)) {
      error = "options.size is " + std::to_string(given->size) + ", expected " +
              std::to_string(sizeof(marimba_compile_options));
      return false;
    }
    all = *given;
  }
  // What models are loaded with has the same rules.
  marimba_options common = {};
  common.size = sizeof(common);
  common.threads = all.threads;
  common.dtype = all.dtype;
  common.isa = all.isa;
  common.cache_folder = "";
  capi::Options said;
  if (!capi::readOptions(&common, said, error))
    return false;
  options.pipeline.threads =
      static_cast<unsigned>(said.threads ? said.threads : 1);
  options.computeType = typeOf(said);
  options.dumpDir = all.dump_ir ? all.dump_ir : "";
  options.target.cpu = all.target_cpu ? all.target_cpu : "";
  if (limitToUnit(said.isa, options, error))
    return true;
  error = "options.isa: " + error;
  return false;
}

/// Runs all stages, for what they write. False and `error` on failure.
static bool lowerModel(const char *directory, const CompileOptions &options,
                       std::string &error) {
  std::unique_ptr<Compilation> compilation =
      Compilation::createFromModel(directory, options, error);
  return compilation && compilation->lower(/*stopAfter=*/"", error);
}

marimba_code marimba_compile(const char *directory,
                             const marimba_compile_options *given,
                             const char *package, char **message) try {
  rt::ClassicLocale classic;
  if (!directory)
    return capi::failNull("marimba_compile", message);
  throwFromLLVM();
  CompileOptions options;
  std::string error;
  if (!readCompileOptions(given, options, error))
    return fail(MARIMBA_BAD_ARGUMENT, "marimba_compile: " + error, message);
  if (!package && options.dumpDir.empty())
    return fail(MARIMBA_BAD_ARGUMENT,
                "marimba_compile: expected a package or options.dump_ir",
                message);
  std::vector<std::string> notes;
  if (package ? writePackage(directory, options, package, notes, error)
              : lowerModel(directory, options, error))
    return capi::succeed(message);
  return fail(MARIMBA_BAD_MODEL, error, message);
} catch (...) {
  return failCaught("marimba_compile", message);
}
