//===- Config.h - A checked reader of config.json ---------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_HUB_CONFIG_H
#define MARIMBA_IMPORTER_HUB_CONFIG_H

#include "importer/hub/Json.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <string>
#include <vector>

namespace mlir::marimba {

/// Limits keep every product of sizes below 2^63, and the module's size sane.
inline constexpr int64_t kMaxSize = 1 << 24;
inline constexpr int64_t kMaxLayers = 4096;
inline constexpr int64_t kMaxState = 1 << 12;
inline constexpr int64_t kMaxWindow = 1 << 10;
inline constexpr int64_t kMaxExpand = 64;

/// What a file of another format calls the fields of config.json, for messages.
struct FieldNames {
  StringRef kind = "field"; // what a name is the name of
  llvm::StringMap<std::string> names;

  /// `fields`, one or an expression of several with blanks between, by the
  /// names of the file.
  std::string inFile(StringRef fields) const;
};

/// Reads fields of a model's config.json. A getter whose field is absent or
/// null returns the default that it is given. A field of the wrong kind is an
/// error that names file, field, what was found and what was expected; the
/// getter then returns the default and the reader remembers the failure, so
/// that one run reports every bad field. Ask `result()` before using values.
class Config {
public:
  Config(llvm::json::Object object, std::string file, ErrorFn emitError,
         FieldNames names = {})
      : object(std::move(object)), fileName(std::move(file)),
        emitError(emitError), names(std::move(names)) {}

  /// The field's value, or null where it is absent or null.
  const llvm::json::Value *find(StringRef field) const;
  /// Whether the file has the field, be it null.
  bool has(StringRef field) const {
    asked.insert(field);
    return object.get(field) != nullptr;
  }

  /// The first of these spellings of a field that has a value; `name` itself
  /// where none has.
  StringRef spelling(StringRef name, ArrayRef<StringRef> others) const;

  /// An integer in [1, max].
  int64_t getPositive(StringRef field, int64_t defaultValue, int64_t max);
  /// As getPositive; "auto" also means the default.
  int64_t getPositiveOrAuto(StringRef field, int64_t defaultValue, int64_t max);
  /// An integer in [0, max].
  int64_t getNonNegative(StringRef field, int64_t defaultValue, int64_t max);
  /// An integer in [1, max]; 0 where there is none, which null, 0, -1 and
  /// false say.
  int64_t getPositiveOrNone(StringRef field, int64_t max);
  /// A number above zero that f32 holds: what is made of it has no more.
  double getPositiveReal(StringRef field, double defaultValue);
  /// A boolean, or 0 or 1.
  bool getBool(StringRef field, bool defaultValue);
  std::string getString(StringRef field, StringRef defaultValue);
  /// A list of strings; empty where it is absent.
  std::vector<std::string> getStrings(StringRef field);
  /// A list of integers in [0, count); empty where it is absent.
  std::vector<int64_t> getIndices(StringRef field, int64_t count);
  /// Token ids as asTokenIds() has them; none where the field is absent.
  std::vector<int64_t> getTokenIds(StringRef field);

  /// The storage type that `dtype` (transformers 5) or `torch_dtype` (before)
  /// names, spelled as safetensors does; "F32" where both are absent.
  std::string getDType();

  /// Makes the members of the object `field` readable as "field.member".
  void flatten(StringRef field);
  /// Makes the members of the object `field` readable as if they were members
  /// of the file; they count before those of the same name that are.
  void enter(StringRef field);
  /// Reports an activation other than this one, and quantised weights.
  void checkSupported(StringRef activation = "silu",
                      StringRef field = "hidden_act");

  /// As getPositiveReal, those of a list; empty where it is absent.
  std::vector<double> getPositiveReals(StringRef field);

  /// Two numbers [least, most] with 0 <= least <= most and most above 0, which
  /// may be Infinity.
  std::pair<double, double> getBounds(StringRef field,
                                      std::pair<double, double> defaultValue);

  /// Reports `field: is <found>, expected <expected>`.
  void error(StringRef field, const Twine &expected);
  /// Reports a message about the file as a whole.
  void error(const Twine &message);

  /// Once something has failed: reports fields of the file that were never
  /// asked for and that may be misspellings of absent ones that were.
  void suggestFields();

  LogicalResult result() const { return success(!hasFailed); }
  StringRef file() const { return fileName; }

private:
  int64_t getInRange(StringRef field, int64_t defaultValue, int64_t min,
                     int64_t max, StringRef expected);

  llvm::json::Object object;
  std::string fileName;
  ErrorFn emitError;
  FieldNames names;
  bool hasFailed = false;
  mutable llvm::StringSet<> asked;
};

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_HUB_CONFIG_H
