//===- CApi.h - What the files of the C interface share ---------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CAPI_CAPI_H
#define MARIMBA_RUNTIME_CAPI_CAPI_H

#include "runtime/capi/marimba.h"

#include "marimba/formats/ClassicLocale.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace marimba::rt {
class ReadyModel;
class Tokenizer;
} // namespace marimba::rt

struct marimba_model {
  std::shared_ptr<const marimba::rt::ReadyModel> ready;
  std::shared_ptr<const marimba::rt::Tokenizer> tokenizer; // null without one
  std::string noTokenizer;                                 // why not
};

namespace marimba::capi {

/// marimba_options with defaults for what was not given; zeros stay.
struct Options {
  int32_t threads = 0;
  int64_t chunk = 0;
  std::string dtype = "auto";
  std::filesystem::path cacheFolder;
};

/// `text` in memory that C can free; null without memory.
char *copyText(std::string_view text);

/// Sets a result's message and returns its code.
marimba_code fail(marimba_code code, std::string_view what, char **message);
marimba_code failNull(std::string_view function, char **message);
marimba_code succeed(char **message);

/// Inside of a catch (...): what is thrown becomes a message and a code, even
/// where there is no memory for more than that. No exception leaves a function
/// of the interface.
marimba_code failCaught(const char *function, char **message);

/// What `given`, which may be null, says. False and `error` where a value is
/// not allowed.
bool readOptions(const marimba_options *given, Options &options,
                 std::string &error);

} // namespace marimba::capi

#endif // MARIMBA_RUNTIME_CAPI_CAPI_H
