//===- ParallelizeScanInTime.cpp - Stretches of time at once ----*- C++ -*-===//
//
// Part of Marimba. See passes/recurrence/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/recurrence/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "parallelize-scan-in-time"

namespace mlir::marimba {
#define GEN_PASS_DEF_PARALLELIZESCANINTIME
#include "passes/recurrence/ParallelizeScanInTime.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// The cost model. A summary costs nearly what the scan itself does, so
/// stretches of time pay off where there are more than this many threads for
/// each group of channels.
constexpr double kWork = 1.8;
/// Fewer tokens are not worth a stretch of their own.
constexpr int64_t kShortest = 64;
/// Tokens of a piece of a prompt (Session's default).
constexpr int64_t kPiece = 512;
/// Stretches are whole blocks of time.
constexpr int64_t kBlock = 32;

/// Rewrites one scan.
class TimeSplitter {
public:
  TimeSplitter(IRRewriter &rewriter, RecurrenceOpInterface op, int64_t threads,
               int64_t lanes)
      : b(rewriter), op(op), loc(op.getLoc()), states(op.getStateSizes()[0]),
        channels(op.getStateSizes()[1]), threads(threads),
        group(channels % lanes == 0 ? lanes : channels) {}

  static bool pays(RecurrenceOpInterface op, int64_t threads, int64_t lanes) {
    if (!op.canSplitTime() || !asDestination(op).hasPureTensorSemantics())
      return false;
    int64_t channels = op.getStateSizes()[1];
    if (ShapedType::isDynamic(channels))
      return false;
    // MLIR has no slices of nothing: of no states, for example.
    if (llvm::any_of(op->getOperandTypes(), [](Type type) {
          return llvm::is_contained(cast<ShapedType>(type).getShape(), 0);
        }))
      return false;
    int64_t time = cast<ShapedType>(op->getOperand(0).getType())
                       .getDimSize(op.getTimeDimension());
    if (!ShapedType::isDynamic(time) && time < 2 * kShortest)
      return false;
    return threads > kWork * llvm::divideCeil(channels, lanes);
  }

  void run() {
    b.setInsertionPoint(op);
    Value domain = op->getOperand(0);
    rows = tensor::getMixedSize(b, loc, domain, 0);
    Value time = dim(domain, op.getTimeDimension());
    chooseStretches(time);
    summarize();
    Value starts = carry();
    scanStretches(time, starts);
  }

private:
  static DestinationStyleOpInterface asDestination(RecurrenceOpInterface op) {
    return cast<DestinationStyleOpInterface>(op.getOperation());
  }
  /// The destinations: of the output, of the state.
  Value init(unsigned number) {
    return asDestination(op).getDpsInits()[number];
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value dim(Value tensor, int64_t dimension) {
    return b.createOrFold<tensor::DimOp>(loc, tensor, dimension);
  }
  OpFoldResult attr(int64_t value) { return b.getIndexAttr(value); }
  OpFoldResult apply(AffineExpr expr, ArrayRef<OpFoldResult> operands) {
    return affine::makeComposedFoldedAffineApply(b, loc, expr, operands);
  }

  /// How many stretches, and how long each but the last is: so long that those
  /// of one row and a whole piece fill the threads. Other rows do not count,
  /// nor how many tokens there are: sums would be cut elsewhere.
  void chooseStretches(Value time) {
    int64_t count = std::max<int64_t>(threads * group / channels, 1);
    int64_t each = llvm::alignTo(llvm::divideCeil(kPiece, count), kBlock);
    length = index(std::max(each, kShortest));
    stretches = arith::MaxUIOp::create(
        b, loc, arith::CeilDivUIOp::create(b, loc, time, length), index(1));
  }

  Value empty(ArrayRef<OpFoldResult> sizes) {
    return tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  }
  Value zeros(ArrayRef<OpFoldResult> sizes) {
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
    return linalg::FillOp::create(b, loc, zero, empty(sizes)).getResult(0);
  }
  /// [stretches, rows, states of one row..., channels]
  SmallVector<OpFoldResult> perStretch(bool withStates) {
    SmallVector<OpFoldResult> sizes = {stretches, rows};
    if (withStates)
      sizes.push_back(attr(states));
    sizes.push_back(attr(channels));
    return sizes;
  }

  /// Row, first channel and stretch of one iteration, and its channels.
  struct Place {
    OpFoldResult row, channel, stretch, count;
  };

  /// A slot of [stretches, rows, (N,) D] as the op takes it: [1, (N,) Dg].
  struct Slot {
    SmallVector<OpFoldResult> offsets, sizes, strides;
    RankedTensorType type;
  };
  Slot slot(const Place &place, bool withStates) {
    Slot s;
    s.offsets = {place.stretch, place.row};
    s.sizes = {attr(1), attr(1)};
    if (withStates) {
      s.offsets.push_back(attr(0));
      s.sizes.push_back(attr(states));
    }
    s.offsets.push_back(place.channel);
    s.sizes.push_back(place.count);
    s.strides.assign(s.sizes.size(), attr(1));
    SmallVector<int64_t> shape;
    for (OpFoldResult size : ArrayRef(s.sizes).drop_front())
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
    s.type = RankedTensorType::get(shape, b.getF32Type());
    return s;
  }
  Value load(Value from, const Slot &s) {
    return tensor::ExtractSliceOp::create(b, loc, s.type, from, s.offsets,
                                          s.sizes, s.strides);
  }

  /// An scf.forall over rows, groups of channels and `count` stretches.
  template <typename Body>
  scf::ForallOp overStretches(Value count, ValueRange outs, Body body) {
    SmallVector<OpFoldResult> begins(3, attr(0)),
        steps = {attr(1), attr(group), attr(1)};
    SmallVector<OpFoldResult> ends = {rows, attr(channels), count};
    auto loop = scf::ForallOp::create(b, loc, begins, ends, steps, outs,
                                      /*mapping=*/std::nullopt);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop.getTerminator());
    SmallVector<Value> at = loop.getInductionVars();
    body(Place{at[0], at[1], at[2], attr(group)}, loop.getRegionIterArgs(),
         loop);
    return loop;
  }
  void store(scf::ForallOp loop, Value value, Value into,
             ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getTerminator().getBody());
    SmallVector<OpFoldResult> strides(sizes.size(), attr(1));
    tensor::ParallelInsertSliceOp::create(b, loc, value, into, offsets, sizes,
                                          strides);
  }

  /// The op on the tokens of a stretch, with these destinations.
  RecurrenceOpInterface tile(RecurrenceOpInterface whole, const Place &place,
                             OpFoldResult first, OpFoldResult tokens) {
    FailureOr<TilingResult> tiled =
        cast<TilingInterface>(whole.getOperation())
            .getTiledImplementation(b, {place.row, first, place.channel},
                                    {attr(1), tokens, place.count});
    return cast<RecurrenceOpInterface>(tiled->tiledOps.front());
  }
  void setDestinations(RecurrenceOpInterface part, ValueRange inits) {
    asDestination(part).getDpsInitsMutable().assign(inits);
    for (auto [result, init] : llvm::zip(part->getResults(), inits))
      result.setType(init.getType());
  }

  /// Pulls the op that makes the step into the loop.
  void fuseStep(scf::ForallOp loop, Value step) {
    auto slice = step.getDefiningOp<tensor::ExtractSliceOp>();
    if (!slice ||
        !isa_and_nonnull<linalg::LinalgOp>(slice.getSource().getDefiningOp()))
      return;
    SmallVector<LoopLikeOpInterface> loops = {loop};
    scf::tileAndFuseProducerOfSlice(b, slice, loops);
  }

  /// c and s of all stretches but the last, each from nothing.
  void summarize() {
    Value step = op.getStepOperand()->get();
    // A copy, so that both loops can have it to themselves.
    if (Operation *producer = step.getDefiningOp<linalg::GenericOp>())
      step = b.clone(*producer)->getResult(0);
    Value noState = empty({rows, attr(states), attr(channels)});
    Value noTime = empty({rows, attr(channels)});
    RecurrenceOpInterface whole = op.createSummary(b, step, {noState, noTime});
    Value before = arith::SubIOp::create(b, loc, stretches, index(1));
    SmallVector<Value> outs = {zeros(perStretch(true)),
                               zeros(perStretch(false))};
    Value tileStep;
    auto loop = overStretches(
        before, outs, [&](const Place &place, ValueRange args, auto loop) {
          AffineExpr p, l;
          bindSymbols(b.getContext(), p, l);
          OpFoldResult first = apply(p * l, {place.stretch, length});
          auto part = tile(whole, place, first, length);
          Slot state = slot(place, true), elapsed = slot(place, false);
          setDestinations(part, {load(args[0], state), load(args[1], elapsed)});
          part->moveBefore(loop.getTerminator());
          store(loop, part->getResult(0), args[0], state.offsets, state.sizes);
          store(loop, part->getResult(1), args[1], elapsed.offsets,
                elapsed.sizes);
          tileStep = part.getStepOperand()->get();
        });
    contributions = loop.getResult(0);
    elapsed = loop.getResult(1);
    fuseStep(loop, tileStep);
    b.eraseOp(whole);
  }

  /// The state before each stretch: h = exp(s A) h + c, one after the other.
  Value carry() {
    SmallVector<OpFoldResult> sizes = {rows, attr(states), attr(channels)};
    auto inSlot = [&](Value p, bool withStates) {
      SmallVector<OpFoldResult> all = perStretch(withStates);
      all.front() = attr(1);
      SmallVector<OpFoldResult> offsets(all.size(), attr(0));
      offsets.front() = p;
      return std::pair(offsets, all);
    };
    auto put = [&](Value state, Value into, Value p) -> Value {
      auto [offsets, all] = inSlot(p, true);
      SmallVector<OpFoldResult> strides(all.size(), attr(1));
      return tensor::InsertSliceOp::create(b, loc, state, into, offsets, all,
                                           strides);
    };
    auto get = [&](Value from, Value p, bool withStates) -> Value {
      auto [offsets, all] = inSlot(p, withStates);
      SmallVector<OpFoldResult> strides(all.size(), attr(1));
      SmallVector<int64_t> shape(
          cast<RankedTensorType>(from.getType()).getShape().drop_front());
      return tensor::ExtractSliceOp::create(
          b, loc, RankedTensorType::get(shape, b.getF32Type()), from, offsets,
          all, strides);
    };
    Value state =
        linalg::CopyOp::create(b, loc, init(1), empty(sizes)).getResult(0);
    Value all = put(init(1), empty(perStretch(true)), index(0));
    auto loop = scf::ForOp::create(b, loc, index(1), stretches, index(1),
                                   ValueRange{state, all});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value p = loop.getInductionVar();
    Value last = arith::SubIOp::create(b, loc, p, index(1));
    Value s = get(elapsed, last, false);
    Value c = get(contributions, last, true);
    Value next = op.createStateAfter(b, loc, c, s, loop.getRegionIterArgs()[0]);
    Value stored = put(next, loop.getRegionIterArgs()[1], p);
    scf::YieldOp::create(b, loc, ValueRange{next, stored});
    return loop.getResult(1);
  }

  /// The scan of each stretch from its state; the last one's goes out.
  void scanStretches(Value time, Value starts) {
    Value tileStep;
    auto loop = overStretches(
        stretches, {init(0), starts},
        [&](const Place &place, ValueRange args, auto loop) {
          AffineExpr p, l, t;
          bindSymbols(b.getContext(), p, l, t);
          OpFoldResult first = apply(p * l, {place.stretch, length});
          AffineMap left = AffineMap::get(0, 3, {l, t - p * l}, b.getContext());
          OpFoldResult tokens = affine::makeComposedFoldedAffineMin(
              b, loc, left, {place.stretch, length, time});
          auto part = tile(op, place, first, tokens);
          Slot state = slot(place, true);
          SmallVector<OpFoldResult> offsets = {place.row, first, place.channel};
          SmallVector<OpFoldResult> sizes = {attr(1), tokens, place.count};
          SmallVector<OpFoldResult> strides(3, attr(1));
          Value output = tensor::ExtractSliceOp::create(
              b, loc, cast<RankedTensorType>(part->getResult(0).getType()),
              args[0], offsets, sizes, strides);
          setDestinations(part, {output, load(args[1], state)});
          part->moveBefore(loop.getTerminator());
          store(loop, part->getResult(0), args[0], offsets, sizes);
          store(loop, part->getResult(1), args[1], state.offsets, state.sizes);
          tileStep = part.getStepOperand()->get();
        });
    fuseStep(loop, tileStep);
    Value last = arith::SubIOp::create(b, loc, stretches, index(1));
    SmallVector<OpFoldResult> sizes = perStretch(true), offsets(4, attr(0));
    SmallVector<OpFoldResult> strides(4, attr(1));
    offsets.front() = last;
    sizes.front() = attr(1);
    Value end = tensor::ExtractSliceOp::create(
        b, loc, cast<RankedTensorType>(init(1).getType()), loop.getResult(1),
        offsets, sizes, strides);
    Value state = linalg::CopyOp::create(b, loc, end, init(1)).getResult(0);
    b.replaceOp(op, {loop.getResult(0), state});
  }

  IRRewriter &b;
  RecurrenceOpInterface op;
  Location loc;
  int64_t states, channels, threads;
  /// Channels of one iteration: a vector of them where they are whole vectors,
  /// else all, so that every tile has the same size.
  int64_t group;
  OpFoldResult rows;
  Value length, stretches, contributions, elapsed;
};

struct ParallelizeScanInTimePass
    : mlir::marimba::impl::ParallelizeScanInTimeBase<
          ParallelizeScanInTimePass> {
  using Base::Base;

  void runOnOperation() override {
    if (threads < 1 || lanes < 1) {
      getOperation().emitError("scan in time for ")
          << threads << " threads and vectors of " << lanes
          << " channels, expected at least 1 of each";
      return signalPassFailure();
    }
    SmallVector<RecurrenceOpInterface> scans;
    getOperation().walk([&](RecurrenceOpInterface op) {
      bool pays = TimeSplitter::pays(op, threads, lanes);
      LDBG() << (pays ? "split in time: " : "stays whole: ") << op.getLoc();
      if (pays)
        scans.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (RecurrenceOpInterface op : scans)
      TimeSplitter(rewriter, op, threads, lanes).run();
    numSplit += scans.size();
  }
};

} // namespace
