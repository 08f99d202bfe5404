//===- TileKernel.cpp - Many rows times weights in blocks -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Contraction/TileKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

/// Tasks for each thread where there are rows enough: threads that are late
/// cost a part of that.
static constexpr int64_t kTasksOfThread = 4;

TileFacts TileFacts::of(int64_t lanes, int64_t threads) {
  return {lanes, /*registers=*/lanes >= 16 ? 32 : 16, /*l1Bytes=*/32 << 10,
          /*l2Bytes=*/512 << 10, threads};
}

TileKernel::TileKernel(KernelBuilder &b, const TileFacts &facts, Shape shape)
    : b(b), facts(facts), shape(shape) {
  assert(kChannels % width() == 0 && "tiles do not fill a block");
}

Value TileKernel::scratch(ArrayRef<int64_t> sizes, Type element) {
  auto type = MemRefType::get(sizes, element ? element : b.getF32Type());
  return memref::AllocaOp::create(b, type, b.getI64IntegerAttr(64));
}

Value TileKernel::channelOf(const Tile &tile, int64_t vector) {
  Value lane = b.addi(tile.lane, b.index(vector * facts.lanes));
  return b.addi(b.muli(tile.panel.block, b.index(kChannels)), lane);
}

static Value ceilDiv(KernelBuilder &b, Value a, Value by) {
  Value padded = b.addi(a, b.subi(by, b.index(1)));
  return arith::DivUIOp::create(b, padded, by);
}

void TileKernel::emit(const ContractionOperands &what, ValueRange memrefs,
                      int64_t inputCount) {
  operands = what;
  depth = inputCount;
  inputs.assign(memrefs.begin(), memrefs.end());

  // As many rows as sums fit a part of the cache, fewer where blocks are few.
  int64_t most = facts.l2Bytes / 4 / (kChannels * 4) / shape.rows * shape.rows;
  int64_t blocks =
      std::max<int64_t>(llvm::divideCeil(operands.channels, kChannels), 1);
  int64_t pieces = llvm::divideCeil(kTasksOfThread * facts.threads, blocks);
  bool batches = cast<MemRefType>(operands.output.getType()).getRank() == 3;
  Value rows = b.dim(operands.output, batches ? 1 : 0);
  Value count = b.maxi(ceilDiv(b, rows, b.index(most)), b.index(pieces));
  Value tile = b.index(shape.rows);
  Value perTask = b.muli(
      b.maxi(ceilDiv(b, ceilDiv(b, rows, count), tile), b.index(1)), tile);
  // No blocks: the context has the error.
  b.parallel({b.dim(operands.words, 0), ceilDiv(b, rows, perTask)},
             [&](ValueRange at) {
               Value begin = b.muli(at[1], perTask);
               Value end = b.mini(b.addi(begin, perTask), rows);
               partial = scratch({onePanel() ? shape.rows : most, kChannels});
               allocate();
               if (!batches)
                 return task(at[0], begin, end, {});
               b.loop(b.index(0), b.dim(operands.output, 0),
                      [&](Value batch) { task(at[0], begin, end, {batch}); });
             });
}

void TileKernel::task(Value block, Value begin, Value end,
                      SmallVector<Value> outer) {
  if (onePanel()) {
    Panel panel{block, b.index(0), b.index(depth), Value(), Value()};
    produce(panel);
    return tiles(panel, begin, end, outer);
  }
  b.loop(
      b.index(0), b.index(depth),
      [&](Value first) {
        Value left = b.subi(b.index(depth), first);
        Value most = b.index(shape.depth);
        Panel panel{block, first, b.mini(left, most), b.isZero(first),
                    b.cmpi(/*lessThan=*/false, most, left)};
        produce(panel);
        tiles(panel, begin, end, outer);
      },
      shape.depth);
}

void TileKernel::tiles(const Panel &panel, Value begin, Value end,
                       ArrayRef<Value> outer) {
  Value lanes = b.index(kChannels);
  if (operands.channels % kChannels)
    lanes = b.mini(
        lanes, b.subi(b.index(operands.channels), b.muli(panel.block, lanes)));
  // The inputs of a tile's rows are in the first-level cache while all parts of
  // the panel are gone over, which come from the second-level one: rows of x
  // may be a multiple of a page apart, so that few of them stay in a cache
  // together.
  Value last = b.subi(end, b.index(1));
  b.loop(
      begin, end,
      [&](Value row) {
        Tile tile;
        tile.slot = onePanel() ? b.index(0) : b.subi(row, begin);
        tile.first = row;
        tile.stop = b.mini(b.addi(row, b.index(shape.rows)), end);
        tile.panel = panel;
        for (int64_t r = 0; r < shape.rows; ++r) {
          SmallVector<Value> at(outer);
          at.push_back(b.mini(b.addi(row, b.index(r)), last));
          tile.rows.push_back(at);
        }
        b.loop(
            b.index(0), lanes,
            [&](Value lane) {
              tile.lane = lane;
              compute(tile);
            },
            width());
      },
      shape.rows);
}

void TileKernel::compute(const Tile &tile) {
  int64_t vectors = shape.vectors, lanes = facts.lanes;
  auto over = [&](llvm::function_ref<void(int64_t, SmallVector<Value>)> body) {
    for (int64_t r = 0; r < shape.rows; ++r)
      for (int64_t v = 0; v < vectors; ++v)
        body(r * vectors + v, {b.addi(tile.slot, b.index(r)),
                               b.addi(tile.lane, b.index(v * lanes))});
  };
  // In a loop over the rows that there are: consumers are much code.
  auto finish = [&] {
    Consumers consumers(b, lanes, operands);
    b.loop(tile.first, tile.stop, [&](Value row) {
      SmallVector<Value> at(tile.rows.front());
      at.back() = row;
      Value slot = b.addi(tile.slot, b.subi(row, tile.first));
      for (int64_t v = 0; v < vectors; ++v) {
        Value lane = b.addi(tile.lane, b.index(v * lanes));
        Value sum = b.loadVector(lanes, partial, {slot, lane}, Value());
        consumers.store({at}, channelOf(tile, v), sum);
      }
    });
  };
  auto keep = [&](ValueRange all) {
    over([&](int64_t i, SmallVector<Value> at) {
      b.storeVector(all[i], partial, at, Value());
    });
  };
  SmallVector<Value> start(shape.rows * vectors, b.zeros(lanes));
  if (onePanel()) {
    keep(sums(tile, start));
    return finish();
  }
  SmallVector<Type> types(start.size(), start.front().getType());
  auto branch = scf::IfOp::create(b, types, tile.panel.isFirst,
                                  /*withElseRegion=*/true);
  auto within = [&](Block *block, llvm::function_ref<void()> body) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(block);
    body();
  };
  within(branch.thenBlock(), [&] { scf::YieldOp::create(b, start); });
  within(branch.elseBlock(), [&] {
    over([&](int64_t i, SmallVector<Value> at) {
      start[i] = b.loadVector(lanes, partial, at, Value());
    });
    scf::YieldOp::create(b, start);
  });
  keep(sums(tile, branch.getResults()));
  b.ifThen(tile.panel.isLast, finish);
}
