//===- ApiKeys.h - Who may ask ----------------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_APIKEYS_H
#define MARIMBA_TOOLS_SERVER_APIKEYS_H

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::server {

/// Keys, of which a request must have one; where there are none, it need not.
class ApiKeys {
public:
  ApiKeys() = default;
  explicit ApiKeys(std::vector<std::string> keys) : keys(std::move(keys)) {}

  /// Those in a file, one a line; empty lines and such that begin with '#' do
  /// not count. Nothing, and `error`, which names it, where it cannot be read,
  /// has none, or has what no header can carry.
  static std::optional<ApiKeys> read(const std::string &file,
                                     std::string &error);

  bool none() const { return keys.empty(); }
  /// Whether `key` is one. Takes the same time whatever of it is right.
  bool accept(std::string_view key) const;

private:
  std::vector<std::string> keys;
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_APIKEYS_H
