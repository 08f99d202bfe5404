//===- SessionApi.cpp - Sequences, for programs in C ----------------------===//
//
// See marimba.h.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/SessionApi.h"

#include "marimba/SavedState.h"

#include <algorithm>
#include <optional>

using namespace marimba;
using namespace marimba::capi;

struct marimba_mark {
  std::shared_ptr<const rt::ReadyModel> model; // whose states these are
  rt::Snapshot snapshot;
  std::shared_ptr<const std::vector<float>> logits;
};

marimba_code marimba_session_create(const marimba_model *model,
                                    marimba_session **session,
                                    char **message) try {
  rt::ClassicLocale classic;
  if (!model || !session)
    return failNull("marimba_session_create", message);
  *session = nullptr;
  auto made = std::make_unique<marimba_session>();
  made->model = model->ready;
  std::string error;
  made->session = made->model->makeSession(error);
  if (!made->session)
    return fail(MARIMBA_FAILED, error, message);
  *session = made.release();
  return succeed(message);
} catch (...) {
  return failCaught("marimba_session_create", message);
}

void marimba_session_free(marimba_session *session) { delete session; }

marimba_code capi::checkAppended(const char *function,
                                 const marimba_session *session,
                                 const int32_t *ids, size_t count,
                                 std::string &error) {
  if (!session || !ids)
    error = std::string(function) + ": an argument is null";
  else if (count == 0)
    error = std::string(function) + ": expected at least one id";
  else if (!isCount(count))
    error = std::string(function) + ": count is " + std::to_string(count) +
            ", expected at most 2147483647";
  else if (session->model->checkIds({ids, count}, error))
    return MARIMBA_SUCCESS;
  return MARIMBA_BAD_ARGUMENT;
}

marimba_code marimba_session_append(marimba_session *session,
                                    const int32_t *ids, size_t count,
                                    float *logits, char **message) try {
  rt::ClassicLocale classic;
  std::string error;
  if (marimba_code code =
          checkAppended("marimba_session_append", session, ids, count, error))
    return fail(code, error, message);
  std::vector<float> &made = session->newLogits();
  if (!session->session->append({ids, count},
                                logits ? rt::LogitsWanted::Last
                                       : rt::LogitsWanted::None,
                                made, error)) {
    made.clear();
    return fail(MARIMBA_FAILED, error, message);
  }
  if (logits)
    std::ranges::copy(made, logits);
  return succeed(message);
} catch (...) {
  return failCaught("marimba_session_append", message);
}

marimba_code marimba_session_logits(const marimba_session *session,
                                    float *logits, char **message) {
  if (!session || !logits)
    return failNull("marimba_session_logits", message);
  std::span<const float> last = session->lastLogits();
  if (last.empty())
    return fail(MARIMBA_BAD_STATE,
                "marimba_session_logits: what follows the last token is not "
                "known, expected one that was appended with logits",
                message);
  std::ranges::copy(last, logits);
  return succeed(message);
}

size_t marimba_session_length(const marimba_session *session) {
  return session ? static_cast<size_t>(session->session->length(0)) : 0;
}

void marimba_session_reset(marimba_session *session) {
  if (!session)
    return;
  session->session->reset(0);
  session->logits.reset();
}

marimba_code marimba_session_save(const marimba_session *session,
                                  const char *path, char **message) try {
  rt::ClassicLocale classic;
  if (!session || !path)
    return failNull("marimba_session_save", message);
  std::string error;
  if (!session->session->save(0, session->model->stateOrigin(), path, error,
                              /*attachment=*/{}, session->lastLogits()))
    return fail(MARIMBA_BAD_STATE, error, message);
  return succeed(message);
} catch (...) {
  return failCaught("marimba_session_save", message);
}

marimba_code marimba_session_restore(marimba_session *session, const char *path,
                                     char **message) try {
  rt::ClassicLocale classic;
  if (!session || !path)
    return failNull("marimba_session_restore", message);
  std::string error;
  std::optional<rt::SavedState> saved = rt::SavedState::read(path, error);
  if (!saved || !session->session->restore(
                    0, *saved, session->model->stateOrigin(), {}, error))
    return fail(MARIMBA_BAD_STATE, error, message);
  session->newLogits().assign(saved->logits().begin(), saved->logits().end());
  return succeed(message);
} catch (...) {
  return failCaught("marimba_session_restore", message);
}

const int32_t *marimba_session_ids(const marimba_session *session,
                                   size_t *count) {
  std::span<const int32_t> ids;
  if (session)
    ids = session->session->tokens(0);
  if (count)
    *count = ids.size();
  return ids.data();
}

marimba_code marimba_session_fork(const marimba_session *session,
                                  marimba_session **fork, char **message) try {
  rt::ClassicLocale classic;
  if (!session || !fork)
    return failNull("marimba_session_fork", message);
  *fork = nullptr;
  auto made = std::make_unique<marimba_session>();
  made->model = session->model;
  std::string error;
  made->session = made->model->makeSession(error);
  if (!made->session ||
      !made->session->copyFrom(*session->session, 0, 0, error))
    return fail(MARIMBA_FAILED, error, message);
  // Shared until one of the two goes on.
  made->logits = session->logits;
  *fork = made.release();
  return succeed(message);
} catch (...) {
  return failCaught("marimba_session_fork", message);
}

marimba_code marimba_session_mark(const marimba_session *session,
                                  marimba_mark **mark, char **message) try {
  rt::ClassicLocale classic;
  if (!session || !mark)
    return failNull("marimba_session_mark", message);
  *mark = nullptr;
  std::string error;
  std::optional<rt::Snapshot> made = session->session->snapshot(0, error);
  if (!made)
    return fail(MARIMBA_FAILED, error, message);
  *mark = new marimba_mark{session->model, std::move(*made), session->logits};
  return succeed(message);
} catch (...) {
  return failCaught("marimba_session_mark", message);
}

void marimba_mark_free(marimba_mark *mark) { delete mark; }

marimba_code marimba_session_rewind(marimba_session *session,
                                    const marimba_mark *mark,
                                    char **message) try {
  rt::ClassicLocale classic;
  if (!session || !mark)
    return failNull("marimba_session_rewind", message);
  if (session->model != mark->model)
    return fail(MARIMBA_BAD_STATE,
                "marimba_session_rewind: the mark is of a session of another "
                "model",
                message);
  std::string error;
  if (!session->session->rewind(0, mark->snapshot, error))
    return fail(MARIMBA_BAD_STATE, error, message);
  // The mark's are nobody's to write: the next ones go elsewhere.
  session->logits = std::const_pointer_cast<std::vector<float>>(mark->logits);
  return succeed(message);
} catch (...) {
  return failCaught("marimba_session_rewind", message);
}
