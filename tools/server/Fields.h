//===- Fields.h - Members of a request, with their types --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_FIELDS_H
#define MARIMBA_TOOLS_SERVER_FIELDS_H

#include "tools/server/Json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::server {

/// Reads members of one object. A member that is null counts as one that is not
/// there. The first that is of a wrong type or out of bounds sets the error,
/// which names it; what is read then is nothing.
class Fields {
public:
  /// `place` stands in front of names: "stream_options", or empty. All must
  /// outlive this.
  Fields(const Json &object, ApiError &error, std::string place = {})
      : object(object), error(error), place(std::move(place)) {}

  bool good() const { return error.message.empty(); }
  ApiError &problem() { return error; }

  /// The member; null where it is not there.
  const Json *find(std::string_view name) const;
  const Json *findObject(std::string_view name);
  const Json *findArray(std::string_view name);
  std::optional<std::string> text(std::string_view name);
  std::optional<bool> flag(std::string_view name);
  std::optional<double> number(std::string_view name, double least,
                               double most);
  std::optional<int64_t> integer(std::string_view name, int64_t least,
                                 int64_t most);
  /// A text, or a list of them.
  std::vector<std::string> texts(std::string_view name, size_t most);
  /// One of `allowed`.
  std::optional<std::string>
  word(std::string_view name, std::initializer_list<std::string_view> allowed);

  /// "temperature: expected ..., found ..."
  void fail(std::string_view name, std::string_view expected);
  /// Fails where the member is there and neither false nor of `harmless`, which
  /// is JSON.
  void refuse(std::string_view name, std::string_view reason,
              const std::vector<std::string> &harmless = {});
  std::string path(std::string_view name) const;

private:
  const Json &object;
  ApiError &error;
  std::string place;
};

/// Sets `error` to one about `param`.
void setError(ApiError &error, std::string param, std::string_view problem,
              std::string code = "invalid_value");

/// `value`, cut where it is long.
std::string shortJson(const Json &value);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_FIELDS_H
