//===- AddedTokens.cpp - Tokens found before any model runs ---------------===//

#include "AddedTokens.h"

#include "Unicode.h"

#include <algorithm>

namespace marimba::rt::text {

/// Whether `start` and `end` in `text` are not next to word characters.
static bool isSingleWord(std::string_view text, size_t start, size_t end) {
  if (start > 0 && isWordChar(previousChar(text, start)))
    return false;
  return end == text.size() || !isWordChar(nextChar(text, end));
}

/// Where the spaces that end at `end` start, but not before `limit`.
static size_t spacesStart(std::string_view text, size_t end, size_t limit) {
  while (end > limit) {
    size_t start = end;
    if (!isSpace(previousChar(text, start)))
      break;
    end = start;
  }
  return end;
}

/// Where the spaces that start at `start` end.
static size_t spacesEnd(std::string_view text, size_t start) {
  while (start < text.size()) {
    size_t end = start;
    if (!isSpace(nextChar(text, end)))
      break;
    start = end;
  }
  return start;
}

void TokenMatcher::add(const AddedToken &token, std::string_view pattern) {
  std::optional<const AddedToken *> &entry = trie.insert(pattern);
  if (!entry)
    entry = &token;
}

std::optional<TokenMatcher::Match>
TokenMatcher::longestMatch(std::string_view text, size_t start) const {
  std::optional<Match> longest;
  trie.forEachPrefix(text.substr(start),
                     [&](size_t length, const AddedToken *token) {
                       longest = Match{token, start + length};
                     });
  return longest;
}

void TokenMatcher::split(std::string_view text,
                         std::vector<TextPart> &parts) const {
  size_t done = 0;
  // The spaces that stripsRight found last, to find them only once.
  size_t knownStart = 0, knownEnd = 0;
  for (size_t start = 0; start < text.size();) {
    std::optional<Match> match = longestMatch(text, start);
    if (!match) {
      ++start;
      continue;
    }
    const AddedToken &token = *match->token;
    size_t begin = start, end = match->end;
    start = match->end;
    if (token.isSingleWord && !isSingleWord(text, begin, end))
      continue;
    if (token.stripsLeft)
      begin = std::max(spacesStart(text, begin, std::min(done, begin)), done);
    if (token.stripsRight) {
      if (end < knownStart || end >= knownEnd) {
        knownStart = end;
        knownEnd = spacesEnd(text, end);
      }
      end = std::max(end, knownEnd);
    }
    if (done < begin)
      parts.push_back({std::nullopt, text.substr(done, begin - done)});
    parts.push_back({token.id, {}});
    done = end;
  }
  if (done < text.size())
    parts.push_back({std::nullopt, text.substr(done)});
}

AddedTokens::AddedTokens(const std::optional<Field> &field, const Model &model,
                         const Normalizer *normalizer) {
  if (!field)
    return;
  std::vector<Field> items = field->items();
  tokens.reserve(items.size());
  for (const Field &item : items)
    read(item, model);
  for (const AddedToken &token : tokens) {
    if (!token.isNormalized)
      raw.add(token, token.content);
    else if (normalizer)
      normalized.add(token, normalizer->normalize(token.content));
    else
      normalized.add(token, token.content);
  }
}

void AddedTokens::read(const Field &item, const Model &model) {
  bool isSpecial = item.getBool("special", false);
  tokens.push_back(
      {std::string(item.at("content").getString()), item.at("id").getId(),
       isSpecial, item.getBool("single_word", false),
       item.getBool("lstrip", false), item.getBool("rstrip", false),
       item.getBool("normalized", !isSpecial)});
  const AddedToken &token = tokens.back();
  std::string id = std::to_string(token.id);
  if (!tokenOfId.emplace(token.id, &token).second)
    item.at("id").fail("is " + id + ", the id of an added token before it");
  if (!tokenOfContent.emplace(token.content, &token).second)
    item.at("content").fail("is " + quote(token.content) +
                            ", the same as an added token before it");
  const std::string *modelToken = model.idToToken(token.id);
  if (modelToken && *modelToken != token.content)
    item.at("id").fail("is " + id + ", which model.vocab gives to " +
                       quote(*modelToken));
  std::optional<int32_t> modelId = model.tokenToId(token.content);
  if (modelId && *modelId != token.id)
    item.at("id").fail("is " + id + ", but model.vocab gives " +
                       quote(token.content) + " the id " +
                       std::to_string(*modelId));
  limit = std::max<int64_t>(limit, int64_t(token.id) + 1);
}

const AddedToken *AddedTokens::find(int32_t id) const {
  auto entry = tokenOfId.find(id);
  return entry == tokenOfId.end() ? nullptr : entry->second;
}

const AddedToken *AddedTokens::find(std::string_view content) const {
  auto entry = tokenOfContent.find(content);
  return entry == tokenOfContent.end() ? nullptr : entry->second;
}

} // namespace marimba::rt::text
