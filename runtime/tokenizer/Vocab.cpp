//===- Vocab.cpp - Tokens and their ids -----------------------------------===//

#include "Vocab.h"

#include <algorithm>
#include <charconv>

namespace marimba::rt::text {

bool Vocab::tryAdd(std::string_view token, int32_t id) {
  if (tokenOfId.contains(id))
    return false;
  auto entry = idOfToken.insert_or_assign(std::string(token), id).first;
  tokenOfId.emplace(id, &entry->first);
  limit = std::max<int64_t>(limit, int64_t(id) + 1);
  return true;
}

void Vocab::add(const Field &field, std::string_view token, int32_t id) {
  if (tryAdd(token, id))
    return;
  field.note("gives the id " + std::to_string(id) + " to both " +
             quote(*idToToken(id)) + " and " + quote(token) +
             ": it is read back as the first");
  idOfToken.insert_or_assign(std::string(token), id);
}

void Vocab::reserve(size_t count) {
  tokenOfId.reserve(count);
  idOfToken.reserve(count);
}

void readVocab(const Field &field, Vocab &vocab) {
  if (!field.json().is_object())
    field.failType("an object");
  const auto &entries = field.json().get_ref<const Json::object_t &>();
  vocab.reserve(entries.size());
  for (const auto &[token, idValue] : entries) {
    // Not by way of Field: its path would cost more than all the rest.
    if (!idValue.is_number_unsigned() || idValue.get<uint64_t>() >= INT32_MAX)
      field.at(token).getId();
    vocab.add(field, token, idValue.get<int32_t>());
  }
}

ByteTokens::ByteTokens(const Vocab &vocab) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (size_t byte = 0; byte < idOfByte.size(); ++byte)
    idOfByte[byte] = vocab.tokenToId(
        std::string{'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'});
}

bool ByteTokens::append(std::string_view bytes,
                        std::vector<int32_t> &ids) const {
  size_t size = ids.size();
  for (unsigned char byte : bytes) {
    if (!idOfByte[byte]) {
      ids.resize(size);
      return false;
    }
    ids.push_back(*idOfByte[byte]);
  }
  return true;
}

std::optional<unsigned char> ByteTokens::parse(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>')
    return std::nullopt;
  unsigned char byte;
  const char *end = token.data() + 5;
  auto [stop, code] = std::from_chars(token.data() + 3, end, byte, 16);
  return code == std::errc() && stop == end ? std::optional(byte)
                                            : std::nullopt;
}

} // namespace marimba::rt::text
