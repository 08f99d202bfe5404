//===- TokenTrie.cpp - The bytes of all tokens ----------------------------===//

#include "TokenTrie.h"

#include <algorithm>

namespace marimba::rt::grammar {

int Utf8State::next(int state, unsigned char byte) {
  struct Step {
    unsigned char first, last;
    int next;
  };
  // 1 to 3: so many bytes are missing; 4 to 7: behind E0, ED, F0 and F4.
  constexpr Step steps[] = {{0, 0, 0},       {0x80, 0xBF, 0}, {0x80, 0xBF, 1},
                            {0x80, 0xBF, 2}, {0xA0, 0xBF, 1}, {0x80, 0x9F, 1},
                            {0x90, 0xBF, 2}, {0x80, 0x8F, 2}};
  if (state != kBetween && state != kWrong)
    return byte >= steps[state].first && byte <= steps[state].last
               ? steps[state].next
               : kWrong;
  if (byte < 0x80)
    return kBetween;
  if (byte < 0xC2 || byte > 0xF4)
    return kWrong;
  if (byte < 0xE0)
    return 1;
  if (byte < 0xF0)
    return byte == 0xE0 ? 4 : byte == 0xED ? 5 : 2;
  return byte == 0xF0 ? 6 : byte == 0xF4 ? 7 : 3;
}

ByteKinds kindOf(unsigned char byte) {
  auto bit = [](int kind) { return static_cast<ByteKinds>(1 << kind); };
  if (byte >= 0x80)
    return bit(byte < 0xC0 ? 0 : 1);
  // Hexadecimal letters are apart from others.
  if (byte >= 'a' && byte <= 'z')
    return bit(byte <= 'f' ? 2 : 3);
  if (byte >= 'A' && byte <= 'Z')
    return bit(byte <= 'F' ? 4 : 5);
  if (byte >= '0' && byte <= '9')
    return bit(6);
  constexpr std::string_view single = " _-.,:/";
  if (size_t at = single.find(static_cast<char>(byte));
      at != std::string_view::npos)
    return bit(7 + static_cast<int>(at));
  return bit(isPlainAscii(byte) ? 14 : 15);
}

/// Whether `byte` goes on with a character.
static bool isContinuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

TokenTrie::TokenTrie(const std::vector<std::string> &bytes)
    : allBits((bytes.size() + 63) / 64) {
  anyPlain.fill(allBits);
  wholePlain.fill(allBits);
  build(bytes);
  findPlain();
}

void TokenTrie::build(const std::vector<std::string> &bytes) {
  for (size_t i = 0; i < bytes.size(); ++i)
    if (!bytes[i].empty() && bytes[i].size() <= kLongest)
      ids.push_back(static_cast<int32_t>(i));
  std::sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    int order =
        bytes[static_cast<size_t>(a)].compare(bytes[static_cast<size_t>(b)]);
    return order != 0 ? order < 0 : a < b;
  });
  // The nodes on the way to the latest token.
  std::vector<uint32_t> way;
  std::string_view before;
  auto leave = [&](size_t depth) {
    for (; way.size() > depth; way.pop_back())
      allNodes[way.back()].skip = static_cast<uint32_t>(allNodes.size());
  };
  for (size_t i = 0; i < ids.size(); ++i) {
    std::string_view text = bytes[static_cast<size_t>(ids[i])];
    setBit(allBits, ids[i]);
    if (text.size() == 1)
      singles.set(static_cast<unsigned char>(text[0]));
    longestToken = std::max(longestToken, text.size());
    size_t shared = static_cast<size_t>(
        std::ranges::mismatch(text, before).in1 - text.begin());
    leave(shared);
    for (size_t at = shared; at < text.size(); ++at) {
      way.push_back(static_cast<uint32_t>(allNodes.size()));
      Node node{};
      node.firstToken = static_cast<uint32_t>(i);
      node.byte = static_cast<unsigned char>(text[at]);
      node.depth = static_cast<unsigned char>(at + 1);
      allNodes.push_back(node);
    }
    before = text;
  }
  leave(0);
  Node last{};
  last.skip = static_cast<uint32_t>(allNodes.size() + 1);
  last.firstToken = static_cast<uint32_t>(ids.size());
  allNodes.push_back(last);
}

/// Tokens that end at `node`, of plain characters only.
void TokenTrie::setPlain(const Node &node, uint32_t end, int characters,
                         bool isWhole) {
  auto first = static_cast<size_t>(std::min(characters, kMostCharacters + 1));
  for (uint32_t t = node.firstToken; t < end; ++t)
    for (size_t most = first; most <= anyPlain.size(); ++most) {
      setBit(anyPlain[most - 1], ids[t]);
      if (isWhole)
        setBit(wholePlain[most - 1], ids[t]);
    }
}

void TokenTrie::findPlain() {
  size_t count = nodeCount();
  // Behind each node's byte: the decoder's state; whether the byte is plain.
  std::vector<char> begins(count), good(count), goodFromStart(count),
      whole(count);
  std::vector<int> states(kLongest + 1), characters(kLongest + 1);
  std::vector<char> goodWay(kLongest + 1);
  goodWay[0] = true;
  for (size_t i = 0; i < count; ++i) {
    Node &node = allNodes[i];
    int before = states[node.depth - 1u];
    int after = Utf8State::next(before, node.byte);
    states[node.depth] = after;
    bool isFirst = !isContinuation(node.byte);
    begins[i] = isFirst &&
                (before == Utf8State::kBetween || before == Utf8State::kWrong);
    good[i] = after != Utf8State::kWrong &&
              (node.byte >= 0x80 || isPlainAscii(node.byte));
    goodWay[node.depth] = goodWay[node.depth - 1u] && good[i];
    goodFromStart[i] = goodWay[node.depth];
    whole[i] = after == Utf8State::kBetween || after == Utf8State::kWrong ||
               node.firstToken == allNodes[i + 1].firstToken;
    characters[node.depth] = characters[node.depth - 1u] + isFirst;
    node.allCharacters = static_cast<unsigned char>(characters[node.depth]);
    if (goodFromStart[i])
      setPlain(node, allNodes[i + 1].firstToken, characters[node.depth],
               whole[i]);
  }
  // From the leaves up: a node's children are between it and its skip.
  auto raise = [](unsigned char &most, unsigned char value) {
    most = std::max(most, value);
  };
  std::vector<char> subtree(count);
  for (size_t i = count; i-- > 0;) {
    Node &node = allNodes[i];
    bool allGood = good[i], allWhole = whole[i];
    node.height = 1;
    node.kinds = kindOf(node.byte);
    for (uint32_t child = static_cast<uint32_t>(i) + 1; child < node.skip;
         child = allNodes[child].skip) {
      const Node &below = allNodes[child];
      allGood = allGood && subtree[child];
      allWhole = allWhole && below.isWhole;
      node.kinds |= below.kinds;
      raise(node.height, static_cast<unsigned char>(below.height + 1));
      raise(node.characters, below.characters);
      raise(node.allCharacters, below.allCharacters);
    }
    node.characters += !isContinuation(node.byte);
    subtree[i] = allGood;
    node.isPlain = begins[i] && allGood;
    node.isPlainFromStart = goodFromStart[i] && allGood;
    node.isWhole = allWhole;
  }
}

} // namespace marimba::rt::grammar
