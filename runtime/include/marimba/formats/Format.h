//===- Format.h - How files store numbers -----------------------*- C++ -*-===//
//
// One format is one file of runtime/formats/ and one line of Formats.def. All
// else that is to be known of it follows from its description.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_FORMAT_H
#define MARIMBA_FORMATS_FORMAT_H

#include "marimba/formats/Foreign.h"
#include "marimba/formats/Layout.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace marimba::formats {

/// What a file holds of one part of a quantised matrix, and how that gets into
/// our order (Layout).
struct Part {
  PartKind kind = PartKind::Codes;
  /// Of blocks: writes what the block at `block` has of the part, in the order
  /// of Layout: words of codes and of high bits; a scale and a minimum for each
  /// group and super-block in it.
  void (*read)(const char *block, char *to) = nullptr;
};

/// A way to store rows of numbers, in blocks of some that follow each other.
struct Format {
  std::string_view name; // as GGUF and safetensors spell it
  int64_t elements = 1;  // of a block
  int64_t bytes = 0;     // of a block
  /// Exactly what `blocks` blocks stand for, in f32: the reference.
  void (*widen)(const char *from, float *to, int64_t blocks) = nullptr;
  /// What kernels read such a matrix as, with the same numbers; nothing where
  /// they read floating-point numbers.
  std::optional<Encoding> encoding{};
  /// The parts of `encoding`, in the order of Layout.
  std::array<Part, 6> parts{};

  /// How many of the part a block has: words, groups or super-blocks.
  int64_t perBlock(PartKind kind) const {
    switch (kind) {
    case PartKind::Codes:
      return elements / encoding->codesPerWord();
    case PartKind::HighBits:
      return elements / encoding->codesPerHighWord();
    case PartKind::Signs:
      return elements / 32;
    case PartKind::Scales:
      return elements / encoding->group / encoding->scalesPerByte();
    case PartKind::SuperScales:
    case PartKind::SuperMinimums:
      return elements / encoding->superBlock;
    default:
      return elements / encoding->group;
    }
  }
  /// Bytes of `count` elements, which are whole blocks.
  int64_t bytesOf(int64_t count) const { return count / elements * bytes; }
  bool isFloat() const { return elements == 1; }
};

/// Writes what row `channel`, `inputs` elements in the blocks at `row`, has of
/// `part` to its places in the whole part at `to` (Layout::of its encoding).
/// `inputs` is a multiple of the block and of Layout::kDepth.
void repackRow(const Format &format, const Part &part, const char *row,
               int64_t channel, int64_t inputs, char *to);

/// All formats, in the order in which messages list them.
std::span<const Format *const> allFormats();
/// Null where the name is none of them.
const Format *findFormat(std::string_view name);
/// "F32, F16 or BF16": for messages. With `blocks` of all formats.
std::string listFormats(bool blocks);

/// What a file holds in place of a tensor's elements.
struct Stored {
  /// Blocks, which become f32 or, with `part`, that part of a quantised matrix.
  const Format *format = nullptr;
  const Part *part = nullptr;
  /// Without both: a part in the order of another program.
  const ForeignPart *foreign = nullptr;

  /// Whether it is the elements themselves.
  bool isPlain() const { return !format && !foreign; }
  /// "Q8_0", "Q8_0-codes", "awq"; "" where it is plain.
  std::string name() const;
  /// The inverse of name(); nothing where the name is unknown.
  static std::optional<Stored> parse(std::string_view name);

  bool operator==(const Stored &) const = default;
};

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_FORMAT_H
