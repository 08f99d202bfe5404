//===- WeightNames.cpp - Checkpoints that spell names otherwise -*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/WeightNames.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <map>

namespace mlir::marimba {

static constexpr StringLiteral kLayers = "layers.";
static constexpr StringLiteral kHead = "lm_head.";
static constexpr StringLiteral kHeadWeight = "lm_head.weight";

/// `name` without the words that wrappers of modules put in, wherever they are.
static std::string unwrapped(StringRef name) {
  static const StringRef wrappers[] = {"module", "_orig_mod", "_forward_module",
                                       "_fsdp_wrapped_module",
                                       "_checkpoint_wrapped_module"};
  SmallVector<StringRef> words;
  name.split(words, '.');
  llvm::erase_if(words, [&](StringRef word) {
    return llvm::is_contained(wrappers, word);
  });
  return llvm::join(words, ".");
}

/// A matrix may be stored in parts.
static StringRef withoutPart(StringRef name) {
  for (StringRef part : {".codes", ".scales", ".zeros"})
    if (name.consume_back(part))
      break;
  return name;
}

/// A prefix for messages.
static std::string prefixText(StringRef prefix) {
  return prefix.empty() ? "nothing" : quoted(prefix);
}

namespace {

class Matcher {
public:
  Matcher(ArrayRef<std::string> expected, const ModelDirectory &directory)
      : expected(expected), directory(directory) {}

  NameMatch run();

private:
  bool fail(const Twine &message) {
    match = NameMatch();
    match.problem = (directory.weightsFile() + ": " + message).str();
    return false;
  }
  bool unwrap();
  bool findLayers();
  bool findHead();
  bool rename();
  std::string hint() const;
  std::string describe() const;

  ArrayRef<std::string> expected;
  const ModelDirectory &directory;
  NameMatch match;
  /// Names in the files without wrappers, and as they are.
  std::map<std::string, std::string> plain;
  StringRef firstLayer;                  // of `expected`
  std::optional<std::string> headInFile; // before "lm_head."
};

bool Matcher::unwrap() {
  for (const auto &tensor : directory.tensors()) {
    std::string inFile = tensor.first().str();
    auto [it, isNew] = plain.try_emplace(unwrapped(inFile), inFile);
    if (!isNew)
      return fail("tensors " + quoted(std::min(it->second, inFile)) + " and " +
                  quoted(std::max(it->second, inFile)) +
                  " differ in a wrapper's prefix only, expected one of them");
  }
  return true;
}

/// Finds what is before "layers." in the names that end as expected ones
/// do.
bool Matcher::findLayers() {
  llvm::StringSet<> suffixes;
  for (StringRef name : expected) {
    size_t at = name.find(kLayers);
    if (at == StringRef::npos || (at > 0 && name[at - 1] != '.'))
      continue;
    if (firstLayer.empty()) {
      firstLayer = name;
      match.prefix = name.take_front(at).str();
    }
    suffixes.insert(name.drop_front(at));
  }
  if (firstLayer.empty())
    return false;
  std::map<std::string, size_t> votes;
  for (const auto &entry : plain) {
    StringRef name = withoutPart(entry.first);
    for (size_t at = name.find(kLayers); at != StringRef::npos;
         at = name.find(kLayers, at + 1))
      if ((at == 0 || name[at - 1] == '.') &&
          suffixes.contains(name.drop_front(at)))
        ++votes[name.take_front(at).str()];
  }
  if (votes.empty()) {
    std::vector<std::string> some;
    for (const auto &entry : directory.tensors())
      some.push_back(entry.first().str());
    // One of a layer tells the most.
    llvm::sort(some, [](StringRef a, StringRef b) {
      auto rank = [](StringRef name) {
        return !name.contains(kLayers) +
               (name.find_if(llvm::isDigit) == StringRef::npos);
      };
      return std::pair(rank(a), a) < std::pair(rank(b), b);
    });
    std::string first = some.empty() ? "none" : quoted(some.front());
    return fail("none of its " + Twine(some.size()) +
                " tensors has a name that this family has in a layer, "
                "expected such as " +
                quoted(firstLayer) + ", found such as " + first + hint());
  }
  using Vote = std::pair<const std::string, size_t>;
  auto best = llvm::max_element(votes, [&](const Vote &a, const Vote &b) {
    // The expected one counts where others have no more.
    return std::pair(a.second, a.first == match.prefix) <
           std::pair(b.second, b.first == match.prefix);
  });
  match.prefixInFile = best->first;
  if (best->first == match.prefix)
    return true;
  for (const Vote &other : votes)
    if (&other != &*best && 2 * other.second > best->second)
      return fail("names of layers begin with " + prefixText(best->first) +
                  " (" + Twine(best->second) + " tensors) and with " +
                  prefixText(other.first) + " (" + Twine(other.second) +
                  "), expected one prefix, " + quoted(match.prefix));
  return true;
}

/// The head is beside the layers' module or outside of it.
bool Matcher::findHead() {
  std::vector<std::string> found;
  for (const auto &entry : plain) {
    StringRef before = withoutPart(entry.first);
    if (before.consume_back(kHeadWeight) &&
        (before.empty() || before.ends_with(".")) &&
        StringRef(match.prefixInFile).starts_with(before) &&
        !llvm::is_contained(found, before))
      found.push_back(before.str());
  }
  if (found.size() > 1 && llvm::is_contained(expected, kHeadWeight))
    return fail("holds the output head twice, as " +
                quoted(found[0] + kHeadWeight.str()) + " and as " +
                quoted(found[1] + kHeadWeight.str()) +
                ", expected one of them");
  if (found.size() == 1)
    headInFile = found.front();
  return true;
}

bool Matcher::rename() {
  std::map<std::string, StringRef> taken; // new name, name in the file
  for (const auto &[name, inFile] : plain) {
    StringRef rest = name;
    std::string now = name;
    if (headInFile && rest.consume_front(*headInFile) &&
        rest.starts_with(kHead))
      now = rest.str();
    else if (rest = name; rest.consume_front(match.prefixInFile))
      now = match.prefix + rest.str();
    auto [it, isNew] = taken.try_emplace(now, inFile);
    if (!isNew)
      return fail("tensors " + quoted(it->second) + " and " + quoted(inFile) +
                  " may both be " + quoted(now) + ", expected one of them");
    if (now != inFile)
      match.names.emplace_back(inFile, now);
  }
  // With the wrappers, for messages.
  for (const auto &[inFile, name] : match.names)
    if (StringRef(name).starts_with((match.prefix + kLayers).str())) {
      match.prefixInFile = inFile.substr(0, inFile.find(kLayers));
      break;
    }
  return true;
}

/// Whose names they may be.
std::string Matcher::hint() const {
  auto has = [&](StringRef part) {
    return llvm::any_of(plain, [&](const auto &entry) {
      return StringRef(entry.first).contains(part);
    });
  };
  if (has("attention.wq."))
    return ": they are those of Meta's and Mistral's own programs, not of "
           "Hugging Face's";
  if (has("blk.0."))
    return ": they are those of GGUF files";
  if (has(".weight_packed"))
    return ": matrices are quantised by compressed-tensors, which cannot be "
           "read";
  return "";
}

/// What the names in the files are, compared with those that are expected.
std::string Matcher::describe() const {
  auto example = llvm::find_if(match.names, [&](const auto &names) {
    return withoutPart(names.second) == firstLayer;
  });
  if (example == match.names.end())
    example = match.names.begin();
  size_t others = match.names.size() - 1;
  return (directory.weightsFile() + ": tensor " + quoted(example->first) +
          (others ? " and " + std::to_string(others) + " others have"
                  : std::string(" has")) +
          " another prefix than expected: read as " + quoted(example->second) +
          (others ? " and so on" : ""))
      .str();
}

NameMatch Matcher::run() {
  if (!unwrap() || !findLayers() || !findHead() || !rename())
    return std::move(match);
  if (!match.names.empty())
    match.note = describe();
  return std::move(match);
}

} // namespace

NameMatch matchNames(ArrayRef<std::string> expected,
                     const ModelDirectory &directory) {
  return Matcher(expected, directory).run();
}

} // namespace mlir::marimba
