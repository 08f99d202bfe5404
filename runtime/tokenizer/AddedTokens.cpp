//===- AddedTokens.cpp - Tokens found before any model runs ---------------===//

#include "AddedTokens.h"

#include "Unicode.h"

#include <algorithm>
#include <limits>

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
    if (token.isSpecial && !findsSpecial)
      continue;
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
    // Spaces that the token before has taken are not there any more.
    if (begin >= end)
      continue;
    if (done < begin)
      parts.push_back({std::nullopt, text.substr(done, begin - done)});
    parts.push_back({token.id, text.substr(begin, end - begin)});
    done = end;
  }
  if (done < text.size())
    parts.push_back({std::nullopt, text.substr(done)});
}

AddedToken AddedToken::read(const Field &item) {
  AddedToken token;
  token.content = item.at("content").getString();
  token.isSpecial = item.getBool("special", false);
  token.isSingleWord = item.getBool("single_word", false);
  token.stripsLeft = item.getBool("lstrip", false);
  token.stripsRight = item.getBool("rstrip", false);
  token.isNormalized = item.getBool("normalized", !token.isSpecial);
  return token;
}

/// The id of the next token that is nowhere yet.
int64_t AddedTokens::firstFreeId() const {
  // Not the highest id of the model: an id may be left out there, and still is
  // counted on.
  return std::max(model.tokenCount(), limit);
}

int32_t AddedTokens::addOne(AddedToken token, int64_t &freeId) {
  auto known = idOfContent.find(token.content);
  if (known != idOfContent.end()) {
    token.id = known->second;
    auto before = tokenOfId.find(token.id);
    token.isSpecial |=
        before->second.content == token.content && before->second.isSpecial;
  } else if (std::optional<int32_t> id = model.tokenToId(token.content)) {
    token.id = *id;
  } else {
    if (freeId >= std::numeric_limits<int32_t>::max())
      throw FieldError("has no id left for the token " + quote(token.content));
    token.id = static_cast<int32_t>(freeId++);
  }
  limit = std::max<int64_t>(limit, int64_t(token.id) + 1);
  idOfContent.insert_or_assign(token.content, token.id);
  int32_t id = token.id;
  tokenOfId.insert_or_assign(id, std::move(token));
  return id;
}

void AddedTokens::addFrom(const Field &field) {
  int64_t freeId = firstFreeId();
  for (const Field &item : field.items()) {
    AddedToken token = AddedToken::read(item);
    int32_t wanted = item.at("id").getId();
    if (token.content.empty()) {
      item.note("has no text and is left out");
      continue;
    }
    std::string name = quote(token.content);
    const AddedToken *before = find(token.content);
    if (before)
      item.note("is " + name +
                ", an earlier added token: the last flags are used");
    int32_t id = addOne(std::move(token), freeId);
    if (id != wanted)
      item.note("says that the id of " + name + " is " +
                std::to_string(wanted) + ", but it is " + std::to_string(id) +
                (before ? ""
                 : model.tokenToId(find(id)->content)
                     ? ", by model.vocab"
                     : ", the next that is free"));
  }
}

void AddedTokens::add(const std::vector<AddedToken> &tokens) {
  int64_t freeId = firstFreeId();
  for (const AddedToken &token : tokens)
    if (!token.content.empty())
      addOne(token, freeId);
}

void AddedTokens::addSpecial(const std::vector<AddedToken> &tokens) {
  int64_t freeId = firstFreeId();
  for (AddedToken token : tokens) {
    auto known = idOfContent.find(token.content);
    if (known != idOfContent.end()) {
      tokenOfId.find(known->second)->second.isSpecial = true;
    } else if (!token.content.empty()) {
      token.isSpecial = true;
      addOne(std::move(token), freeId);
    }
  }
}

void AddedTokens::finish(bool findsSpecial) {
  // By their ids, for the same result each time.
  std::vector<const AddedToken *> tokens;
  for (const auto &entry : tokenOfId)
    tokens.push_back(&entry.second);
  std::sort(tokens.begin(), tokens.end(),
            [](const auto *a, const auto *b) { return a->id < b->id; });
  for (const AddedToken *token : tokens) {
    if (!token->isNormalized)
      raw.add(*token, token->content);
    else if (normalizer)
      normalized.add(*token, normalizer->normalize(token->content));
    else
      normalized.add(*token, token->content);
  }
  raw.setFindsSpecial(findsSpecial);
  normalized.setFindsSpecial(findsSpecial);
}

const AddedToken *AddedTokens::find(int32_t id) const {
  auto entry = tokenOfId.find(id);
  return entry == tokenOfId.end() ? nullptr : &entry->second;
}

const AddedToken *AddedTokens::find(std::string_view content) const {
  auto entry = idOfContent.find(std::string(content));
  return entry == idOfContent.end() ? nullptr : find(entry->second);
}

} // namespace marimba::rt::text
