//===- Explorer.h - What a model was compiled to ----------------*- C++ -*-===//
//
// Part of Marimba. Answers of the endpoints below /explorer, which the page's
// second tab shows. docs/page.md has their members.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_EXPLORER_H
#define MARIMBA_TOOLS_SERVER_EXPLORER_H

#include <cstdint>
#include <string>
#include <string_view>

namespace marimba::server {

/// What a measurement is of.
struct RooflineRequest {
  int64_t prompt = 128; // tokens that are read in each round
  int64_t decode = 32;  // tokens that follow, one by one
};

/// Bounds of both, so that no request takes the machine for long.
inline constexpr int64_t kMostRooflineTokens = 4096;

/// Tells of one model. Each function makes an object of JSON; where it has
/// nothing to tell it returns false, and `why` is a sentence. Any thread may
/// call them at any time.
class Explorer {
public:
  virtual ~Explorer() = default;

  /// Facts, layers, parameters, bytes by type.
  virtual bool model(std::string &json, std::string &why) = 0;
  /// Names, summaries and sizes of the stages; compiles the model for it, once.
  virtual bool stages(std::string &json, std::string &why) = 0;
  /// The IR after stage `number`; `why` where there is none, too.
  virtual bool stage(int64_t number, std::string &json, std::string &why) = 0;
  /// Time of each op beside what the machine's limits allow, or how far a
  /// measurement is.
  virtual bool roofline(std::string &json, std::string &why) = 0;
  /// Begins a measurement, which goes on beside the server's work with a lower
  /// priority; answers as roofline(). Where one runs there is no second.
  virtual bool measureRoofline(const RooflineRequest &request,
                               std::string &json, std::string &why) = 0;
  /// Bytes of a sequence by its length, of weights, and what is available.
  virtual bool memory(std::string &json, std::string &why) = 0;
};

/// An answer to a request: status and body.
struct ExplorerAnswer {
  int status = 200;
  std::string json;
};

/// Answers `method` `path` (without a query), a path below /explorer/. What an
/// explorer has nothing to tell of is {"available": false, "because": ...} with
/// status 200; unknown paths, methods and members are errors in OpenAI's form.
/// `explorer` may be null. May take seconds.
ExplorerAnswer explore(Explorer *explorer, std::string_view method,
                       std::string_view path, std::string_view body);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_EXPLORER_H
