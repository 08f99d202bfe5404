//===- CApi.cpp - Marimba for programs in C -------------------------------===//
//
// See marimba.h. Options, messages, models and their tokenizers; all but
// marimba_model_load, which needs the compiler.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/CApi.h"

#include "../tokenizer/Unicode.h"

#include "marimba/CacheFiles.h"
#include "marimba/Package.h"
#include "marimba/ReadyModel.h"
#include "marimba/TextFile.h"
#include "marimba/ThreadTeam.h"
#include "marimba/Tokenizer.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <exception>
#include <new>

using namespace marimba;
using namespace marimba::capi;

char *capi::copyText(std::string_view text) {
  auto *copy = static_cast<char *>(std::malloc(text.size() + 1));
  if (!copy)
    return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = 0;
  return copy;
}

marimba_code capi::fail(marimba_code code, std::string_view what,
                        char **message) {
  if (message) {
    // Names of files, and what a parser quotes, may be any bytes.
    std::string line;
    rt::text::appendLossyUtf8(what, line);
    std::ranges::replace(line, '\n', ' ');
    *message = copyText(line);
  }
  return code;
}

marimba_code capi::failCaught(const char *function, char **message) {
  char line[256];
  try {
    throw;
  } catch (const abi::__forced_unwind &) {
    throw; // the thread ends
  } catch (const std::bad_alloc &) {
    std::snprintf(line, sizeof(line), "%s: no memory", function);
  } catch (const std::exception &exception) {
    std::snprintf(line, sizeof(line), "%s: %s", function, exception.what());
  } catch (...) {
    std::snprintf(line, sizeof(line), "%s: an unknown exception", function);
  }
  if (message)
    *message = copyText(line);
  return MARIMBA_FAILED;
}

marimba_code capi::succeed(char **message) {
  if (message)
    *message = nullptr;
  return MARIMBA_SUCCESS;
}

marimba_code capi::failNull(std::string_view function, char **message) {
  return fail(MARIMBA_BAD_ARGUMENT,
              std::string(function) + ": an argument is null", message);
}

const char *marimba_version(void) { return "0.1.0"; }

void marimba_free(void *pointer) { std::free(pointer); }

marimba_code capi::failCount(std::string_view function, size_t count,
                             char **message, std::string_view what) {
  return fail(MARIMBA_BAD_ARGUMENT,
              std::string(function) + ": " + std::string(what) + " is " +
                  std::to_string(count) + ", expected at most 2147483647",
              message);
}

/// Sets `error` where `value` is not in [0, most].
static bool checkRange(const char *name, int64_t value, int64_t most,
                       std::string &error) {
  if (value >= 0 && value <= most)
    return true;
  error = std::string("options.") + name + " is " + std::to_string(value) +
          ", expected 0 to " + std::to_string(most);
  return false;
}

bool capi::readOptions(const marimba_options *given, Options &options,
                       std::string &error) {
  constexpr int64_t maxThreads = 1024, maxChunk = 1 << 20;
  marimba_options all = {};
  if (given) {
    // A program that was built with an older header knows fewer fields.
    if (given->size < offsetof(marimba_options, threads) + sizeof(int32_t) ||
        given->size > sizeof(marimba_options)) {
      error = "options.size is " + std::to_string(given->size) + ", expected " +
              std::to_string(sizeof(marimba_options));
      return false;
    }
    std::memcpy(&all, given, given->size);
  }
  if (!checkRange("threads", all.threads, maxThreads, error) ||
      !checkRange("chunk", all.chunk, maxChunk, error))
    return false;
  options.threads = all.threads;
  options.chunk = all.chunk;
  if (all.dtype)
    options.dtype = all.dtype;
  if (options.dtype != "auto" && options.dtype != "f32" &&
      options.dtype != "bf16") {
    error =
        "options.dtype is '" + options.dtype + "', expected auto, f32 or bf16";
    return false;
  }
  if (all.isa)
    options.isa = all.isa;
  options.cacheFolder =
      all.cache_folder ? all.cache_folder : rt::defaultCacheFolder();
  return true;
}

/// Options that a package has decided: false and `error` where others are asked
/// for, which would be another package.
static bool checkDecided(const Options &options,
                         const rt::PackageManifest &manifest,
                         std::string &error) {
  if (options.threads && options.threads != manifest.facts.threads)
    error = "options.threads is " + std::to_string(options.threads) +
            ", expected 0 or the " + std::to_string(manifest.facts.threads) +
            " that the package was compiled for";
  else if (options.dtype != "auto")
    error = "options.dtype is '" + options.dtype +
            "', expected null or auto: compiling the package decided it";
  else if (options.isa != "native")
    error = "options.isa is '" + options.isa +
            "', expected null or native: compiling the package decided it";
  return error.empty();
}

marimba_code marimba_model_open(const char *package, const char *directory,
                                const marimba_options *given,
                                marimba_model **model, char **message) try {
  rt::ClassicLocale classic;
  if (!package || !model)
    return failNull("marimba_model_open", message);
  *model = nullptr;
  Options options;
  std::string error;
  if (!readOptions(given, options, error))
    return fail(MARIMBA_BAD_ARGUMENT, "marimba_model_open: " + error, message);
  auto manifest = rt::PackageManifest::read(package, error);
  if (!manifest)
    return fail(MARIMBA_BAD_MODEL, error, message);
  if (!checkDecided(options, *manifest, error))
    return fail(MARIMBA_BAD_ARGUMENT, "marimba_model_open: " + error, message);
  rt::PackageOptions load;
  load.directory = directory ? directory : "";
  load.chunk = options.chunk;
  load.cacheFolder = options.cacheFolder;
  rt::shareTeams();
  auto made = std::make_unique<marimba_model>();
  made->ready = rt::loadPackage(package, *manifest, load, error);
  if (!made->ready)
    return fail(MARIMBA_BAD_MODEL, error, message);
  made->tokenizer =
      rt::loadPackageTokenizer(package, *manifest, load.directory, error);
  if (!made->tokenizer && manifest->hasTokenizer())
    return fail(MARIMBA_BAD_MODEL, error, message);
  made->noTokenizer = error;
  // It is read later, when the process may be in another folder.
  if (!load.directory.empty())
    load.directory = std::filesystem::absolute(load.directory);
  made->loadTemplate = [path = std::filesystem::absolute(package),
                        manifest = std::move(*manifest),
                        directory = load.directory](const std::string &name,
                                                    std::string &error) {
    return rt::loadPackageTemplate(path, manifest, directory, name, error);
  };
  *model = made.release();
  return succeed(message);
} catch (...) {
  return failCaught("marimba_model_open", message);
}

int marimba_is_package(const char *path) try {
  return path && rt::isPackage(path);
} catch (...) {
  return 0; // no memory for the path
}

void marimba_model_free(marimba_model *model) { delete model; }

int32_t marimba_model_vocabulary(const marimba_model *model) {
  return model ? static_cast<int32_t>(model->ready->vocabulary()) : 0;
}

const int32_t *marimba_model_end_ids(const marimba_model *model,
                                     size_t *count) {
  if (count)
    *count = model ? model->ready->endIds().size() : 0;
  return model ? model->ready->endIds().data() : nullptr;
}

marimba_code marimba_encode(const marimba_model *model, const char *text,
                            int begin, int32_t **ids, size_t *count,
                            char **message) try {
  rt::ClassicLocale classic;
  if (!model || !text || !ids || !count)
    return failNull("marimba_encode", message);
  *ids = nullptr;
  *count = 0;
  if (!model->tokenizer)
    return fail(MARIMBA_BAD_MODEL, model->noTokenizer, message);
  if (std::string problem = rt::findUtf8Problem(text); !problem.empty())
    return fail(MARIMBA_BAD_ARGUMENT, "marimba_encode: the text " + problem,
                message);
  std::string error;
  std::vector<int32_t> made =
      model->tokenizer->encode(text, begin != 0, &error);
  if (!error.empty())
    return fail(MARIMBA_FAILED, error, message);
  // Never nothing, which some libraries give for no bytes.
  auto *copy =
      static_cast<int32_t *>(std::malloc((made.size() + 1) * sizeof(int32_t)));
  if (!copy)
    return fail(MARIMBA_FAILED, "marimba_encode: no memory", message);
  std::ranges::copy(made, copy);
  *ids = copy;
  *count = made.size();
  return succeed(message);
} catch (...) {
  return failCaught("marimba_encode", message);
}

marimba_code marimba_decode(const marimba_model *model, const int32_t *ids,
                            size_t count, char **text, char **message) try {
  rt::ClassicLocale classic;
  if (!model || !text || (!ids && count))
    return failNull("marimba_decode", message);
  *text = nullptr;
  if (!isCount(count))
    return failCount("marimba_decode", count, message);
  if (!model->tokenizer)
    return fail(MARIMBA_BAD_MODEL, model->noTokenizer, message);
  *text = copyText(model->tokenizer->decode({ids, count}));
  return *text ? succeed(message)
               : fail(MARIMBA_FAILED, "marimba_decode: no memory", message);
} catch (...) {
  return failCaught("marimba_decode", message);
}
