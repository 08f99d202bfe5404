//===- PipelineOptions.h - How a module is compiled -------------*- C++ -*-===//
//
// Part of Marimba. The one place that declares the options of a compilation:
// marimba-opt reads them as text, the driver shows some of them as its own, the
// key of compiled code is their print.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_TARGET_PIPELINEOPTIONS_H
#define MARIMBA_LOWERING_TARGET_PIPELINEOPTIONS_H

#include "lowering/Target/IntegerUnit.h"

#include "mlir/Pass/PassOptions.h"
#include <cstdint>
#include <optional>
#include <string>

namespace mlir::marimba {

/// Who computes a projection.
enum class MatmulRoute { Automatic, OneDNN, Generated, Loops };

/// What quantised weights are multiplied by: bytes where the target has
/// products of them, for many rows (prefill) only where AMX's tiles do not
/// multiply bf16; f32; or bytes for many rows in tiles, too, and in the
/// library, where weights have 8 bits and a scale for each channel.
enum class Activations { Automatic, F32, Int8 };

/// What time-invariant systems become: the cheaper form (choose-lti-form), one
/// of the two, or what was written.
enum class LTIForm { Cheapest, Recurrence, Convolution, AsWritten };

/// What prompts make of recurrences with a matrix state (linear_attention): the
/// cheaper form (decompose-linear-attention), or one of the two.
enum class LinearAttentionForm { Automatic, Recurrent, Chunked };

/// How the weights of experts are read: packed, or as they are stored, and only
/// those of experts that are chosen; automatically by the number of experts.
enum class ExpertForm { Automatic, Packed, Stored };

struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  // Not inline: each source that holds options would compile all of them.
  PipelineOptions();
  PipelineOptions(const PipelineOptions &other);
  PipelineOptions &operator=(const PipelineOptions &other);
  ~PipelineOptions();

  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("What code is made for, as compile --list-targets names "
                     "it (default: cpu)"),
      llvm::cl::value_desc("name"), llvm::cl::init("cpu")};
  /// IR that was written for a later stage starts there.
  Option<std::string> firstStage{
      *this, "first-stage",
      llvm::cl::desc("Stage that the module is ready for (default: the first)"),
      llvm::cl::value_desc("stage")};
  Option<std::string> stopAfter{
      *this, "stop-after",
      llvm::cl::desc("Last stage that runs, or import (default: all)"),
      llvm::cl::value_desc("stage")};

  //===--------------------------------------------------------------------===//
  // Choices
  //===--------------------------------------------------------------------===//

  Option<MatmulRoute> matmul{
      *this, "matmul", llvm::cl::desc("Who computes projections"),
      llvm::cl::init(MatmulRoute::Automatic),
      llvm::cl::values(
          clEnumValN(MatmulRoute::Automatic, "auto",
                     "for each shape who is faster (default)"),
          clEnumValN(MatmulRoute::OneDNN, "onednn",
                     "the library, where there are many rows"),
          clEnumValN(MatmulRoute::Generated, "generated",
                     "generated kernels over packed weights"),
          clEnumValN(MatmulRoute::Loops, "loops",
                     "generated loops over weights as they are stored"))};
  Option<bool> bf16{
      *this, "bf16",
      llvm::cl::desc("Whether projections multiply bf16, with sums in f32"),
      llvm::cl::init(false)};
  Option<bool> bf16ForBytes{
      *this, "bf16-for-bytes",
      llvm::cl::desc("Whether many rows that quantised weights would multiply "
                     "as bytes are rounded to bf16 where the target has tiles "
                     "of it"),
      llvm::cl::init(false)};
  Option<std::string> matmulTable{
      *this, "matmul-table",
      llvm::cl::desc("File that says who is faster, as bench --matrix "
                     "--write-table writes it (default: built in)"),
      llvm::cl::value_desc("file")};
  Option<Activations> activations{
      *this, "activations",
      llvm::cl::desc("What quantised weights are multiplied by"),
      llvm::cl::init(Activations::Automatic),
      llvm::cl::values(
          clEnumValN(Activations::Automatic, "auto",
                     "bytes, where the target multiplies them; but prompts "
                     "bf16 where AMX has tiles of it, unless --dtype=f32 "
                     "(default)"),
          clEnumValN(
              Activations::Int8, "int8",
              "the same, but on AMX and in oneDNN prompts in bytes, too, "
              "where weights have 8 bits and a scale for each channel"),
          clEnumValN(Activations::F32, "f32", "f32"))};
  Option<LTIForm> ltiForm{
      *this, "lti-form",
      llvm::cl::desc("What time-invariant systems (S4) become"),
      llvm::cl::init(LTIForm::Cheapest),
      llvm::cl::values(
          clEnumValN(LTIForm::Cheapest, "cheapest", "by cost (default)"),
          clEnumValN(LTIForm::Recurrence, "recurrence", "token by token"),
          clEnumValN(LTIForm::Convolution, "convolution",
                     "in blocks of tokens"),
          clEnumValN(LTIForm::AsWritten, "as-written",
                     "what the module says"))};
  Option<LinearAttentionForm> linearAttention{
      *this, "linear-attention",
      llvm::cl::desc("What recurrences with a matrix state become (Mamba-2, "
                     "lightning attention), for more than one token"),
      llvm::cl::init(LinearAttentionForm::Automatic),
      llvm::cl::values(
          clEnumValN(LinearAttentionForm::Automatic, "auto",
                     "by cost (default)"),
          clEnumValN(LinearAttentionForm::Recurrent, "recurrent",
                     "token by token"),
          clEnumValN(LinearAttentionForm::Chunked, "chunked",
                     "products of matrices, a chunk of tokens at a time"))};
  Option<unsigned> linearAttentionChunk{
      *this, "linear-attention-chunk",
      llvm::cl::desc("Tokens of a chunk of linear attention, 1 to 256 "
                     "(default: 64)"),
      llvm::cl::value_desc("n"), llvm::cl::init(64)};
  Option<ExpertForm> experts{
      *this, "experts",
      llvm::cl::desc("How weights of experts are read that are not quantised"),
      llvm::cl::init(ExpertForm::Automatic),
      llvm::cl::values(
          clEnumValN(ExpertForm::Automatic, "auto",
                     "as stored from 32 experts on (default)"),
          clEnumValN(ExpertForm::Packed, "packed",
                     "packed when the model is loaded, as other weights"),
          clEnumValN(ExpertForm::Stored, "stored",
                     "as stored, and only those that are chosen: for models "
                     "larger than memory"))};
  Option<bool> fuseScan{
      *this, "fuse-scan",
      llvm::cl::desc("Whether discretize and scan become selective_scan, and "
                     "discretize_heads goes into linear_attention"),
      llvm::cl::init(true)};
  Option<unsigned> threads{
      *this, "threads",
      llvm::cl::desc("Threads that the code will run on, a hint for how finely "
                     "work is cut"),
      llvm::cl::init(1)};
  Option<bool> checks{
      *this, "checks",
      llvm::cl::desc("Whether the code checks the sizes and indices it is "
                     "given (insert-checks)"),
      llvm::cl::init(false)};
  Option<bool> profile{
      *this, "profile",
      llvm::cl::desc("Whether the code measures itself (profile-regions)"),
      llvm::cl::init(false)};

  //===--------------------------------------------------------------------===//
  // Facts of the machine: Target::addFacts() knows them
  //===--------------------------------------------------------------------===//

  Option<unsigned> vectorBits{
      *this, "vector-bits",
      llvm::cl::desc("Width of a vector register: 128, 256 or 512"),
      llvm::cl::init(512)};
  Option<bool> bf16Dots{
      *this, "bf16-dots",
      llvm::cl::desc("Whether the target has products of bf16, which oneDNN "
                     "uses"),
      llvm::cl::init(false)};
  Option<IntegerUnit> integerUnit{
      *this, "integer-unit", llvm::cl::desc("What multiplies bytes"),
      llvm::cl::init(IntegerUnit::None), integerUnitNames()};
  Option<std::string> matmulUnit{
      *this, "matmul-unit",
      llvm::cl::desc("What the table of matmuls calls the target")};
  Option<bool> tiles{
      *this, "tiles",
      llvm::cl::desc("Whether the target has AMX's tiles of bf16 and of bytes"),
      llvm::cl::init(false)};
  Option<bool> byteTables{
      *this, "byte-tables",
      llvm::cl::desc("Whether the target looks bytes up in two registers of "
                     "512 bits (AVX512-VBMI)"),
      llvm::cl::init(false)};
  /// Both follow from the instructions that oneDNN may use, which can be fewer
  /// than the target's.
  Option<bool> libraryBytes{
      *this, "library-bytes",
      llvm::cl::desc("Whether oneDNN multiplies bytes in blocks of 64 "
                     "channels"),
      llvm::cl::init(true)};
  Option<bool> libraryBlocks{
      *this, "library-blocks",
      llvm::cl::desc("Whether oneDNN packs weights in blocks of 64 channels"),
      llvm::cl::init(true)};

  /// Whether few rows, and whether many, multiply bytes by quantised weights.
  bool multipliesBytes() const {
    return integerUnit != IntegerUnit::None && activations != Activations::F32;
  }
  bool generates() const {
    return matmul == MatmulRoute::Generated || matmul == MatmulRoute::Automatic;
  }
  /// Experts of a mixture from which on it reads its weights as they are
  /// stored; none where no mixture does.
  std::optional<int64_t> fewestGroupedExperts() const {
    if (!generates() || experts == ExpertForm::Packed)
      return std::nullopt;
    return experts == ExpertForm::Stored ? 1 : 32;
  }
  /// Whether generated kernels multiply many rows of bf16 by quantised weights
  /// that few rows multiply as bytes: AMX's tiles of bf16 are faster than
  /// products of groups of bytes in vectors, and round activations less.
  bool prefillsInBF16() const {
    return generates() && multipliesBytes() && tiles && (bf16 || bf16ForBytes);
  }
  /// Whether they multiply many rows of bytes by every quantised weight, in
  /// groups.
  bool prefillsInGroups() const {
    return generates() && multipliesBytes() && !prefillsInBF16();
  }
  /// Whether they do so by weights with one scale for each channel, where rows
  /// have one scale, too: by AMX's tiles of bytes.
  bool prefillsInTiles() const {
    return generates() && multipliesBytes() && tiles &&
           activations == Activations::Int8;
  }
  /// Whether the library does.
  bool prefillsInBytes() const {
    return multipliesBytes() && activations == Activations::Int8 &&
           libraryBytes && matmul == MatmulRoute::OneDNN;
  }
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_TARGET_PIPELINEOPTIONS_H
