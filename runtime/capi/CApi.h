//===- CApi.h - What the files of the C interface share ---------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CAPI_CAPI_H
#define MARIMBA_RUNTIME_CAPI_CAPI_H

#include "runtime/capi/marimba.h"

#include "marimba/formats/ClassicLocale.h"

#include "marimba/AnswerText.h"
#include "marimba/ChatTemplate.h"
#include "marimba/Sampler.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {
class ChatTemplate;
class ReadyModel;
class Tokenizer;
} // namespace marimba::rt

struct marimba_model {
  std::shared_ptr<const marimba::rt::ReadyModel> ready;
  std::shared_ptr<const marimba::rt::Tokenizer> tokenizer; // null without one
  std::string noTokenizer;                                 // why not
  /// As rt::ChatTemplate::load() of the model.
  std::function<std::unique_ptr<marimba::rt::ChatTemplate>(
      const std::string &name, std::string &error)>
      loadTemplate;
};

namespace marimba::capi {

/// marimba_options with defaults for what was not given; zeros stay.
struct Options {
  int32_t threads = 0;
  int64_t chunk = 0;
  std::string dtype = "auto", isa = "native";
  std::filesystem::path cacheFolder;
};

/// `text` in memory that C can free; null without memory.
char *copyText(std::string_view text);

/// Sets a result's message and returns its code.
marimba_code fail(marimba_code code, std::string_view what, char **message);
marimba_code failNull(std::string_view function, char **message);

/// As many ids as a sequence can have; more is a length that was never meant,
/// such as (size_t)-1.
inline bool isCount(size_t count) { return count <= INT32_MAX; }
/// `what`: the name of the argument.
marimba_code failCount(std::string_view function, size_t count, char **message,
                       std::string_view what = "count");

marimba_code succeed(char **message);

/// Inside of a catch (...): what is thrown becomes a message and a code, even
/// where there is no memory for more than that. No exception leaves a function
/// of the interface.
marimba_code failCaught(const char *function, char **message);

/// What `given`, which may be null, says. False and `error` where a value is
/// not allowed.
bool readOptions(const marimba_options *given, Options &options,
                 std::string &error);

/// What `given`, which may be null, says of an answer.
struct Sampling {
  rt::SamplerOptions sampler;
  int64_t maxTokens = 0; // 0: the caller's default
  bool ignoreEnd = false;
  std::vector<std::string> stops;
};
/// False and `error` where something is not allowed.
bool readSampling(const marimba_sampling *given, Sampling &sampling,
                  std::string &error);

/// As C has it.
marimba_end endOf(rt::AnswerEnd end);

} // namespace marimba::capi

#endif // MARIMBA_RUNTIME_CAPI_CAPI_H
