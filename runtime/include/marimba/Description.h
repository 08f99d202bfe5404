//===- Description.h - What a compiled module says of itself ----*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_DESCRIPTION_H
#define MARIMBA_RUNTIME_DESCRIPTION_H

#include "marimba/abi.h"
#include "marimba/formats/Layout.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// A tensor's name, element type and shape; -1 is a dynamic size.
struct TensorSpec {
  std::string name;
  MarimbaDType dtype = MARIMBA_F32;
  std::vector<int64_t> shape;
};

/// A row of the weight table. Shapes are static.
struct WeightSpec : TensorSpec {
  /// Names in the model's files; several are stacked along dimension 0.
  std::vector<std::string> sources;
  /// Computed by the entry `prepare`, from no file.
  bool derived = false;
  /// The type in which matmuls compute with it: then it is a matrix [n, k] or a
  /// stack [..., n, k] of them, and is packed when it is loaded.
  std::optional<MarimbaDType> packed;
  /// Whether the copy is in blocks of 64 channels, which generated matmuls read
  /// (`rt.packed_weights`), and not in the library's layout.
  bool blocks = false;
  /// A tensor of bytes, i8: its sources are the parts of the matrices.
  std::optional<formats::Layout> quantized;
  /// Whether code also reads it as it is stored.
  bool stored = true;
  /// Whether code asks where its matrices are stored
  /// (marimba_stored_matrices), and reads them there alone.
  bool apart = false;
};

/// input: i32, one of the names that Session knows. output: "logits" or
/// "hidden". state: of the session's pool. weight: a row of the weight table
/// that `prepare` writes.
enum class ArgKind { Input, Output, State, Weight };

struct ArgSpec : TensorSpec {
  ArgKind kind = ArgKind::Input;
};

/// The arguments of one entry, in the order of MarimbaCall::args.
struct EntrySpec {
  std::vector<ArgSpec> args;
  /// The argument of that name and kind, or null.
  const ArgSpec *find(ArgKind kind, std::string_view name) const;
};

/// What every module's description holds, models or not: its weights and its
/// entries with whatever arguments they take.
struct ModuleTables {
  std::string name;
  std::vector<WeightSpec> weights;
  std::map<std::string, EntrySpec> entries;

  /// Nothing where `json` is not that; `error` then names the field.
  static std::optional<ModuleTables> parse(std::string_view json,
                                           std::string &error);

  /// Row of the weight table, or -1.
  int64_t weightIndex(std::string_view name) const;
};

/// The JSON at the symbol marimba_description of a model, read and checked:
///
///   {"abi": 4, "name": "...", "weights": [{"name", "dtype", "shape",
///    "sources" | "derived", "packed", "blocks", "stored", "apart",
///    "quantized"}...],
///    "entries":
///    {"prepare":
///    {"args": [{"kind", "name", "dtype", "shape"}...]}, "prefill": ...,
///    "decode": ...}}
///
/// Members it does not know are passed over. `prepare` may be absent where no
/// weight is derived. What the sequence entries take (decode is prefill with
/// T = 1), for a batch of B rows:
///
///   input ids [B, T]         tokens, right-padded
///   input past [B]           tokens that the row's state holds already
///   input valid [B]          how many of the T tokens are real
///   input positions [B, P]   token positions (0 .. T-1) whose logits to give
///   output logits [B, P, V]  f32
///   output hidden [L, B, T, H]  f32, optional
///   state ... [B, ...]       one more dynamic size at most: the capacity in
///                            tokens
struct Description {
  int32_t abi = 0;
  std::string name;
  std::vector<WeightSpec> weights;
  std::optional<EntrySpec> prepare;
  EntrySpec prefill, decode;
  /// Size of the last dimension of logits.
  int64_t vocabulary = 0;

  /// Nothing where `json` is not that; `error` then names the field.
  static std::optional<Description> parse(std::string_view json,
                                          std::string &error);

  /// Row of the weight table, or -1.
  int64_t weightIndex(std::string_view name) const;
  /// The states, in the order of prefill's arguments.
  std::vector<ArgSpec> states() const;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_DESCRIPTION_H
