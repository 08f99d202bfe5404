//===- CApi.cpp - Marimba for programs in C -------------------------------===//
//
// Part of Marimba. See marimba.h.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/LoadedModel.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/libmarimba/marimba.h"

#include "marimba/CacheFiles.h"
#include "marimba/SavedState.h"
#include "marimba/Session.h"
#include "marimba/ThreadTeam.h"
#include "marimba/Tokenizer.h"
#include <cstddef>
#include <cstdlib>
#include <cstring>

using namespace marimba;
using namespace llvm;

struct marimba_model {
  std::shared_ptr<LoadedModel> loaded;
  std::shared_ptr<const rt::Tokenizer> tokenizer; // null without one
  std::string noTokenizer;                        // why not
};

struct marimba_session {
  std::shared_ptr<LoadedModel> loaded;
  std::unique_ptr<rt::Session> session;
};

/// `text` in memory that C can free.
static char *copyText(StringRef text) {
  auto *copy = static_cast<char *>(std::malloc(text.size() + 1));
  if (!copy)
    return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = 0;
  return copy;
}

static marimba_code fail(marimba_code code, const Twine &what, char **message) {
  if (message)
    *message = copyText(what.str());
  return code;
}

static marimba_code succeed(char **message) {
  if (message)
    *message = nullptr;
  return MARIMBA_SUCCESS;
}

static marimba_code failNull(StringRef function, char **message) {
  return fail(MARIMBA_BAD_ARGUMENT, function + ": an argument is null",
              message);
}

const char *marimba_version(void) { return "0.1.0"; }

void marimba_free(void *pointer) { std::free(pointer); }

/// What `given` says, on top of the defaults. False and `error` where a value
/// is not allowed.
static bool readOptions(const marimba_options &given, LoadOptions &options,
                        std::string &error) {
  constexpr int32_t maxThreads = 1024;
  constexpr int64_t maxChunk = 1 << 20;
  // A program that was built with an older header knows fewer fields.
  if (given.size < offsetof(marimba_options, threads) + sizeof(int32_t) ||
      given.size > sizeof(marimba_options)) {
    error = ("options.size is " + Twine(given.size) + ", expected " +
             Twine(sizeof(marimba_options)))
                .str();
    return false;
  }
  marimba_options all = {};
  std::memcpy(&all, &given, given.size);
  if (all.threads < 0 || all.threads > maxThreads) {
    error = ("options.threads is " + Twine(all.threads) + ", expected 0 to " +
             Twine(maxThreads))
                .str();
    return false;
  }
  if (all.chunk < 0 || all.chunk > maxChunk) {
    error = ("options.chunk is " + Twine(all.chunk) + ", expected 0 to " +
             Twine(maxChunk))
                .str();
    return false;
  }
  StringRef dtype = all.dtype ? all.dtype : "auto";
  if (dtype != "auto" && dtype != "f32" && dtype != "bf16") {
    error =
        ("options.dtype is '" + dtype + "', expected auto, f32 or bf16").str();
    return false;
  }
  options.threads = static_cast<unsigned>(all.threads);
  if (all.chunk)
    options.chunk = all.chunk;
  options.compile.computeType = dtype == "f32"    ? ComputeType::F32
                                : dtype == "bf16" ? ComputeType::BF16
                                                  : ComputeType::Automatic;
  if (all.cache_folder)
    options.cacheFolder = all.cache_folder;
  return true;
}

marimba_code marimba_model_load(const char *directory,
                                const marimba_options *given,
                                marimba_model **model, char **message) {
  if (!directory || !model)
    return failNull("marimba_model_load", message);
  *model = nullptr;
  LoadOptions options;
  options.cacheFolder = rt::defaultCacheFolder().string();
  std::string error;
  if (given && !readOptions(*given, options, error))
    return fail(MARIMBA_BAD_ARGUMENT, "marimba_model_load: " + error, message);
  rt::shareTeams();
  auto made = std::make_unique<marimba_model>();
  if (hasTokenizer(directory)) {
    made->tokenizer = loadTokenizer(directory, error);
    if (!made->tokenizer)
      return fail(MARIMBA_BAD_MODEL, error, message);
  } else {
    loadTokenizer(directory, made->noTokenizer);
  }
  made->loaded = LoadedModel::load(directory, options, error);
  if (!made->loaded)
    return fail(MARIMBA_BAD_MODEL, error, message);
  *model = made.release();
  return succeed(message);
}

void marimba_model_free(marimba_model *model) { delete model; }

int32_t marimba_model_vocabulary(const marimba_model *model) {
  return model ? static_cast<int32_t>(model->loaded->info().vocabSize) : 0;
}

const int32_t *marimba_model_end_ids(const marimba_model *model,
                                     size_t *count) {
  if (count)
    *count = model ? model->loaded->endIds().size() : 0;
  return model ? model->loaded->endIds().data() : nullptr;
}

marimba_code marimba_encode(const marimba_model *model, const char *text,
                            int begin, int32_t **ids, size_t *count,
                            char **message) {
  if (!model || !text || !ids || !count)
    return failNull("marimba_encode", message);
  *ids = nullptr;
  *count = 0;
  if (!model->tokenizer)
    return fail(MARIMBA_BAD_MODEL, model->noTokenizer, message);
  std::vector<int32_t> made = model->tokenizer->encode(text, begin != 0);
  // Never nothing, which some libraries give for no bytes.
  auto *copy =
      static_cast<int32_t *>(std::malloc((made.size() + 1) * sizeof(int32_t)));
  if (!copy)
    return fail(MARIMBA_FAILED, "marimba_encode: no memory", message);
  std::copy(made.begin(), made.end(), copy);
  *ids = copy;
  *count = made.size();
  return succeed(message);
}

marimba_code marimba_decode(const marimba_model *model, const int32_t *ids,
                            size_t count, char **text, char **message) {
  if (!model || !text || (!ids && count))
    return failNull("marimba_decode", message);
  *text = nullptr;
  if (!model->tokenizer)
    return fail(MARIMBA_BAD_MODEL, model->noTokenizer, message);
  *text = copyText(model->tokenizer->decode({ids, count}));
  return *text ? succeed(message)
               : fail(MARIMBA_FAILED, "marimba_decode: no memory", message);
}

marimba_code marimba_session_create(const marimba_model *model,
                                    marimba_session **session, char **message) {
  if (!model || !session)
    return failNull("marimba_session_create", message);
  *session = nullptr;
  auto made = std::make_unique<marimba_session>();
  made->loaded = model->loaded;
  std::string error;
  made->session = made->loaded->makeSession(error);
  if (!made->session)
    return fail(MARIMBA_FAILED, error, message);
  *session = made.release();
  return succeed(message);
}

void marimba_session_free(marimba_session *session) { delete session; }

marimba_code marimba_session_append(marimba_session *session,
                                    const int32_t *ids, size_t count,
                                    float *logits, char **message) {
  if (!session || !ids)
    return failNull("marimba_session_append", message);
  if (count == 0)
    return fail(MARIMBA_BAD_ARGUMENT,
                "marimba_session_append: expected at least one id", message);
  std::string error;
  if (!session->loaded->checkIds({ids, count}, error))
    return fail(MARIMBA_BAD_ARGUMENT, error, message);
  std::vector<float> made;
  if (!session->session->append({ids, count},
                                logits ? rt::LogitsWanted::Last
                                       : rt::LogitsWanted::None,
                                made, error))
    return fail(MARIMBA_FAILED, error, message);
  if (logits)
    std::copy(made.begin(), made.end(), logits);
  return succeed(message);
}

size_t marimba_session_length(const marimba_session *session) {
  return session ? static_cast<size_t>(session->session->length(0)) : 0;
}

void marimba_session_reset(marimba_session *session) {
  if (session)
    session->session->reset(0);
}

marimba_code marimba_session_save(const marimba_session *session,
                                  const char *path, char **message) {
  if (!session || !path)
    return failNull("marimba_session_save", message);
  std::string error;
  if (!session->session->save(0, session->loaded->stateOrigin(), path, error))
    return fail(MARIMBA_BAD_STATE, error, message);
  return succeed(message);
}

marimba_code marimba_session_restore(marimba_session *session, const char *path,
                                     char **message) {
  if (!session || !path)
    return failNull("marimba_session_restore", message);
  std::string error;
  std::optional<rt::SavedState> saved = rt::SavedState::read(path, error);
  if (!saved || !session->session->restore(
                    0, *saved, session->loaded->stateOrigin(), {}, error))
    return fail(MARIMBA_BAD_STATE, error, message);
  return succeed(message);
}
