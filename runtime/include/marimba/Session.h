//===- Session.h - Sequences that run through a model -----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_SESSION_H
#define MARIMBA_RUNTIME_SESSION_H

#include "marimba/Context.h"
#include "marimba/Model.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

class SavedState;
class StatePool;
struct StateOrigin;

struct SessionOptions {
  int32_t slots = 1;      // sequences held at once
  int32_t threads = 0;    // 0: as many as the process has cpus
  int32_t chunk = 512;    // tokens of a piece (Session)
  int64_t capacity = 256; // tokens of attention state to begin with; grows
  int64_t arenaBytes = Context::kDefaultArenaBytes;
};

/// What a session holds, in bytes.
struct SessionMemory {
  int64_t arenaPeak = 0; // scratch memory: the most at once
  int64_t keyValues = 0; // of the tokens in all slots
  int64_t states = 0;    // of all slots, whatever they hold
};

/// For which of the given tokens logits are wanted.
enum class LogitsWanted { None, Last, All };

/// What a session remembers of the beginning of a sequence, except what is kept
/// of each token (keys and values): those stay in the slot.
class Snapshot {
public:
  /// Tokens that the sequence had.
  int64_t tokens() const { return count; }
  /// Memory that it takes.
  int64_t bytes() const { return states.size(); }
  /// The states, one behind the other, as of() takes them.
  std::span<const char> data() const {
    return {states.data(), static_cast<size_t>(states.size())};
  }
  /// What data() gave after `ids`, from wherever it was kept. Nothing without
  /// memory.
  static std::optional<Snapshot> of(std::span<const int32_t> ids,
                                    std::span<const char> data);

private:
  friend class Session;
  int64_t count = 0;
  uint64_t digest = 0; // of the tokens
  AlignedBuffer states;
};

/// A pool of slots, each the state of one sequence, and what runs them. One
/// caller at a time; several sessions may share a model.
///
/// Tokens are computed in pieces. A piece ends where the sequence is a multiple
/// of `chunk` tokens long, and where the tokens of a call end. A piece of one
/// token is computed as tokens that follow an answer are, whatever it is part
/// of. So what comes of a sequence, bit for bit, depends on its tokens and on
/// where its calls ended (other than at multiples of `chunk`), and on nothing
/// else: not on other rows or slots, copies, snapshots or files in between
/// (docs/same-bits.md).
class Session {
public:
  /// Null and `error` where an option is bad or memory is short.
  static std::unique_ptr<Session> create(std::shared_ptr<const Model> model,
                                         const SessionOptions &options,
                                         std::string &error);
  ~Session();

  /// Appends rows[i] to the sequence in slot firstSlot + i, for all i at once;
  /// the rows may differ in length, none may be empty. `logits` becomes
  ///
  ///   None  empty
  ///   Last  [rows, vocabulary], after each row's last token
  ///   All   [sum of lengths, vocabulary], row after row
  ///
  /// and `hidden`, where given, [L, sum of lengths, H] as the description's
  /// output of that name. False and `error` on bad arguments, with nothing
  /// changed, or when the compiled code failed, or logits hold NaN or inf, or
  /// nothing but -inf: the slots of this call are then empty. The error then
  /// says what made them so, as far as that is found.
  ///
  /// With `problems`, which becomes a text for each row, logits of that kind do
  /// not end the call: the row's slot is then empty, and its text says why.
  bool forward(int32_t firstSlot, std::span<const std::vector<int32_t>> rows,
               LogitsWanted wanted, std::vector<float> &logits,
               std::string &error, std::vector<float> *hidden = nullptr,
               std::vector<std::string> *problems = nullptr);

  /// The row of the last call whose logits were not finite; -1 where none was.
  int32_t notFiniteRow() const { return badRow; }

  /// forward() for one sequence.
  bool append(std::span<const int32_t> ids, LogitsWanted wanted,
              std::vector<float> &logits, std::string &error, int32_t slot = 0);

  /// Room for sequences of `tokens` tokens; growing later copies them. False
  /// and `error` without memory: nothing changed then.
  bool reserve(int64_t tokens, std::string &error);
  SessionMemory memory() const;

  /// Makes the sequence in `slot` empty; slots out of range are ignored.
  void reset(int32_t slot);
  /// Tokens in `slot`; 0 for slots out of range.
  int64_t length(int32_t slot) const;
  /// The tokens in `slot`, in order, until the next call; none for slots out of
  /// range.
  std::span<const int32_t> tokens(int32_t slot) const;
  int32_t slots() const { return static_cast<int32_t>(sequences.size()); }
  /// Tokens with which the sequence in `slot` comes to the end of a piece.
  int64_t untilPieceEnds(int32_t slot) const;
  /// Tokens that a slot can hold before the states grow.
  int64_t capacity() const;
  const Model &model() const { return *shared; }
  Context &context() { return *ctx; }

  /// A state by name, all slots of it, to be read until the next call.
  std::optional<MarimbaTensor> state(std::string_view name) const;

  /// Keeps what is needed to rewind() the sequence in `slot` to its present
  /// end. Nothing, and `error`, where there is no such slot or memory is short.
  std::optional<Snapshot> snapshot(int32_t slot, std::string &error) const;
  /// Takes the tokens after `earlier` back. The sequence must begin with the
  /// tokens that it was taken after, in this slot or in one that was copied.
  /// False and `error` where it does not: nothing changed then.
  bool rewind(int32_t slot, const Snapshot &earlier, std::string &error);
  /// What is kept of each of the tokens [begin, end) of the sequence in `slot`
  /// (keys and values): a copy of bytesPerToken() for each. Nothing, and
  /// `error`, where there are no such tokens or memory is short.
  std::optional<AlignedBuffer> keepTokens(int32_t slot, int64_t begin,
                                          int64_t end,
                                          std::string &error) const;
  /// Appends `ids` without computing them: `kept` is what keepTokens() gave of
  /// the same tokens in the same place of a sequence that began alike. Nothing
  /// may be computed in the slot until rewind() to a snapshot at the end of
  /// them. False and `error` where `kept` has another size or memory is short:
  /// nothing changed then.
  bool appendKept(int32_t slot, std::span<const int32_t> ids,
                  std::span<const char> kept, std::string &error);
  int64_t bytesPerToken() const;
  /// Bytes of a snapshot.
  int64_t snapshotBytes() const;
  /// Makes `to` hold the sequence of `from`, in place of what it holds. False
  /// and `error` where there is no such slot.
  bool copySlot(int32_t from, int32_t to, std::string &error);
  /// Makes `to` hold the sequence in slot `from` of `other`, a session of the
  /// same model. False and `error` where there is no such slot, the model is
  /// another one, or memory is short: nothing changed then.
  bool copyFrom(const Session &other, int32_t from, int32_t to,
                std::string &error);

  /// Writes the sequence in `slot` to `path` (SavedState.h), in place of what
  /// is there, when all of it is on the disk. `attachment` (UTF-8) is the
  /// caller's, and is kept in the file; so are `logits` after the last token,
  /// as many as the vocabulary has or none: with them the sequence can go on
  /// without another token. False and `error` where that fails: nothing has
  /// changed on the disk then.
  bool save(int32_t slot, const StateOrigin &origin,
            const std::filesystem::path &path, std::string &error,
            const std::string &attachment = {},
            std::span<const float> logits = {}) const;
  /// Makes `slot` hold what was saved, in place of what it holds; what is
  /// appended then gives the logits that it would have given without the
  /// interruption. `note` hears of a difference in arithmetic. False and
  /// `error`, with nothing changed, where it belongs to another model than
  /// `here`, has other states, or memory is short.
  bool restore(int32_t slot, const SavedState &saved, const StateOrigin &here,
               const std::function<void(const std::string &)> &note,
               std::string &error);

private:
  struct Piece;
  struct Request;
  Session();
  bool checkSlot(int32_t slot, std::string &error) const;
  bool check(const Request &request, std::string &error) const;
  /// Memory for the logits and for the states' growth.
  bool makeRoom(Request &request, std::string &error);
  /// Empties a slot in which a call may have written up to `tokens` tokens.
  void empty(int32_t slot, int64_t tokens);
  bool run(Request &request, std::string &error);
  bool checkLogits(const Request &request, std::string &error);
  /// Where the sequence in `slot` stops being finite, as a sentence.
  std::string findNotFinite(int32_t slot);
  /// The next piece of some rows of a request; nothing where all are fed.
  std::vector<Piece> nextPieces(const Request &request) const;
  bool runPiece(Request &request, Piece &piece, std::string &error);
  void takeResults(Request &request, const Piece &piece);
  bool bindArgs(const EntrySpec &entry, const Request &request, Piece &piece,
                std::string &error);
  char *scratch(size_t index, int64_t bytes, std::string &error);

  std::shared_ptr<const Model> shared;
  SessionOptions settings;
  std::unique_ptr<Context> ctx;
  std::unique_ptr<StatePool> pool;
  std::vector<std::vector<int32_t>> sequences; // the tokens of each slot
  /// Inputs and outputs of a call, by argument; kept from call to call.
  std::vector<AlignedBuffer> buffers;
  int32_t badRow = -1;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_SESSION_H
