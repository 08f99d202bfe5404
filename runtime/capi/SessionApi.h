//===- SessionApi.h - A session as C has it ---------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CAPI_SESSIONAPI_H
#define MARIMBA_RUNTIME_CAPI_SESSIONAPI_H

#include "runtime/capi/CApi.h"

#include "marimba/ReadyModel.h"
#include "marimba/Session.h"

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// Logits that somebody holds on to.
struct marimba_logits {
  std::shared_ptr<const std::vector<float>> values;
  size_t rows = 0;
};

struct marimba_session {
  std::shared_ptr<const marimba::rt::ReadyModel> model;
  std::unique_ptr<marimba::rt::Session> session;
  /// Of one or more tokens, the last one's at the end; null or empty where not
  /// known. Whoever else has them keeps them as they are.
  std::shared_ptr<std::vector<float>> logits;

  /// Where new logits go: nobody else has these.
  std::vector<float> &newLogits() {
    if (!logits || logits.use_count() > 1)
      logits = std::make_shared<std::vector<float>>();
    else // the last of the others may have read them on another thread
      std::atomic_thread_fence(std::memory_order_acquire);
    return *logits;
  }
  /// Those after the last token; none where not known.
  std::span<const float> lastLogits() const {
    if (!logits || logits->empty())
      return {};
    auto width = static_cast<size_t>(model->vocabulary());
    return std::span<const float>(*logits).last(width);
  }
};

namespace marimba::capi {

/// Whether a session may be given `ids`; else a code and `error`.
marimba_code checkAppended(const char *function, const marimba_session *session,
                           const int32_t *ids, size_t count,
                           std::string &error);

} // namespace marimba::capi

#endif // MARIMBA_RUNTIME_CAPI_SESSIONAPI_H
