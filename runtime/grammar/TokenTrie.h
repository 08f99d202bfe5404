//===- TokenTrie.h - The bytes of all tokens --------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_TOKENTRIE_H
#define MARIMBA_RUNTIME_GRAMMAR_TOKENTRIE_H

#include "Rules.h"

#include <algorithm>
#include <array>

namespace marimba::rt::grammar {

/// A bit for each token, by id.
using TokenBits = std::vector<uint64_t>;

inline void setBit(TokenBits &bits, int32_t id) {
  bits[static_cast<size_t>(id) / 64] |= uint64_t(1) << (id % 64);
}
inline bool hasBit(const TokenBits &bits, int32_t id) {
  return id >= 0 && static_cast<size_t>(id) / 64 < bits.size() &&
         (bits[static_cast<size_t>(id) / 64] >> (id % 64) & 1);
}

/// Bytes by what they are in words, numbers and addresses: a bit for each of 16
/// kinds.
using ByteKinds = uint16_t;
ByteKinds kindOf(unsigned char byte);

/// Tokens by their bytes. Nodes are in the order of a walk that looks at
/// children before siblings.
class TokenTrie {
public:
  /// Longer tokens are left out: bytes spell what they do.
  static constexpr size_t kLongest = 128;

  struct Node {
    /// The node behind all that lie below this one.
    uint32_t skip;
    /// The first token here or below.
    uint32_t firstToken;
    unsigned char byte;
    /// The number of bytes from the beginning.
    unsigned char depth;
    /// The most bytes from this node's on, itself included.
    unsigned char height;
    /// The most characters that begin here or below; those that begin before,
    /// too.
    unsigned char characters, allCharacters;
    /// Whether a character begins here and all tokens here and below go on with
    /// plain characters; perhaps a part of one at their end.
    bool isPlain : 1;
    /// Whether it is so from the beginning of the tokens on.
    bool isPlainFromStart : 1;
    /// Whether no token here or below ends inside a character.
    bool isWhole : 1;
    /// Of all bytes here and below.
    ByteKinds kinds;
  };

  /// `bytes[I]`: of token I; empty where it has none or must not be chosen.
  explicit TokenTrie(const std::vector<std::string> &bytes);

  /// One more than there are, whose firstToken is tokens().size().
  const std::vector<Node> &nodes() const { return allNodes; }
  size_t nodeCount() const { return allNodes.size() - 1; }
  /// Ids in the order of the nodes.
  const std::vector<int32_t> &tokens() const { return ids; }
  /// All tokens that are here.
  const TokenBits &all() const { return allBits; }
  /// Those of at most `characters`, 1 or more, which are all plain; a part of
  /// one at their end counts as one, or `isWhole` leaves it out. Above
  /// kMostCharacters, as many as there are.
  static constexpr int kMostCharacters = 16;
  const TokenBits &plain(int characters, bool isWhole) const {
    auto most = static_cast<size_t>(std::min(characters, kMostCharacters + 1));
    return (isWhole ? wholePlain : anyPlain)[most - 1];
  }
  /// Bytes that are tokens by themselves.
  const ByteSet &singleBytes() const { return singles; }
  /// The bytes of the longest.
  size_t longest() const { return longestToken; }
  /// Words of a TokenBits.
  size_t words() const { return allBits.size(); }

private:
  void build(const std::vector<std::string> &bytes);
  void findPlain();
  void setPlain(const Node &node, uint32_t end, int characters, bool isWhole);

  std::vector<Node> allNodes;
  std::vector<int32_t> ids;
  TokenBits allBits;
  /// By the most characters; the last ones by none.
  std::array<TokenBits, kMostCharacters + 1> anyPlain, wholePlain;
  ByteSet singles;
  size_t longestToken = 0;
};

/// Whether a byte of ASCII is plain: what stands in a text of JSON for itself.
constexpr bool isPlainAscii(unsigned char byte) {
  return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/// States of a decoder of UTF-8: 0 between characters.
struct Utf8State {
  static constexpr int kBetween = 0, kWrong = 8;
  /// The state behind `byte`.
  static int next(int state, unsigned char byte);
};

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_TOKENTRIE_H
