//===- SessionPieces.cpp - Ragged batches in pieces -----------------------===//

#include "SessionImpl.h"

#include "marimba/ThreadTeam.h"

#include <algorithm>

namespace marimba::rt {

/// What decides which code computes a piece of so many tokens.
static int kindOf(int64_t tokens) { return tokens > 1 ? 2 : int(tokens); }

std::vector<Session::Piece> Session::nextPieces(const Request &request) const {
  std::vector<Piece> pieces;
  int kind = 0;
  for (int32_t row = 0; row < request.batch(); ++row) {
    auto r = static_cast<size_t>(row);
    int64_t left =
        static_cast<int64_t>(request.rows[r].size()) - request.done[r];
    int64_t count = std::min(left, untilPieceEnds(request.firstSlot + row));
    // A row alone in its piece takes the same code: one token does not become
    // one of many because of its neighbour, or the other way round.
    if (kindOf(count) != kind) {
      kind = kindOf(count);
      if (kind)
        pieces.emplace_back().first = row;
    }
    if (!kind)
      continue;
    pieces.back().valid.push_back(count);
    pieces.back().size = std::max(pieces.back().size, count);
  }
  return pieces;
}

bool Session::run(Request &request, std::string &error) {
  bool ok = true;
  // Other sessions have their turn between pieces.
  for (std::vector<Piece> pieces = nextPieces(request); ok && !pieces.empty();
       pieces = nextPieces(request))
    for (Piece &piece : pieces)
      if (ok)
        onTeam(settings.threads, [&] { ok = runPiece(request, piece, error); });
  return ok;
}

bool Session::runPiece(Request &request, Piece &piece, std::string &error) {
  const CompiledModule &module = shared->module();
  bool ends = false;
  for (int32_t row = 0; row < piece.batch(); ++row) {
    auto r = static_cast<size_t>(piece.first + row);
    ends = ends || request.done[r] + piece.valid[static_cast<size_t>(row)] ==
                       static_cast<int64_t>(request.rows[r].size());
  }
  if (request.wanted == LogitsWanted::All)
    piece.positions = piece.size;
  else if (request.wanted == LogitsWanted::Last && ends)
    piece.positions = 1;
  bool single = piece.size == 1;
  const EntrySpec &spec =
      single ? module.description.decode : module.description.prefill;
  if (!bindArgs(spec, request, piece, error))
    return false;

  ctx->clear();
  MarimbaCall call = {};
  call.weights = shared->weights().table().data();
  call.weightCount = static_cast<int32_t>(shared->weights().table().size());
  call.args = piece.args.data();
  call.argCount = static_cast<int32_t>(piece.args.size());
  int32_t status = ctx->run(single ? module.decode : module.prefill, call);
  if (status != MARIMBA_OK || !ctx->ok()) {
    error = "module '" + module.description.name + "', entry " +
            (single ? "decode" : "prefill") + ": " +
            (ctx->ok() ? "failed with status " + std::to_string(status)
                       : ctx->message());
    return false;
  }
  takeResults(request, piece);
  return true;
}

void Session::takeResults(Request &request, const Piece &piece) {
  int64_t vocabulary = shared->description().vocabulary;
  for (int32_t row = 0; row < piece.batch(); ++row) {
    auto r = static_cast<size_t>(piece.first + row);
    const std::vector<int32_t> &ids = request.rows[r];
    int64_t begin = request.done[r];
    int64_t count = piece.valid[static_cast<size_t>(row)];
    std::vector<int32_t> &sequence =
        sequences[static_cast<size_t>(request.firstSlot + piece.first + row)];
    sequence.insert(sequence.end(), ids.begin() + begin,
                    ids.begin() + begin + count);
    request.done[r] += count;
    const float *from = piece.logits + row * piece.positions * vocabulary;
    int64_t token = request.offsets[r] + begin;
    if (request.wanted == LogitsWanted::All)
      std::copy_n(from, count * vocabulary,
                  request.logits.data() + token * vocabulary);
    else if (request.wanted == LogitsWanted::Last &&
             request.done[r] == static_cast<int64_t>(ids.size()))
      std::copy_n(from, vocabulary,
                  request.logits.data() + static_cast<int64_t>(r) * vocabulary);
    if (!request.hidden)
      continue;
    request.hidden->resize(
        static_cast<size_t>(piece.layers * request.tokens * piece.width));
    for (int64_t layer = 0; layer < piece.layers; ++layer)
      std::copy_n(piece.hidden +
                      (layer * piece.batch() + row) * piece.size * piece.width,
                  count * piece.width,
                  request.hidden->data() +
                      (layer * request.tokens + token) * piece.width);
  }
}

} // namespace marimba::rt
