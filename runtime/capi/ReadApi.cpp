//===- ReadApi.cpp - Long texts and all logits, for programs in C ---------===//
//
// See marimba.h.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/SessionApi.h"

#include "marimba/Room.h"

#include <algorithm>
#include <functional>

using namespace marimba;
using namespace marimba::capi;

/// Reads `ids` piece by piece, which is what one call does inside, so that
/// `onPiece` is heard in between. False and `error` on failure.
static bool readPieces(marimba_session &session, std::span<const int32_t> ids,
                       rt::LogitsWanted wanted, std::vector<float> &logits,
                       const std::function<bool(size_t)> &onPiece,
                       std::string &error) {
  const size_t total = ids.size();
  std::vector<float> made;
  for (size_t done = 0; done < total;) {
    std::span<const int32_t> piece = ids.subspan(
        done, std::min(total - done, static_cast<size_t>(
                                         session.session->untilPieceEnds(0))));
    done += piece.size();
    rt::LogitsWanted now = wanted == rt::LogitsWanted::Last && done < total
                               ? rt::LogitsWanted::None
                               : wanted;
    // The only piece, or the only one with logits, needs no copy.
    bool whole = now != rt::LogitsWanted::All || piece.size() == total;
    if (!session.session->append(piece, now, whole ? logits : made, error))
      return false;
    if (!whole)
      logits.insert(logits.end(), made.begin(), made.end());
    if (!onPiece(done) && done < total) {
      logits.clear();
      return true;
    }
  }
  return true;
}

/// Memory for what reading `count` tokens leaves. False and `error` where it is
/// short: nothing changed then.
static bool makeRoom(marimba_session &session, size_t count,
                     rt::LogitsWanted wanted, std::vector<float> &logits,
                     std::string &error) {
  int64_t length = session.session->length(0) + static_cast<int64_t>(count);
  // The answer to a token needs no look at the machine.
  if (count > 1 && !rt::checkRoom(*session.model, length, 1, error))
    return false;
  if (wanted == rt::LogitsWanted::All)
    logits.reserve(count * static_cast<size_t>(session.model->vocabulary()));
  return session.session->reserve(length, error);
}

marimba_code marimba_session_read(marimba_session *session, const int32_t *ids,
                                  size_t count, marimba_wanted wanted,
                                  marimba_progress_function onPiece, void *user,
                                  char **message) try {
  rt::ClassicLocale classic;
  std::string error;
  if (marimba_code code =
          checkAppended("marimba_session_read", session, ids, count, error))
    return fail(code, error, message);
  if (wanted < MARIMBA_NO_LOGITS || wanted > MARIMBA_ALL_LOGITS)
    return fail(MARIMBA_BAD_ARGUMENT,
                "marimba_session_read: wanted is " + std::to_string(wanted) +
                    ", expected 0 to 2",
                message);
  auto kind = wanted == MARIMBA_NO_LOGITS     ? rt::LogitsWanted::None
              : wanted == MARIMBA_LAST_LOGITS ? rt::LogitsWanted::Last
                                              : rt::LogitsWanted::All;
  std::vector<float> fresh;
  if (!makeRoom(*session, count, kind, fresh, error))
    return fail(MARIMBA_FAILED, error, message);
  std::vector<float> &logits = session->newLogits();
  logits.clear();
  if (kind == rt::LogitsWanted::All)
    logits = std::move(fresh);
  auto hear = [&](size_t done) {
    return !onPiece || onPiece(user, done, count) != 0;
  };
  if (!readPieces(*session, {ids, count}, kind, logits, hear, error)) {
    logits.clear();
    return fail(MARIMBA_FAILED, error, message);
  }
  return succeed(message);
} catch (...) {
  return failCaught("marimba_session_read", message);
}

marimba_code marimba_session_hold_logits(const marimba_session *session,
                                         marimba_logits **logits,
                                         char **message) try {
  if (!session || !logits)
    return failNull("marimba_session_hold_logits", message);
  *logits = nullptr;
  if (session->lastLogits().empty())
    return fail(MARIMBA_BAD_STATE,
                "marimba_session_hold_logits: what follows the last token is "
                "not known, expected one that was read with logits",
                message);
  auto width = static_cast<size_t>(session->model->vocabulary());
  *logits =
      new marimba_logits{session->logits, session->logits->size() / width};
  return succeed(message);
} catch (...) {
  return failCaught("marimba_session_hold_logits", message);
}

const float *marimba_logits_data(const marimba_logits *logits, size_t *rows) {
  if (rows)
    *rows = logits ? logits->rows : 0;
  return logits ? logits->values->data() : nullptr;
}

void marimba_logits_free(marimba_logits *logits) { delete logits; }
