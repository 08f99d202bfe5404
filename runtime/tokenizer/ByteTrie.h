//===- ByteTrie.h - Finding strings at the start of a text ------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_BYTETRIE_H
#define MARIMBA_RUNTIME_TOKENIZER_BYTETRIE_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace marimba::rt::text {

/// A map from strings to values that finds all strings a text starts with.
template <typename ValueT> class ByteTrie {
public:
  ByteTrie() { roots.fill(none); }

  /// The value of `key`, new where there is none. The empty key is never found.
  std::optional<ValueT> &insert(std::string_view key) {
    size_t node = 0;
    for (size_t i = 0; i < key.size(); ++i) {
      size_t &next = i == 0 ? rootEdge(key[0]) : innerEdge(node, key[i]);
      if (next == none) {
        next = values.size();
        values.emplace_back();
      }
      node = next;
    }
    return values[node];
  }

  /// Calls `found` with the length and value of each key that `text` starts
  /// with, the shortest first.
  template <typename FoundT>
  void forEachPrefix(std::string_view text, const FoundT &found) const {
    if (text.empty())
      return;
    size_t node = roots[static_cast<unsigned char>(text[0])];
    for (size_t i = 1; node != none; ++i) {
      if (values[node])
        found(i, *values[node]);
      if (i == text.size())
        return;
      auto edge = edges.find(edgeKey(node, text[i]));
      node = edge == edges.end() ? none : edge->second;
    }
  }

private:
  static constexpr size_t none = std::numeric_limits<size_t>::max();

  static uint64_t edgeKey(size_t node, char byte) {
    return static_cast<uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
  }
  size_t &rootEdge(char byte) {
    return roots[static_cast<unsigned char>(byte)];
  }
  size_t &innerEdge(size_t node, char byte) {
    return edges.emplace(edgeKey(node, byte), none).first->second;
  }

  /// The edges of the root, node 0: most texts get no further.
  std::array<size_t, 256> roots;
  std::unordered_map<uint64_t, size_t> edges;
  /// By node.
  std::vector<std::optional<ValueT>> values =
      std::vector<std::optional<ValueT>>(1);
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_BYTETRIE_H
