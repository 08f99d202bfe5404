//===- GrammarTokens.cpp - Constraints of one model's tokens --------------===//

#include "Constraint.h"

#include "marimba/Tokenizer.h"
#include "marimba/formats/Message.h"

#include <algorithm>
#include <list>

namespace marimba::rt {

using namespace grammar;

namespace {

/// The latest few, by key.
template <typename KeyT, typename ValueT> class LatestOnes {
public:
  explicit LatestOnes(size_t most) : most(most) {}

  ValueT *find(const KeyT &key) {
    auto found = std::find_if(entries.begin(), entries.end(),
                              [&](auto &entry) { return entry.first == key; });
    if (found == entries.end())
      return nullptr;
    entries.splice(entries.begin(), entries, found);
    return &found->second;
  }
  void add(KeyT key, ValueT value) {
    entries.emplace_front(std::move(key), std::move(value));
    if (entries.size() > most)
      entries.pop_back();
  }

private:
  size_t most;
  std::list<std::pair<KeyT, ValueT>> entries;
};

std::shared_ptr<const TokenTable> readTokens(const Tokenizer &tokenizer,
                                             std::span<const int32_t> endIds) {
  std::vector<std::string> bytes(static_cast<size_t>(tokenizer.vocabSize()));
  for (size_t i = 0; i < bytes.size(); ++i)
    if (auto id = static_cast<int32_t>(i); !tokenizer.isSpecial(id))
      bytes[i] = tokenizer.tokenBytes(id);
  for (int32_t id : endIds)
    if (id >= 0 && static_cast<size_t>(id) < bytes.size())
      bytes[static_cast<size_t>(id)].clear();
  TokenTrie trie(bytes);
  return std::make_shared<TokenTable>(TokenTable{
      std::move(bytes), {endIds.begin(), endIds.end()}, std::move(trie)});
}

class Tokens : public GrammarTokens {
public:
  Tokens(const Tokenizer &tokenizer, std::span<const int32_t> endIds)
      : tokenizer(tokenizer), table(readTokens(tokenizer, endIds)) {}

  std::unique_ptr<TokenConstraint>
  constrain(std::shared_ptr<const Grammar> given, int64_t maxTokens,
            std::string &error) override {
    std::shared_ptr<GrammarMasks> shared = masksOf(given->program(), error);
    return shared ? makeConstraint(std::move(shared), maxTokens, error)
                  : nullptr;
  }

  std::shared_ptr<const Grammar> gbnf(std::string_view text,
                                      std::string &error) override {
    return remembered(
        {Kind::Gbnf, {.gbnf = std::string(text)}},
        [&] { return Grammar::parse(text, "grammar", error); }, error);
  }
  std::shared_ptr<const Grammar> schema(std::string_view text,
                                        const SchemaOptions &options,
                                        std::string &error) override {
    return remembered(
        {Kind::Schema,
         {.schemas = {{"", std::string(text)}}, .options = options}},
        [&] { return Grammar::fromJsonSchema(text, options, "schema", error); },
        error);
  }
  std::shared_ptr<const Grammar> anyObject(const SchemaOptions &options,
                                           std::string &error) override {
    return remembered(
        {Kind::AnyObject, {.options = options}},
        [&] { return Grammar::anyObject(options, error); }, error);
  }
  std::shared_ptr<const Grammar> fromParts(const GrammarParts &parts,
                                           std::string_view name,
                                           std::string &error) override {
    return remembered(
        {Kind::Parts, parts},
        [&] { return Grammar::fromParts(parts, name, error); }, error);
  }

private:
  enum class Kind { Gbnf, Schema, AnyObject, Parts };
  /// All that a grammar is made of.
  struct Key {
    Kind kind;
    GrammarParts parts;
    bool operator==(const Key &) const = default;
  };

  template <typename MakeT>
  std::shared_ptr<const Grammar> remembered(Key key, const MakeT &make,
                                            std::string &error) {
    {
      std::lock_guard lock(mutex);
      if (auto *known = grammars.find(key)) {
        error.clear();
        return *known;
      }
    }
    std::shared_ptr<const Grammar> made = make();
    if (made) {
      std::lock_guard lock(mutex);
      grammars.add(std::move(key), made);
    }
    return made;
  }

  std::shared_ptr<GrammarMasks>
  masksOf(const std::shared_ptr<const Program> &program, std::string &error) {
    {
      std::lock_guard lock(mutex);
      if (auto *known = masks.find(program))
        return *known;
    }
    std::vector<int32_t> ids;
    for (const TokenMatch &match : program->tokens) {
      ids.push_back(idOf(match));
      if (ids.back() < 0) {
        error = "the vocabulary has no token " +
                (match.text.empty() ? std::to_string(match.id)
                                    : formats::quotedName(match.text)) +
                ", which the grammar names";
        return nullptr;
      }
    }
    auto made = std::make_shared<GrammarMasks>(program, table, std::move(ids));
    std::lock_guard lock(mutex);
    masks.add(program, made);
    return made;
  }

  int32_t idOf(const TokenMatch &match) const {
    if (!match.text.empty())
      return tokenizer.tokenToId(match.text).value_or(-1);
    return static_cast<size_t>(match.id) < table->bytes.size() ? match.id : -1;
  }

  static constexpr size_t kMostGrammars = 64;
  /// Their masks may take 64 MiB each.
  static constexpr size_t kMostMasks = 16;

  const Tokenizer &tokenizer;
  std::shared_ptr<const TokenTable> table;
  std::mutex mutex;
  LatestOnes<Key, std::shared_ptr<const Grammar>> grammars{kMostGrammars};
  LatestOnes<std::shared_ptr<const Program>, std::shared_ptr<GrammarMasks>>
      masks{kMostMasks};
};

} // namespace

std::shared_ptr<GrammarTokens>
GrammarTokens::create(const Tokenizer &tokenizer,
                      std::span<const int32_t> endIds, std::string &error) {
  bool hasEnd = std::ranges::any_of(endIds, [&](int32_t id) {
    return id >= 0 && id < tokenizer.vocabSize();
  });
  if (!hasEnd) {
    error = "no token of the model ends an answer, so none can be constrained";
    return nullptr;
  }
  error.clear();
  return std::make_shared<Tokens>(tokenizer, endIds);
}

} // namespace marimba::rt
