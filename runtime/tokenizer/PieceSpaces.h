//===- PieceSpaces.h - Texts as a unigram vocabulary sees them --*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_PIECESPACES_H
#define MARIMBA_RUNTIME_TOKENIZER_PIECESPACES_H

#include "CharsMap.h"
#include "Pipeline.h"

namespace marimba::rt::text {

/// What SentencePiece does with a text before it looks for pieces.
struct PieceSpaces {
  CharsMap charsMap;
  /// Spaces at both ends go, those side by side become one.
  bool removesExtra = false;
  /// A text that is not empty gets a space in front.
  bool addsPrefix = false;

  /// `text` by these rules, in this order, with U+2581 for each space.
  std::string normalize(std::string_view text) const;
};

/// `model` with texts that are normalized first.
std::unique_ptr<Model> createPiecesModel(PieceSpaces spaces,
                                         std::unique_ptr<Model> model);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_PIECESPACES_H
