//===- Field.h - A JSON value that knows its path ---------------*- C++ -*-===//
//
// Reading of untrusted JSON where every error names the field.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_FIELD_H
#define MARIMBA_RUNTIME_TOKENIZER_FIELD_H

#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt::text {

using Json = nlohmann::json;

/// What a bad field throws; caught where the public interface begins.
class FieldError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Parses a file, which must not nest deeper than any real one does: what
/// copies or prints a value recurses into it. Throws FieldError for that, and
/// what the parser throws.
Json parseJson(std::string_view text);

/// `text` in quotes, escaped, on one line, and cut where it is long.
std::string quote(std::string_view text);

/// What was read otherwise than a file says, in lines for its user.
class Notes {
public:
  /// Keeps the first few: a file that is wrong everywhere says so in a line.
  void add(const std::string &line);
  const std::vector<std::string> &lines() const { return kept; }

private:
  static constexpr size_t most = 8;
  std::vector<std::string> kept;
};

/// A value inside a JSON document, with its path (`model.vocab`) for errors.
/// The document must outlive it. All getters throw FieldError on a wrong type.
class Field {
public:
  /// The whole document; `notes`, if any, must outlive it, too.
  explicit Field(const Json &document, Notes *notes = nullptr)
      : value(&document), notes(notes) {}

  const Json &json() const { return *value; }
  const std::string &path() const { return fieldPath; }

  /// The member `key` of this object; throws where there is none.
  Field at(std::string_view key) const;
  /// The member `key` of this object; nothing where it is absent or null.
  std::optional<Field> find(std::string_view key) const;
  /// The elements of this array.
  std::vector<Field> items() const;

  std::string_view getString() const;
  bool getBool() const;
  /// A token id: an integer in [0, 2^31 - 2].
  int32_t getId() const;

  /// The boolean member `key`, or `otherwise` where it is absent or null.
  bool getBool(std::string_view key, bool otherwise) const;

  /// Notes "PATH WHAT", where someone wants to know.
  void note(const std::string &what) const;
  /// Throws "PATH WHAT".
  [[noreturn]] void fail(const std::string &what) const;
  /// Throws "PATH is FOUND, expected EXPECTED".
  [[noreturn]] void failType(std::string_view expected) const;

private:
  Field(const Json &value, std::string path, Notes *notes);
  std::string shownPath() const;

  const Json *value;
  Notes *notes;
  std::string fieldPath;
};

/// One kind of a pipeline stage: its name in `type` and how to make it.
template <typename StageT> struct Kind {
  std::string_view name;
  std::unique_ptr<StageT> (*create)(const Field &field);
};

/// Makes the stage that `field.type` names; throws, with the names of all
/// `kinds`, where it is none of them.
template <typename StageT, size_t count>
std::unique_ptr<StageT> createStage(const Field &field,
                                    const Kind<StageT> (&kinds)[count]) {
  Field type = field.at("type");
  std::string_view name = type.getString();
  std::string supported;
  for (const Kind<StageT> &kind : kinds) {
    if (kind.name == name)
      return kind.create(field);
    supported += (supported.empty() ? "" : ", ") + quote(kind.name);
  }
  type.fail("is " + quote(name) + ", supported: " + supported);
}

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_FIELD_H
