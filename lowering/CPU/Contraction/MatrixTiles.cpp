//===- MatrixTiles.cpp - Many rows by the tiles of AMX ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Contraction/MatrixTiles.h"

#include "lowering/CPU/Contraction/Bf16DotTiles.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

/// Of a register's row.
static constexpr int64_t kBits = 512;
/// What the rows of a task may take of the second-level cache: processors with
/// tiles have 2 MiB, and the threads of a core mostly work on the same rows.
static constexpr int64_t kRowBytes = 1280 << 10;
/// Bytes of a row that are a panel where words are read as they are, and inputs
/// where they are made: those take 128 KiB. A multiple of all groups.
static constexpr int64_t kBytesOfRow = 5120, kInputsMade = 1024,
                         kInputStep = 128;
/// Rows of a task, at most: their sums are 128 KiB.
static constexpr int64_t kMostRows = 512;
/// Tasks for each thread where there are rows enough.
static constexpr int64_t kTasksOfThread = 4;

static Value ceilDiv(KernelBuilder &b, Value a, int64_t by) {
  return arith::DivUIOp::create(b, b.addi(a, b.index(by - 1)), b.index(by));
}

MatrixTiles::MatrixTiles(KernelBuilder &b, const TileFacts &facts, Value input,
                         Producer *producer)
    : b(b), facts(facts), input(input), producer(producer) {
  Type element = cast<MemRefType>(input.getType()).getElementType();
  perRegister = kBits / element.getIntOrFloatBitWidth();
  perWord = 32 / element.getIntOrFloatBitWidth();
  sumType = element.isBF16() ? Type(b.getF32Type()) : Type(b.getI32Type());
}

bool MatrixTiles::takes(const TileFacts &facts, Value input, int64_t depth) {
  Type element = cast<MemRefType>(input.getType()).getElementType();
  return facts.matrixTiles && depth > 0 &&
         (element.isBF16() || element.isInteger(8)) &&
         depth % (kBits / element.getIntOrFloatBitWidth()) == 0;
}

Value MatrixTiles::scratch(ArrayRef<int64_t> sizes, Type element) {
  return memref::AllocaOp::create(b, MemRefType::get(sizes, element),
                                  b.getI64IntegerAttr(64));
}

int64_t MatrixTiles::panelDepth() const {
  int64_t most = producer ? kInputsMade : kBytesOfRow * perWord / 4;
  if (depth <= most)
    return depth;
  return llvm::alignTo(llvm::divideCeil(depth, llvm::divideCeil(depth, most)),
                       kInputStep);
}

int64_t MatrixTiles::rowsOfTask() const {
  // Making a panel costs the same for all rows.
  if (producer)
    return kMostRows;
  int64_t rows = kRowBytes * perWord / (4 * panelDepth()) / kTile * kTile;
  return std::clamp<int64_t>(rows, kTile, kMostRows);
}

void MatrixTiles::emit(const ContractionOperands &what, int64_t inputs) {
  operands = what;
  depth = inputs;
  bool batches = cast<MemRefType>(operands.output.getType()).getRank() == 3;
  allRows = b.dim(operands.output, batches ? 1 : 0);
  int64_t blocks =
      std::max<int64_t>(llvm::divideCeil(operands.channels, kChannels), 1);
  int64_t pieces = llvm::divideCeil(kTasksOfThread * facts.threads, blocks);
  Value count = b.maxi(ceilDiv(b, allRows, rowsOfTask()), b.index(pieces));
  Value each = arith::DivUIOp::create(
      b, b.addi(allRows, b.subi(count, b.index(1))), count);
  Value perTask =
      b.muli(b.maxi(ceilDiv(b, each, kTile), b.index(1)), b.index(kTile));
  Value tasks = arith::DivUIOp::create(
      b, b.addi(allRows, b.subi(perTask, b.index(1))), perTask);
  // A thread goes over blocks for the same rows, which stay in its cache.
  b.parallel({tasks, b.dim(operands.words, 0)}, [&](ValueRange at) {
    Value begin = b.muli(at[0], perTask);
    Value end = b.mini(b.addi(begin, perTask), allRows);
    int64_t slots = panelDepth() < depth ? rowsOfTask() : kTile;
    sums = scratch({slots, kChannels}, sumType);
    if (producer)
      panel = scratch({panelDepth() / perWord, kChannels}, b.getI32Type());
    Value whole = input, padded = paddedRows();
    auto sequence = [&](ValueRange outer) {
      input = withPadding(whole, padded, outer);
      task(at[1], begin, end, outer);
      input = whole;
    };
    if (!batches)
      return sequence({});
    b.loop(b.index(0), b.dim(operands.output, 0),
           [&](Value batch) { sequence(batch); });
  });
}

Value MatrixTiles::paddedRows() {
  Type element = cast<MemRefType>(input.getType()).getElementType();
  return scratch({kRows, depth}, element);
}

Value MatrixTiles::withPadding(Value rows, Value padded, ValueRange outer) {
  Value few = b.cmpi(/*lessThan=*/true, allRows, b.index(kRows));
  auto type = cast<MemRefType>(rows.getType());
  auto vector = VectorType::get({perRegister}, type.getElementType());
  b.ifThen(few, [&] {
    b.loop(b.index(0), allRows, [&](Value row) {
      SmallVector<Value> from(outer);
      from.append({row, Value()});
      b.loop(
          b.index(0), b.index(depth),
          [&](Value k) {
            from.back() = k;
            Value some = vector::LoadOp::create(b, vector, rows, from);
            vector::StoreOp::create(b, some, padded, ValueRange{row, k});
          },
          perRegister);
    });
  });
  // Both as memrefs of one type; of the copy there is one sequence.
  int64_t rank = type.getRank(), dynamic = ShapedType::kDynamic;
  SmallVector<int64_t> sizes(rank, dynamic), strides(rank, dynamic);
  strides.back() = 1;
  auto layout = StridedLayoutAttr::get(b.getContext(), dynamic, strides);
  auto view = MemRefType::get(sizes, type.getElementType(), layout);
  SmallVector<OpFoldResult> shape{b.getIndexAttr(kRows), b.getIndexAttr(depth)};
  SmallVector<OpFoldResult> steps{b.getIndexAttr(depth), b.getIndexAttr(1)};
  if (rank == 3) {
    shape.insert(shape.begin(), b.getIndexAttr(1));
    steps.insert(steps.begin(), b.getIndexAttr(0));
  }
  SmallVector<int64_t> staticSizes, staticSteps;
  for (auto [size, step] : llvm::zip_equal(shape, steps)) {
    staticSizes.push_back(*getConstantIntValue(size));
    staticSteps.push_back(*getConstantIntValue(step));
  }
  auto exact =
      MemRefType::get(staticSizes, type.getElementType(),
                      StridedLayoutAttr::get(b.getContext(), 0, staticSteps));
  Value copy = memref::ReinterpretCastOp::create(
      b, exact, padded, OpFoldResult(b.getIndexAttr(0)), shape, steps);
  return b.select(few, memref::CastOp::create(b, view, copy),
                  memref::CastOp::create(b, view, rows));
}

void MatrixTiles::task(Value block, Value begin, Value end, ValueRange outer) {
  Task one{SmallVector<Value>(outer),
           block,
           begin,
           end,
           b.index(0),
           b.index(depth),
           Value(),
           Value()};
  auto emit = [&](const Task &task) {
    produce(task);
    rows(task);
  };
  int64_t most = panelDepth();
  if (most == depth)
    return emit(one);
  b.loop(
      b.index(0), b.index(depth),
      [&](Value first) {
        Value left = b.subi(b.index(depth), first);
        Task part = one;
        part.first = first;
        part.count = b.mini(left, b.index(most));
        part.isFirst = b.isZero(first);
        part.isLast = b.cmpi(/*lessThan=*/false, b.index(most), left);
        emit(part);
      },
      most);
}

void MatrixTiles::produce(const Task &task) {
  if (!producer)
    return;
  Value low; // producers give inputs in order
  producer->produce(task.block, task.first, task.count,
                    [&](Value weights, Value k, Value lane) {
                      if (!low) {
                        low = weights;
                        return;
                      }
                      Value word = arith::DivUIOp::create(
                          b, b.subi(k, task.first), b.index(perWord));
                      vector::StoreOp::create(b, roundPairs(b, low, weights),
                                              panel, ValueRange{word, lane});
                      low = Value();
                    });
  assert(!low && "words have an even number of inputs");
}

void MatrixTiles::rows(const Task &task) {
  Value lanes = b.index(kChannels);
  if (operands.channels % kChannels)
    lanes = b.mini(
        lanes, b.subi(b.index(operands.channels), b.muli(task.block, lanes)));
  // Of fewer rows there is a copy with as many as a register has.
  Value most = b.maxi(allRows, b.index(kRows));
  Value last = b.subi(most, b.index(kRows));
  b.loop(
      task.begin, task.end,
      [&](Value row) {
        Rows rows{row, task.isFirst ? b.subi(row, task.begin) : b.index(0), {}};
        for (int64_t i = 0; i < kSide; ++i)
          rows.bases.push_back(b.mini(b.addi(row, b.index(i * kRows)), last));
        b.loop(
            b.index(0), lanes,
            [&](Value lane) {
              if (task.isFirst)
                b.ifThen(task.isFirst, [&] { clear(rows, lane); });
              multiply(task, rows, lane);
              if (!task.isLast)
                return finish(task, rows, lane);
              b.ifThen(task.isLast, [&] { finish(task, rows, lane); });
            },
            kTile);
      },
      kTile);
}

void MatrixTiles::clear(const Rows &rows, Value lane) {
  auto type = VectorType::get({facts.lanes}, sumType);
  Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(type));
  b.loop(rows.slot, b.addi(rows.slot, b.index(kTile)), [&](Value slot) {
    for (int64_t v = 0; v < kTile; v += facts.lanes)
      vector::StoreOp::create(b, zeros, sums,
                              ValueRange{slot, b.addi(lane, b.index(v))});
  });
}

void MatrixTiles::multiply(const Task &task, const Rows &rows, Value lane) {
  auto total = amx::TileType::get({kRows, kRows}, sumType);
  auto factor = amx::TileType::get(
      {kRows, perRegister}, cast<MemRefType>(input.getType()).getElementType());
  auto atSum = [&](int64_t i) -> SmallVector<Value> {
    return {b.addi(rows.slot, b.index(i / kSide * kRows)),
            b.addi(lane, b.index(i % kSide * kRows))};
  };
  SmallVector<Value> start;
  for (int64_t i = 0; i < kSide * kSide; ++i)
    start.push_back(
        task.isFirst ? Value(amx::TileLoadOp::create(b, total, sums, atSum(i)))
                     : Value(amx::TileZeroOp::create(b, total)));
  Value words = arith::DivUIOp::create(b, task.count, b.index(perWord));
  Value firstWord = arith::DivUIOp::create(b, task.first, b.index(perWord));
  SmallVector<Value> all = b.loop(
      b.index(0), words, start,
      [&](Value word, ValueRange old) {
        auto weights = [&](int64_t i) -> Value {
          Value channel = b.addi(lane, b.index(i * kRows));
          if (panel)
            return amx::TileLoadOp::create(b, factor, panel,
                                           ValueRange{word, channel});
          return amx::TileLoadOp::create(
              b, factor, operands.words,
              ValueRange{task.block, b.addi(firstWord, word), channel});
        };
        Value k = b.addi(task.first, b.muli(word, b.index(perWord)));
        auto inputs = [&](int64_t i) -> Value {
          SmallVector<Value> at(task.outer);
          at.append({rows.bases[i], k});
          return amx::TileLoadOp::create(b, factor, input, at);
        };
        // Each register is loaded right before it is needed.
        SmallVector<Value> next(old), columns(kSide);
        for (int64_t row = 0; row < kSide; ++row) {
          Value x = inputs(row);
          for (int64_t column = 0; column < kSide; ++column) {
            if (row == 0)
              columns[column] = weights(column);
            Value &sum = next[row * kSide + column];
            Value w = columns[column];
            sum = sumType.isF32()
                      ? Value(amx::TileMulFOp::create(b, total, x, w, sum))
                      : Value(amx::TileMulIOp::create(b, total, x, w, sum,
                                                      UnitAttr(), UnitAttr()));
          }
        }
        return next;
      },
      perRegister / perWord);
  for (auto [i, sum] : llvm::enumerate(all))
    amx::TileStoreOp::create(b, sums, atSum(i), sum);
}

void MatrixTiles::finish(const Task &task, const Rows &rows, Value lane) {
  int64_t lanes = facts.lanes;
  Value block = b.muli(task.block, b.index(kChannels));
  for (int64_t i = 0; i < kSide; ++i) {
    // Rows that registers have twice are stored once.
    Value own = b.addi(rows.first, b.index(i * kRows));
    Value slot = b.addi(rows.slot, b.index(i * kRows));
    Value stop = b.mini(b.addi(own, b.index(kRows)), task.end);
    b.loop(own, stop, [&](Value row) {
      SmallVector<Value> at(task.outer);
      at.push_back(row);
      Value place = b.addi(slot, b.subi(row, rows.bases[i]));
      Consumers consumers(b, lanes, operands);
      for (int64_t v = 0; v < kTile; v += lanes) {
        Value channel = b.addi(lane, b.index(v));
        Value sum = vector::LoadOp::create(b, VectorType::get({lanes}, sumType),
                                           sums, ValueRange{place, channel});
        consumers.store({at}, b.addi(block, channel),
                        finished(sum, at, task.block, channel));
      }
    });
  }
}
