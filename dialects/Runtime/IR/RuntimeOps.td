//===- RuntimeOps.td - What the runtime does for a call -------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_OPS_TD
#define RUNTIME_OPS_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Runtime_Dialect : Dialect {
  let name = "rt";
  let cppNamespace = "::mlir::rt";
  let summary = "Generated code's side of runtime/include/marimba/abi.h.";
  let description = [{
    Ops that become loads from the call's structs or calls of the runtime. They
    appear after bufferisation, when `--add-runtime-context` has given every
    function the `!rt.context` of the call as its first argument; `rt.context` is
    how code asks for it.
  }];
  let useDefaultTypePrinterParser = 1;
}

class Runtime_Op<string mnemonic, list<Trait> traits = []>
    : Op<Runtime_Dialect, mnemonic, traits>;

def Runtime_ContextType : TypeDef<Runtime_Dialect, "Context"> {
  let mnemonic = "context";
  let summary = "MarimbaContext *: arena, thread team, error";
}

def Runtime_ContextOp : Runtime_Op<"context", [Pure]> {
  let summary = "the context of the call that is running";
  let description = [{
    The first argument of the function around it, which therefore has to be an
    `!rt.context`. Bodies of `rt.parallel_for` get the context as a capture
    instead.

    Example:

    ```mlir
    %ctx = rt.context
    ```
  }];
  let results = (outs Runtime_ContextType:$result);
  let builders = [OpBuilder<(ins), [{
    build($_builder, $_state, ContextType::get($_builder.getContext()));
  }]>];
  let assemblyFormat = "attr-dict";
  let extraClassDeclaration = [{
    /// Whether an rt.context can be made in the function around `op`.
    static bool isAvailableAt(::mlir::Operation *op);
  }];
  let hasVerifier = 1;
}

def Runtime_CallType : TypeDef<Runtime_Dialect, "Call"> {
  let mnemonic = "call";
  let summary = "const MarimbaCall *: the tables of tensors of one call";
}

/// Position in a table of MarimbaCall.
def Runtime_TableIndex : ConfinedAttr<I64Attr, [IntNonNegative]>;

def Runtime_TableType : TypeDef<Runtime_Dialect, "Table"> {
  let mnemonic = "table";
  let summary = "const int32_t *: which tensors of the call a layer uses";
}

def Runtime_WeightOp : Runtime_Op<"weight", [Pure]> {
  let summary = "a weight of the call's weight table";
  let description = [{
    The memory of `call->weights[index]`, a view of static shape.

    Example:

    ```mlir
    %w = rt.weight %call[3] : memref<768x192xbf16>
    ```
  }];
  let arguments = (ins Runtime_CallType:$call, Runtime_TableIndex:$index);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$call `[` $index `]` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Runtime_ArgumentOp : Runtime_Op<"argument", [Pure]> {
  let summary = "an argument of the call";
  let description = [{
    The memory of `call->args[index]`: input, state or output, with the sizes
    and strides that the caller gave.

    Example:

    ```mlir
    %s = rt.argument %call[5] : memref<?x16x384xf32, strided<[?, 384, 1]>>
    ```
  }];
  let arguments = (ins Runtime_CallType:$call, Runtime_TableIndex:$index);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$call `[` $index `]` attr-dict `:` type($result)";
}

def Runtime_TableOp : Runtime_Op<"table", [Pure]> {
  let summary = "the tensors that one layer uses, by index";
  let description = [{
    A constant list of indices into the call's tables. Layers of one kind share
    a function; what tells them apart is this list, so a call has few arguments
    however many weights the layer has.

    Example:

    ```mlir
    %layer3 = rt.table [41, 42, 43, 7, 8]
    ```
  }];
  let arguments = (ins DenseI32ArrayAttr:$indices);
  let results = (outs Runtime_TableType:$result);
  let assemblyFormat = "$indices attr-dict";
}

def Runtime_CodebookOp : Runtime_Op<"codebook", [Pure]> {
  let summary = "the table that codes of a codebook are places in";
  let description = [{
    Constant memory with the integers that codes of those values stand for
    (`formats::gridWords`), four in a word. An entry has one word or two.

    Example:

    ```mlir
    %table = rt.codebook "iq3_s" : memref<512xi32>
    ```
  }];
  let arguments = (ins StrAttr:$values);
  let results = (outs MemRefRankOf<[I32], [1]>:$result);
  let assemblyFormat = "$values attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Runtime_LayerWeightOp : Runtime_Op<"layer_weight", [Pure]> {
  let summary = "a weight of the layer that is running";
  let description = [{
    The memory of `call->weights[table[position]]`, a view of static shape.

    Example:

    ```mlir
    %w = rt.layer_weight %call, %table[3] : memref<768x192xbf16>
    ```
  }];
  let arguments = (ins Runtime_CallType:$call, Runtime_TableType:$table,
      ConfinedAttr<I64Attr, [IntNonNegative]>:$position);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $call `,` $table `[` $position `]` attr-dict `:` type($result)
  }];
}

def Runtime_LayerArgumentOp : Runtime_Op<"layer_argument", [Pure]> {
  let summary = "a state of the layer that is running";
  let description = [{
    The memory of `call->args[table[position]]`.

    Example:

    ```mlir
    %s = rt.layer_argument %call, %table[0]
        : memref<?x16x384xf32, strided<[?, 384, 1], offset: ?>>
    ```
  }];
  let arguments = (ins Runtime_CallType:$call, Runtime_TableType:$table,
      ConfinedAttr<I64Attr, [IntNonNegative]>:$position);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $call `,` $table `[` $position `]` attr-dict `:` type($result)
  }];
}

def Runtime_ArenaMarkOp
    : Runtime_Op<"arena_mark", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "how much of the arena is in use";
  let description = [{
    Example:

    ```mlir
    %mark = rt.arena_mark %ctx
    ```
  }];
  let arguments = (ins Runtime_ContextType:$context);
  let results = (outs I64:$mark);
  let assemblyFormat = "$context attr-dict";
}

def Runtime_ArenaReleaseOp
    : Runtime_Op<"arena_release", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "frees all that was allocated since a mark";
  let description = [{
    Example:

    ```mlir
    rt.arena_release %ctx, %mark
    ```
  }];
  let arguments = (ins Runtime_ContextType:$context, I64:$mark);
  let assemblyFormat = "$context `,` $mark attr-dict";
}

def Runtime_ArenaAllocOp : Runtime_Op<"arena_alloc"> {
  let summary = "scratch memory until the enclosing mark is released";
  let description = [{
    Example:

    ```mlir
    %buf = rt.arena_alloc %ctx(%b, %t) : memref<?x?x384xf32>
    ```
  }];
  let arguments = (ins Runtime_ContextType:$context,
      Variadic<Index>:$dynamic_sizes);
  let results = (outs Res<AnyMemRef, "",
                          [MemAlloc<DefaultResource>]>:$result);
  let assemblyFormat = [{
    $context `(` $dynamic_sizes `)` attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Runtime_ArenaRoomOp
    : Runtime_Op<"arena_room", [MemoryEffects<[MemRead]>]> {
  let summary = "how many bytes of the arena are left";
  let description = [{
    Example:

    ```mlir
    %bytes = rt.arena_room %ctx
    ```
  }];
  let arguments = (ins Runtime_ContextType:$call_context);
  let results = (outs Index:$bytes);
  let assemblyFormat = "$call_context attr-dict";
}

def Runtime_PackedWeightsOp
    : Runtime_Op<"packed_weights", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the library's packed copy of a weight, in blocks";
  let description = [{
    The runtime's copy of a stored weight `[N, K]` as `[blocks, words, 64]`: a
    block has 64 channels, padded; a word has two bf16 inputs (i32) or one f32
    input of a channel. `blocks` is 0 if there is no such copy; the context then
    has the error.

    Example:

    ```mlir
    %p = rt.packed_weights %ctx, %w
        : memref<768x192xbf16> -> memref<?x96x64xi32>
    ```
  }];
  let arguments = (ins Runtime_ContextType:$context, AnyMemRef:$weight);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $context `,` $weight attr-dict `:` type($weight) `->` type($result)
  }];
}

def Runtime_StoredMatricesOp
    : Runtime_Op<"stored_matrices", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "where the matrices of a stack lie";
  let description = [{
    The addresses of the E matrices of a stored weight `[E, N, K]`, which may lie
    apart from each other, in files. `order` lists them in the order in which
    they will be read, as far as matrix e is read at all: where `offsets[e]` is
    less than `offsets[e+1]`. The runtime begins to read the first ones from
    disk, if they are not in memory.

    Example:

    ```mlir
    %m = rt.stored_matrices %ctx, %w order(%order, %offsets)
        : memref<256x512x2048xbf16>, memref<256xi32>, memref<257xi32> -> memref<256xi64>
    ```
  }];
  let arguments = (ins Runtime_ContextType:$context, AnyMemRef:$weight,
      AnyMemRef:$order, AnyMemRef:$offsets);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $context `,` $weight `order` `(` $order `,` $offsets `)` attr-dict
    `:` type($weight) `,` type($order) `,` type($offsets) `->` type($result)
  }];
}

def Runtime_ReadMatrixOp
    : Runtime_Op<"read_matrix", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one of those matrices, which is read now";
  let description = [{
    A view of matrix `order[position]`; the runtime begins to read those that
    come next in the order from disk, if they are not in memory.

    Example:

    ```mlir
    %w = rt.read_matrix %m[%e] position %i order(%order, %offsets)
        : memref<256xi64>, memref<256xi32>, memref<257xi32> -> memref<512x2048xbf16>
    ```
  }];
  let arguments = (ins AnyMemRef:$matrices, Index:$expert, Index:$position,
      AnyMemRef:$order, AnyMemRef:$offsets);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $matrices `[` $expert `]` `position` $position
    `order` `(` $order `,` $offsets `)` attr-dict
    `:` type($matrices) `,` type($order) `,` type($offsets) `->` type($result)
  }];
}

def Runtime_CheckOp
    : Runtime_Op<"check", [AttrSizedOperandSegments,
                           MemoryEffects<[MemWrite]>]> {
  let summary = "ends the call if a condition does not hold";
  let description = [{
    Where the condition is false the call fails with the message, in which `{0}`,
    `{1}`, ... become the values, and nothing after it runs. Exists before
    bufferisation, too: `--add-runtime-context` gives it the context, and
    `--branch-on-checks` makes a branch to the function's end of it.

    Example:

    ```mlir
    rt.check %same "x has {0} rows, y has {1}" (%m, %n) in %ctx
    ```
  }];
  let arguments = (ins Optional<Runtime_ContextType>:$call_context, I1:$condition,
      StrAttr:$message, Variadic<Index>:$values);
  let assemblyFormat = [{
    $condition $message (`(` $values^ `)`)? (`in` $call_context^)? attr-dict
  }];
  let hasCanonicalizeMethod = 1;
}

def Runtime_CheckFailedOp
    : Runtime_Op<"check_failed", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "reports a failed check";
  let description = [{
    Example:

    ```mlir
    rt.check_failed %ctx "x has {0} rows, y has {1}" (%m, %n)
    ```
  }];
  let arguments = (ins Runtime_ContextType:$call_context, StrAttr:$message,
      Variadic<Index>:$values);
  let assemblyFormat = [{
    $call_context $message (`(` $values^ `)`)? attr-dict
  }];
}

def Runtime_StatusOp : Runtime_Op<"status", [MemoryEffects<[MemRead]>]> {
  let summary = "the call's status, 0 if nothing went wrong";
  let description = [{
    Example:

    ```mlir
    %status = rt.status %ctx
    ```
  }];
  let arguments = (ins Runtime_ContextType:$context);
  let results = (outs I32:$status);
  let assemblyFormat = "$context attr-dict";
}

def Runtime_ProfileBeginOp
    : Runtime_Op<"profile_begin", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the time at which a region of the profile begins";
  let description = [{
    Nanoseconds of a steady clock. Only in code that was compiled for a profile.

    Example:

    ```mlir
    %begin = rt.profile_begin
    ```
  }];
  let results = (outs I64:$begin);
  let assemblyFormat = "attr-dict";
}

def Runtime_ProfileEndOp
    : Runtime_Op<"profile_end", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "adds the time since a begin to a region of the profile";
  let description = [{
    Counts one run of `marimba_profile_regions[region]` (abi.h).

    Example:

    ```mlir
    rt.profile_end %begin[3]
    ```
  }];
  let arguments = (ins I64:$begin, Runtime_TableIndex:$region);
  let assemblyFormat = "$begin `[` $region `]` attr-dict";
}

def Runtime_ParallelForOp
    : Runtime_Op<"parallel_for",
                 [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a function over [0, count) on the thread team";
  let description = [{
    Calls `body(begin, end, captures...)` on the runtime's thread team, for
    ranges that together cover `[0, count)` once. Returns when all are done.

    Example:

    ```mlir
    rt.parallel_for %ctx, %count @scan_body(%u, %y)
        : memref<?xf32>, memref<?xf32>
    ```
  }];
  let arguments = (ins Runtime_ContextType:$context, Index:$count,
      FlatSymbolRefAttr:$body, Variadic<AnyType>:$captures);
  let assemblyFormat = [{
    $context `,` $count $body `(` $captures `)` attr-dict
    (`:` type($captures)^)?
  }];
}

def Runtime_ParallelPhasesOp
    : Runtime_Op<"parallel_phases", [SingleBlock, NoTerminator]> {
  let summary = "runs loops one after the other in one region of the team";
  let description = [{
    Each `rt.parallel_for` inside runs as it would alone, and begins when the one
    before it is done; but the team is started once, and waits between two loops
    at a barrier, which takes a fraction of the time.

    Example:

    ```mlir
    rt.parallel_phases %ctx {
      rt.parallel_for %ctx, %channels @conv_body(%x, %u)
          : memref<?xf32>, memref<?xf32>
      rt.parallel_for %ctx, %blocks @project_body(%u, %y)
          : memref<?xf32>, memref<?xf32>
    }
    ```
  }];
  let arguments = (ins Runtime_ContextType:$context);
  let regions = (region SizedRegion<1>:$phases);
  let assemblyFormat = "$context $phases attr-dict";
  let hasVerifier = 1;
}

#endif // RUNTIME_OPS_TD
