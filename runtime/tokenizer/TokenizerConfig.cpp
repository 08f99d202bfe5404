//===- TokenizerConfig.cpp - What stands beside a tokenizer ---------------===//

#include "TokenizerConfig.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace marimba::rt::text {

namespace {

/// What a class takes where the files say nothing.
struct ClassDefaults {
  std::string_view name;
  bool isLlamaLike;
  std::string_view start, end;
};

} // namespace

constexpr ClassDefaults classes[] = {
    {"LlamaTokenizer", true, "<s>", "</s>"},
    {"CodeLlamaTokenizer", true, "<s>", "</s>"},
    {"GemmaTokenizer", true, "<bos>", "<eos>"},
    {"CohereTokenizer", true, "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"},
    {"GPT2Tokenizer", false, "<|endoftext|>", "<|endoftext|>"},
    {"GPTNeoXTokenizer", false, "<|endoftext|>", "<|endoftext|>"},
    {"CodeGenTokenizer", false, "<|endoftext|>", "<|endoftext|>"},
    {"Qwen2Tokenizer", false, "", "<|endoftext|>"},
};

/// The keys of the tokens that have a part to play.
constexpr std::string_view namedTokens[] = {
    "bos_token", "eos_token", "unk_token", "sep_token",
    "pad_token", "cls_token", "mask_token"};
/// Those of lists of more special tokens.
constexpr std::string_view tokenLists[] = {"additional_special_tokens",
                                           "extra_special_tokens"};

/// A token that is given by its text, or as an object with flags.
static AddedToken readToken(const Field &field) {
  AddedToken token;
  if (field.json().is_object())
    token = AddedToken::read(field);
  else if (field.json().is_string())
    token.content = field.getString();
  else
    field.failType("a string or an object");
  token.isSpecial = true;
  return token;
}

namespace {

class Reader {
public:
  Reader(const std::string &folder, Notes &notes)
      : folder(folder), notes(notes) {}

  TokenizerConfig read(const TokenizerConfigTexts &texts);

private:
  template <typename ReadT>
  void inFile(const char *name, const std::optional<std::string> &text,
              const ReadT &read);
  void readConfig(const Field &config);
  void readClass(const Field &config);
  void readTokensById(const Field &field);
  void readSpecial(const Field &object);
  void readLegacyTokens(const Field &object);
  bool isSpecialText(std::string_view text) const;

  const std::string &folder;
  Notes &notes;
  TokenizerConfig result;
  bool hasTokensById = false;
  /// By key. A null takes a token away that a class would have.
  std::map<std::string, std::optional<AddedToken>, std::less<>> named;
  std::vector<AddedToken> more;
};

} // namespace

/// Has `read` take the file, if it is there, and puts its path before whatever
/// is wrong or worth a note.
template <typename ReadT>
void Reader::inFile(const char *name, const std::optional<std::string> &text,
                    const ReadT &read) {
  if (!text)
    return;
  std::string path = folder + name;
  try {
    Json document = parseJson(*text);
    Notes own;
    read(Field(document, &own));
    for (const std::string &line : own.lines())
      notes.add(path + ": " + line);
  } catch (const FieldError &error) {
    throw FieldError(path + ": " + error.what());
  } catch (const Json::exception &error) {
    throw FieldError(path + ": is not valid JSON: " + error.what());
  }
}

/// A flag: a null counts as false, but as given.
static std::optional<bool> readFlag(const Field &object, std::string_view key) {
  if (!object.json().contains(key))
    return std::nullopt;
  return object.getBool(key, false);
}

void Reader::readClass(const Field &config) {
  if (std::optional<Field> name = config.find("tokenizer_class"))
    result.className = name->getString();
  constexpr std::string_view fast = "Fast";
  if (result.className.ends_with(fast))
    result.className.resize(result.className.size() - fast.size());
  for (const ClassDefaults &known : classes) {
    if (known.name != result.className)
      continue;
    result.isLlamaLike = known.isLlamaLike;
    if (!known.start.empty())
      result.startToken = known.start;
    if (!known.end.empty())
      result.endToken = known.end;
  }
}

/// `added_tokens_decoder`: tokens by their ids, which only order them.
void Reader::readTokensById(const Field &field) {
  if (!field.json().is_object())
    field.failType("an object");
  std::map<int64_t, AddedToken> tokens;
  for (const auto &[key, value] : field.json().items()) {
    int64_t id = 0;
    auto [stop, code] =
        std::from_chars(key.data(), key.data() + key.size(), id);
    if (code != std::errc() || stop != key.data() + key.size())
      field.fail("has the key " + quote(key) + ", expected a token id");
    tokens.insert_or_assign(id, AddedToken::read(field.at(key)));
  }
  for (auto &[id, token] : tokens) {
    if (id >= 0 && id <= INT32_MAX)
      token.id = static_cast<int32_t>(id);
    result.tokens.push_back(std::move(token));
  }
  hasTokensById = true;
}

/// The special tokens of either file; those of a later call win.
void Reader::readSpecial(const Field &object) {
  for (std::string_view key : namedTokens) {
    if (!object.json().contains(key))
      continue;
    std::optional<Field> value = object.find(key);
    // An empty text is no token, either.
    bool isToken = value && value->json() != "";
    named[std::string(key)] =
        isToken ? std::optional<AddedToken>(readToken(*value)) : std::nullopt;
  }
  for (std::string_view key : tokenLists) {
    std::optional<Field> list = object.find(key);
    if (!list)
      continue;
    if (list->json().is_object()) {
      for (const auto &[name, value] : list->json().items())
        if (!value.is_null())
          more.push_back(readToken(list->at(name)));
      continue;
    }
    for (const Field &item : list->items())
      more.push_back(readToken(item));
  }
}

bool Reader::isSpecialText(std::string_view text) const {
  return std::any_of(named.begin(), named.end(),
                     [&](const auto &entry) {
                       return entry.second && entry.second->content == text;
                     }) ||
         std::any_of(more.begin(), more.end(), [&](const AddedToken &token) {
           return token.content == text;
         });
}

/// added_tokens.json: ids by the tokens' texts.
void Reader::readLegacyTokens(const Field &object) {
  if (!object.json().is_object())
    object.failType("an object");
  std::multimap<int32_t, AddedToken> tokens;
  for (const auto &[text, value] : object.json().items()) {
    AddedToken token;
    token.content = text;
    token.isSpecial = isSpecialText(text);
    token.isNormalized = !token.isSpecial;
    tokens.emplace(object.at(text).getId(), std::move(token));
  }
  for (auto &[id, token] : tokens)
    result.tokens.push_back(std::move(token));
}

void Reader::readConfig(const Field &config) {
  readClass(config);
  result.addsStart = readFlag(config, "add_bos_token");
  result.addsEnd = readFlag(config, "add_eos_token");
  if (std::optional<Field> space = config.find("add_prefix_space"))
    result.addPrefixSpace = space->getBool();
  result.findsSpecial = !config.getBool("split_special_tokens", false);
  if (std::optional<Field> tokens = config.find("added_tokens_decoder"))
    readTokensById(*tokens);
  readSpecial(config);
}

TokenizerConfig Reader::read(const TokenizerConfigTexts &texts) {
  inFile("tokenizer_config.json", texts.config,
         [&](const Field &config) { readConfig(config); });
  // The other two are from before there was that field, and only then read.
  if (!hasTokensById) {
    inFile("special_tokens_map.json", texts.specialTokensMap,
           [&](const Field &map) { readSpecial(map); });
    inFile("added_tokens.json", texts.addedTokens,
           [&](const Field &tokens) { readLegacyTokens(tokens); });
  }
  for (std::string_view key : namedTokens) {
    auto entry = named.find(key);
    if (entry == named.end())
      continue;
    std::optional<std::string> text;
    if (entry->second) {
      text = entry->second->content;
      result.specials.push_back(std::move(*entry->second));
    }
    if (key == "bos_token")
      result.startToken = text;
    else if (key == "eos_token")
      result.endToken = text;
  }
  for (AddedToken &token : more)
    result.specials.push_back(std::move(token));
  return std::move(result);
}

TokenizerConfig readTokenizerConfig(const std::string &folder,
                                    const TokenizerConfigTexts &texts,
                                    Notes &notes) {
  return Reader(folder, notes).read(texts);
}

//===----------------------------------------------------------------------===//
// The space in front of a text
//===----------------------------------------------------------------------===//

/// Calls `change` with `stage`, or with each of a sequence, which is the array
/// `key` of it; drops those for which it gives false.
template <typename ChangeT>
static void changeStages(Json &stage, const char *key, const ChangeT &change) {
  if (!stage.is_object())
    return;
  auto stages = stage.find(key);
  if (stages == stage.end()) {
    if (!change(stage))
      stage = nullptr;
    return;
  }
  Json kept = Json::array();
  if (!stages->is_array())
    return;
  for (Json &item : *stages)
    if (!item.is_object() || change(item))
      kept.push_back(std::move(item));
  *stages = std::move(kept);
}

static bool isType(const Json &stage, std::string_view name) {
  auto type = stage.find("type");
  return type != stage.end() && *type == name;
}

/// As the classes of Llama make the stages without it.
static void dropLlamaPrefix(Json &document) {
  auto forbid = [](Json &stage) {
    if (isType(stage, "Metaspace")) {
      stage["prepend_scheme"] = "never";
      stage.erase("add_prefix_space");
    }
    return true;
  };
  changeStages(document["normalizer"], "normalizers",
               [](Json &stage) { return !isType(stage, "Prepend"); });
  changeStages(document["pre_tokenizer"], "pretokenizers", forbid);
  changeStages(document["decoder"], "decoders", [&](Json &stage) {
    forbid(stage);
    return !isType(stage, "Strip");
  });
}

void applyPrefixSpace(const TokenizerConfig &config, Json &document) {
  if (!config.addPrefixSpace || !document.is_object())
    return;
  if (config.isLlamaLike) {
    if (!*config.addPrefixSpace)
      dropLlamaPrefix(document);
    return;
  }
  // Not in a sequence: there the class does not look.
  auto stage = document.find("pre_tokenizer");
  if (stage != document.end() && stage->is_object() &&
      isType(*stage, "ByteLevel"))
    (*stage)["add_prefix_space"] = *config.addPrefixSpace;
}

} // namespace marimba::rt::text
