//===- abi.h - Generated code and the runtime -------------------*- C -*-===//
//
// Part of Marimba. Everything that compiled code and the runtime both rely on
// stands here, once: argument structs, symbol names, limits. Plain C11, so that
// an object file written today can be linked by any program. A change of any
// struct or meaning raises MARIMBA_ABI_VERSION.
//
// The way of a call:
//
//   int32_t marimba_prefill(MarimbaContext *ctx, const MarimbaCall *call);
//
// `call` carries tables of tensors, in the order that the module's description
// (symbol marimba_description, JSON) lists them. Tensors have dynamic batch and
// time and explicit strides, so a batch is a range of state slots: row b of a
// state tensor is the slot first + b of the session's pool.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_ABI_H
#define MARIMBA_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MARIMBA_ABI_VERSION 4

/// Tensors at the interface have at most this many dimensions.
#define MARIMBA_MAX_RANK 6

/// What the runtime allocates is aligned to this. Weights that are mapped from
/// a file are aligned to their element, state views to their slot.
#define MARIMBA_ALIGNMENT 64

/// Longest error text, terminating zero included.
#define MARIMBA_MESSAGE_SIZE 512

/// Element types at the interface.
typedef enum MarimbaDType {
  MARIMBA_F32 = 0,
  MARIMBA_F16 = 1,
  MARIMBA_BF16 = 2,
  MARIMBA_I32 = 3,
  MARIMBA_I64 = 4,
  MARIMBA_I8 = 5,
} MarimbaDType;

/// A view of memory. Strides count elements, not bytes; the last one is 1.
typedef struct MarimbaTensor {
  void *data;
  int32_t dtype; // MarimbaDType
  int32_t rank;
  int64_t sizes[MARIMBA_MAX_RANK];
  int64_t strides[MARIMBA_MAX_RANK];
} MarimbaTensor;

/// What one thread of control needs while it runs generated code. Made and
/// owned by the runtime; one call at a time uses it.
typedef struct MarimbaContext {
  int32_t abiVersion; // MARIMBA_ABI_VERSION of the runtime
  int32_t threads;    // size of the thread team, at least 1
  int32_t status; // MarimbaStatus; sticky within a call, the first one stays
  int32_t reserved;
  char *arenaBase;   // scratch memory, aligned to MARIMBA_ALIGNMENT
  int64_t arenaSize; // bytes that may be handed out
  int64_t arenaTop;  // bytes in use: a stack, callers restore what they took
  int64_t arenaPeak; // largest arenaTop so far
  void *library;     // the runtime's own (oneDNN engine, primitive cache)
  char message[MARIMBA_MESSAGE_SIZE];
} MarimbaContext;

typedef enum MarimbaStatus {
  MARIMBA_OK = 0,
  MARIMBA_ERROR_ARENA = 1,   // the scratch arena is too small for this chunk
  MARIMBA_ERROR_LIBRARY = 2, // oneDNN refused a primitive
  MARIMBA_ERROR_CHECK = 3,   // sizes or indices that do not fit together
} MarimbaStatus;

/// The arguments of one entry. Each table has as many tensors as the
/// description lists for that entry.
typedef struct MarimbaCall {
  const MarimbaTensor *weights; // read only; packed or mapped by the runtime
  const MarimbaTensor *args; // inputs, states, outputs: the entry's own order
  int32_t weightCount;
  int32_t argCount;
} MarimbaCall;

/// Entries of a compiled module.
typedef int32_t (*MarimbaEntry)(MarimbaContext *ctx, const MarimbaCall *call);

#define MARIMBA_ENTRY_PREPARE "marimba_prepare" // once: derives weights
#define MARIMBA_ENTRY_PREFILL "marimba_prefill" // T > 1
#define MARIMBA_ENTRY_DECODE "marimba_decode"   // T = 1
/// `const char marimba_description[]`: JSON, zero-terminated (docs/abi.md).
#define MARIMBA_SYMBOL_DESCRIPTION "marimba_description"

/// `const char marimba_uses_tiles[]`: in code that has instructions of AMX,
/// for which Linux wants a process to ask before the first one.
#define MARIMBA_SYMBOL_TILES "marimba_uses_tiles"

//===----------------------------------------------------------------------===//
// What generated code calls
//===----------------------------------------------------------------------===//

/// Runs `body(closure, begin, end)` over [0, count) on the thread team, in
/// ranges of at least `grain`; returns when all of it is done.
typedef void (*MarimbaLoopBody)(void *closure, int64_t begin, int64_t end);
void marimba_parallel_for(MarimbaContext *ctx, int64_t count, int64_t grain,
                          MarimbaLoopBody body, void *closure);

/// One loop of several: as marimba_parallel_for() with a grain of 1.
typedef struct MarimbaPhase {
  int64_t count;
  MarimbaLoopBody body;
  void *closure;
} MarimbaPhase;
/// Runs `count` loops, each after the one before it, in one region of the team.
void marimba_parallel_phases(MarimbaContext *ctx, int64_t count,
                             const MarimbaPhase *phases);

/// `bytes` of scratch, aligned to MARIMBA_ALIGNMENT. Freed by restoring
/// ctx->arenaTop. Where the arena is exhausted, sets MARIMBA_ERROR_ARENA and
/// returns memory outside it, so that the call can run to its end.
void *marimba_arena_alloc(MarimbaContext *ctx, int64_t bytes);

/// What code that was compiled with checks calls where one does not hold: sets
/// MARIMBA_ERROR_CHECK with `message`, in which {0}, {1}, ... stand for
/// `values`. The code then returns without computing anything else.
void marimba_check_failed(MarimbaContext *ctx, const char *message,
                          const int64_t *values, int64_t count);

/// What a matmul does to its sums r, in the order given.
typedef enum MarimbaPostOpKind {
  MARIMBA_POST_SUM = 0,   // r += y, what the output held before
  MARIMBA_POST_SILU = 1,  // r = r * sigmoid(r)
  MARIMBA_POST_MUL = 2,   // r *= operand, element by element
  MARIMBA_POST_ADD = 3,   // r += operand, element by element
  MARIMBA_POST_RELU2 = 4, // r = max(r, 0)^2
} MarimbaPostOpKind;

/// `data` is the operand of MUL and ADD, of the output's shape, f32 or bf16;
/// null for the others. Strides count elements.
typedef struct MarimbaPostOp {
  const void *data;
  int64_t batchStride, rowStride;
  int32_t kind; // MarimbaPostOpKind
  int32_t type; // MarimbaDType of data
} MarimbaPostOp;

#define MARIMBA_MAX_POST_OPS 4

/// Y[b,t,n] = sum_k X[b,t,k] * W[n,k] (+ bias[n]), then the post-ops. Products
/// are of X's type, f32 or bf16, sums f32; Y is f32, or bf16 where X is. W has
/// `weightType` as stored on disk; bias has a type of its own and may be null.
/// Strides count elements. The runtime keeps W packed in X's type, by W's
/// address: from loading on where the description says so ("packed"), else from
/// its first use on. A W that is `computed` is scratch, [k, n] of X's type, and
/// is read as it stands.
typedef struct MarimbaMatmul {
  const void *x;
  const void *w;
  const void *bias;
  void *y;
  int64_t batch, rows, k, n;
  int64_t xBatchStride, xRowStride;
  int64_t yBatchStride, yRowStride;
  int32_t xType, weightType, biasType, yType; // MarimbaDType
  int64_t computed;                           // 1 or 0
  int64_t postOpCount;                        // at most MARIMBA_MAX_POST_OPS
  MarimbaPostOp postOps[MARIMBA_MAX_POST_OPS];
} MarimbaMatmul;
void marimba_onednn_matmul(MarimbaContext *ctx, const MarimbaMatmul *args);

/// Y[b,t,n] = sum_k X[b,t,k] * W[n,k], exact: X has bytes without a sign, W
/// bytes with one, Y is i32. W is [ceil(n / 64), k / 4, 64, 4], channels and
/// inputs padded (docs/quantization.md); k is a multiple of 64. Strides count
/// elements.
typedef struct MarimbaIntegerMatmul {
  const void *x;
  const void *w;
  void *y;
  int64_t batch, rows, k, n;
  int64_t xBatchStride, xRowStride;
  int64_t yBatchStride, yRowStride;
} MarimbaIntegerMatmul;
void marimba_onednn_integer_matmul(MarimbaContext *ctx,
                                   const MarimbaIntegerMatmul *args);

/// The copy of a stored weight [n, k] that matmuls in `type`, f32 or bf16, use,
/// in blocks of 64 channels: [ceil(n / 64), rows of inputs, 64] words of 32
/// bits, a word being one f32 or two bf16 of one channel; channels and inputs
/// are padded with zeros, inputs to a multiple of 16 words. Null, with an error
/// of the context, where there is none.
const void *marimba_packed_weights(MarimbaContext *ctx, const void *w,
                                   int64_t n, int64_t k, int32_t weightType,
                                   int32_t type);

/// Where the `count` matrices of a stack of weights are stored, of `bytes`
/// each: those of the description ("apart") may lie anywhere, others are
/// `stride` bytes apart from `w` on. The call will read those with offsets[e] <
/// offsets[e + 1], which are the first in `order`; the runtime begins to read
/// them from disk where they are not in memory. The table holds for the call.
const void *const *marimba_stored_matrices(MarimbaContext *ctx, const void *w,
                                           int64_t count, int64_t stride,
                                           int64_t bytes, const int32_t *order,
                                           const int32_t *offsets);

/// matrices[expert], which is order[position] and is read now.
const void *marimba_read_matrix(const void *const *matrices, int64_t expert,
                                int64_t position, const int32_t *order,
                                const int32_t *offsets);

/// Y[b,t,i] = X[b,t,i], between f32 and bf16 and between strides.
typedef struct MarimbaReorder {
  const void *x;
  void *y;
  int64_t batch, rows, columns;
  int64_t xBatchStride, xRowStride;
  int64_t yBatchStride, yRowStride;
  int32_t xType, yType; // MarimbaDType
} MarimbaReorder;
void marimba_onednn_reorder(MarimbaContext *ctx, const MarimbaReorder *args);

#define MARIMBA_FN_PARALLEL_FOR "marimba_parallel_for"
#define MARIMBA_FN_PARALLEL_PHASES "marimba_parallel_phases"
#define MARIMBA_FN_ARENA_ALLOC "marimba_arena_alloc"
#define MARIMBA_FN_CHECK_FAILED "marimba_check_failed"
#define MARIMBA_FN_ONEDNN_MATMUL "marimba_onednn_matmul"
#define MARIMBA_FN_ONEDNN_INTEGER_MATMUL "marimba_onednn_integer_matmul"
#define MARIMBA_FN_PACKED_WEIGHTS "marimba_packed_weights"
#define MARIMBA_FN_STORED_MATRICES "marimba_stored_matrices"
#define MARIMBA_FN_READ_MATRIX "marimba_read_matrix"
#define MARIMBA_FN_ONEDNN_REORDER "marimba_onednn_reorder"

//===----------------------------------------------------------------------===//
// Code that was compiled for a profile
//===----------------------------------------------------------------------===//

/// One region of the code: how often it ran, and how long in all.
typedef struct MarimbaProfileRegion {
  int64_t calls;
  int64_t nanoseconds;
} MarimbaProfileRegion;

/// Nanoseconds of a steady clock.
int64_t marimba_profile_begin(void);
/// Counts a run of `region` that began at `begin`.
void marimba_profile_end(MarimbaProfileRegion *region, int64_t begin);

#define MARIMBA_FN_PROFILE_BEGIN "marimba_profile_begin"
#define MARIMBA_FN_PROFILE_END "marimba_profile_end"

/// `MarimbaProfileRegion marimba_profile_regions[]`: counters that anybody may
/// read and reset between calls.
#define MARIMBA_SYMBOL_PROFILE_REGIONS "marimba_profile_regions"
/// `const char marimba_profile_description[]`: JSON, zero-terminated: for each
/// region `{"function": name, "ops": [names]}`, its own op first; an entry's
/// function has the entry's name.
#define MARIMBA_SYMBOL_PROFILE_DESCRIPTION "marimba_profile_description"

#ifdef __cplusplus
} // extern "C"

static_assert(sizeof(MarimbaTensor) == 16 + 16 * MARIMBA_MAX_RANK);
static_assert(offsetof(MarimbaTensor, sizes) == 16);
static_assert(offsetof(MarimbaTensor, strides) == 16 + 8 * MARIMBA_MAX_RANK);
static_assert(offsetof(MarimbaContext, status) == 8);
static_assert(offsetof(MarimbaContext, arenaTop) == 32);
static_assert(sizeof(MarimbaContext) == 56 + MARIMBA_MESSAGE_SIZE);
static_assert(sizeof(MarimbaCall) == 24);
static_assert(sizeof(MarimbaPhase) == 24);
static_assert(sizeof(MarimbaPostOp) == 32);
static_assert(sizeof(MarimbaMatmul) == 128 + 32 * MARIMBA_MAX_POST_OPS);
static_assert(sizeof(MarimbaReorder) == 80);
static_assert(sizeof(MarimbaIntegerMatmul) == 88);
static_assert(sizeof(MarimbaProfileRegion) == 16);
#endif

#endif // MARIMBA_ABI_H
