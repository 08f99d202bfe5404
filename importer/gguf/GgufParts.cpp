//===- GgufParts.cpp - Models in several GGUF files -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/Gguf.h"
#include "marimba/InputFile.h"
#include "marimba/SplitName.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

namespace mlir::marimba {

namespace path = llvm::sys::path;
using ::marimba::rt::SplitName;

static constexpr StringLiteral kNumber = "split.no";
static constexpr StringLiteral kCount = "split.count";
static constexpr StringLiteral kTensors = "split.tensors.count";
static constexpr uint32_t kMostParts = 65535; // the key has 16 bits

namespace {

/// The other parts of one of them.
class Siblings {
public:
  Siblings(StringRef path, StringRef file, SplitName name)
      : path(path), file(file), name(std::move(name)) {}

  std::string pathOf(uint32_t part) const { return beside(path, part); }
  /// As messages call it.
  std::string fileOf(uint32_t part) const { return beside(file, part); }
  /// Those that are not there, for messages; empty where all are.
  std::string missing() const;

private:
  std::string beside(StringRef where, uint32_t part) const {
    SmallString<256> full = path::parent_path(where);
    path::append(full, name.of(part));
    return full.str().str();
  }

  StringRef path, file;
  SplitName name;
};

} // namespace

std::string Siblings::missing() const {
  constexpr size_t most = 3;
  std::vector<std::string> names;
  for (uint32_t part = 1; part <= name.count; ++part)
    if (!::marimba::rt::isThere(pathOf(part)))
      names.push_back(quoted(name.of(part)));
  if (names.empty())
    return "";
  std::string text = llvm::join(ArrayRef(names).take_front(most), ", ");
  if (names.size() > most)
    text += " and " + std::to_string(names.size() - most) + " more";
  return text + (names.size() > 1 ? " are" : " is") + " missing";
}

/// Whether what the keys of `file` say of itself is what its name says.
static LogicalResult checkPart(const GgufFile &file, const SplitName &name,
                               ErrorFn emitError) {
  auto check = [&](StringRef key, int64_t expected) -> LogicalResult {
    if (file.getInteger(key) == expected)
      return success();
    emitError(file.file() + ": " + file.describe(key) + ", expected " +
              Twine(expected) + ", as the file's name says (part " +
              Twine(name.number) + " of " + Twine(name.count) + ")");
    return failure();
  };
  return success(succeeded(check(kCount, name.count)) &&
                 succeeded(check(kNumber, int64_t(name.number) - 1)));
}

/// Whether a later part is of the model of `first`, as far as keys say it.
static LogicalResult checkAlike(const GgufFile &first, const GgufFile &next,
                                ErrorFn emitError) {
  for (StringRef key : {kTensors, StringLiteral("general.architecture")}) {
    if (!next.find(key) && key != kTensors)
      continue;
    if (next.toJson(key) == first.toJson(key))
      continue;
    emitError(next.file() + ": " + next.describe(key) + ", but in " +
              first.file() + " it " +
              StringRef(first.describe(key)).split("' ").second +
              ": expected parts of one model");
    return failure();
  }
  return success();
}

LogicalResult GgufFile::append(GgufFile next, unsigned index,
                               ErrorFn emitError) {
  for (GgufTensor &tensor : next.tensorTable) {
    tensor.part = index;
    auto [it, isNew] = tensorIndex.try_emplace(tensor.name, tensorTable.size());
    if (!isNew) {
      emitError(next.file() + ": tensor " + quoted(tensor.name) +
                " is also in " + fileOf(tensorTable[it->second]) +
                ", expected it in one part of the model");
      return failure();
    }
    tensorTable.push_back(std::move(tensor));
  }
  fileParts.push_back(std::move(next.fileParts.front()));
  return success();
}

FailureOr<GgufFile> GgufFile::open(StringRef path, StringRef file,
                                   ErrorFn emitError, GgufParts which) {
  FailureOr<GgufFile> given = openOne(path, file, emitError);
  if (failed(given))
    return failure();
  std::optional<int64_t> count = given->getInteger(kCount);
  if (!given->find(kCount) || count == 0 || count == 1)
    return given;
  std::optional<SplitName> name = SplitName::parse(path::filename(path).str());
  if (!name || name->count > kMostParts) {
    emitError(file + ": " + given->describe(kCount) +
              ", the number of files that are one model, expected the name "
              "NAME-00001-of-0000N.gguf, by which the others are found");
    return failure();
  }
  if (failed(checkPart(*given, *name, emitError)))
    return failure();
  Siblings siblings(path, file, *name);
  if (std::string text = siblings.missing();
      which == GgufParts::All && !text.empty()) {
    emitError(file + ": " + text + ", expected all " + Twine(*count) +
              " parts of the model (split.count) in one folder");
    return failure();
  }

  FailureOr<GgufFile> whole = failure();
  uint32_t last = which == GgufParts::All ? name->count : 1;
  for (uint32_t i = 1; i <= last; ++i) {
    SplitName own = *name;
    own.number = i;
    FailureOr<GgufFile> part =
        i == name->number
            ? std::move(given)
            : openOne(siblings.pathOf(i), siblings.fileOf(i), emitError);
    if (failed(part) || failed(checkPart(*part, own, emitError)))
      return failure();
    if (i == 1) {
      whole = std::move(part);
      continue;
    }
    if (failed(checkAlike(*whole, *part, emitError)) ||
        failed(whole->append(std::move(*part), i - 1, emitError)))
      return failure();
  }
  if (which == GgufParts::All && whole->find(kTensors) &&
      whole->getInteger(kTensors) != int64_t(whole->tensorTable.size())) {
    emitError(whole->file() + ": " + whole->describe(kTensors) + ", but its " +
              Twine(*count) + " parts have " +
              Twine(whole->tensorTable.size()) +
              ": expected all parts of one model");
    return failure();
  }
  return whole;
}

} // namespace mlir::marimba
