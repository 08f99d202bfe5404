//===- TileRecurrences.cpp - One nest around each recurrence ----*- C++ -*-===//
//
// Part of Marimba. See passes/recurrence/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/recurrence/Passes.h"
#include "passes/recurrence/TileSizes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/RegionUtils.h"

#define DEBUG_TYPE "tile-recurrences"

namespace mlir::marimba {
#define GEN_PASS_DEF_TILERECURRENCES
#include "passes/recurrence/TileRecurrences.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// A value that a loop carries without anyone reading it: the recurrence's raw
/// output once its consumer is in the loop. `%arg -> insert_slice -> yield`
/// becomes `yield %arg`, which the loop's canonicalisation removes. Each block
/// of time is written once, so what its slice held before is what the first
/// value of the loop holds there.
struct DropUnreadResults : OpRewritePattern<scf::ForOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(scf::ForOp loop,
                                PatternRewriter &rewriter) const override {
    bool changed = false;
    for (auto [result, arg, init, yielded] :
         llvm::zip(loop.getResults(), loop.getRegionIterArgs(),
                   loop.getInitArgs(), *loop.getYieldedValuesMutable())) {
      auto insert = yielded.get().getDefiningOp<tensor::InsertSliceOp>();
      if (!result.use_empty() || !insert || insert.getDest() != arg ||
          !insert->hasOneUse() || insert.getSource() == arg)
        continue;
      bool onlySlices = llvm::all_of(arg.getUsers(), [&](Operation *user) {
        return user == insert || isa<tensor::ExtractSliceOp>(user);
      });
      if (!onlySlices)
        continue;
      for (Operation *user : llvm::make_early_inc_range(arg.getUsers()))
        if (auto slice = dyn_cast<tensor::ExtractSliceOp>(user))
          rewriter.modifyOpInPlace(slice, [&, first = init] {
            slice.getSourceMutable().assign(first);
          });
      rewriter.modifyOpInPlace(loop.getBody()->getTerminator(),
                               [&, same = arg] { yielded.set(same); });
      changed = true;
    }
    return success(changed);
  }
};

class RecurrenceTiler {
public:
  RecurrenceTiler(func::FuncOp func, const RecurrenceTileSizes &sizes)
      : func(func), rewriter(func.getContext()), tileSizes(sizes) {}

  LogicalResult run() {
    using LoopType = scf::SCFTilingOptions::LoopType;
    for (RecurrenceOpInterface op : recurrences())
      if (failed(tile(op, LoopType::ForallOp, tileSizes.ofGroup(op))))
        return failure();
    fuseProducers();
    for (RecurrenceOpInterface op : recurrences())
      if (failed(tile(op, LoopType::ForOp, tileSizes.ofBlock(op))))
        return failure();
    fuseProducers();
    SmallPtrSet<Operation *, 4> seen; // of a loop its first recurrence
    for (RecurrenceOpInterface op : recurrences())
      if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
          loop && op.getReadAheadMutable() && seen.insert(loop).second)
        readAhead(loop, op);
    cleanUp();
    return success();
  }

  /// Loops that were made, and ops that joined one.
  unsigned tiled = 0, fused = 0;

private:
  SmallVector<RecurrenceOpInterface> recurrences() {
    SmallVector<RecurrenceOpInterface> ops;
    func.walk([&](RecurrenceOpInterface op) {
      if (cast<DestinationStyleOpInterface>(op.getOperation())
              .hasPureTensorSemantics() &&
          !hasEmptyOperand(op) && tileSizes.fit(op))
        ops.push_back(op);
    });
    return ops;
  }

  /// The state of a convolution of width 1: MLIR has no slices of nothing.
  static bool hasEmptyOperand(Operation *op) {
    return llvm::any_of(op->getOperandTypes(), [](Type type) {
      return llvm::is_contained(cast<ShapedType>(type).getShape(), 0);
    });
  }

  /// Tiles `op` and pulls its consumers into the loop.
  LogicalResult tile(RecurrenceOpInterface op,
                     scf::SCFTilingOptions::LoopType loopType,
                     ArrayRef<OpFoldResult> sizes) {
    // Slices that are the whole would hide who made it.
    if (llvm::all_of(sizes, isZeroInteger))
      return success();
    scf::SCFTilingOptions options;
    options.setLoopType(loopType).setTileSizes(sizes);
    SmallVector<linalg::LinalgOp> consumers = prepareConsumers(op);
    rewriter.setInsertionPoint(op);
    FailureOr<scf::SCFTilingResult> result = scf::tileUsingSCF(
        rewriter, cast<TilingInterface>(op.getOperation()), options);
    if (failed(result))
      return op->emitError("cannot be tiled");
    LDBG() << "tiled: " << op->getLoc();
    ++tiled;
    rewriter.replaceOp(op, result->replacements);
    for (linalg::LinalgOp consumer : consumers) {
      if (failed(scf::tileAndFuseConsumer(rewriter, consumer, result->loops)))
        break;
      ++fused;
      // What reads two of the values before it comes right after the first.
      sortTopologically(&result->loops.back()->getRegion(0).front());
    }
    return success();
  }

  /// Pulls producers into the loop around each recurrence, after a clean-up:
  /// only then is it plain who reads what.
  void fuseProducers() {
    cleanUp();
    for (RecurrenceOpInterface op : recurrences())
      if (auto loop = dyn_cast<LoopLikeOpInterface>(op->getParentOp())) {
        SmallVector<LoopLikeOpInterface> loops = {loop};
        fuseProducers(loops);
      }
    cleanUp();
  }

  /// Tells the recurrence in `loop` which wide tensors the next block of time
  /// reads.
  void readAhead(scf::ForOp loop, RecurrenceOpInterface op) {
    rewriter.setInsertionPoint(op);
    Location loc = op.getLoc();
    int64_t time = op.getTimeDimension();
    Value domain = op->getOperand(0);
    auto type = cast<RankedTensorType>(domain.getType());
    AffineExpr start, step, end, size;
    bindSymbols(func.getContext(), start, step, end, size);
    // The last block has no next one and names itself.
    AffineMap next =
        AffineMap::get(0, 4, {start + step, end - size}, func.getContext());
    OpFoldResult count = tensor::getMixedSize(rewriter, loc, domain, time);
    OpFoldResult offset = affine::makeComposedFoldedAffineMin(
        rewriter, loc, next,
        {loop.getInductionVar(), loop.getStep(), loop.getUpperBound(), count});
    SmallVector<Value> ahead;
    for (auto slice : loop.getOps<tensor::ExtractSliceOp>()) {
      if (slice.getType() != type || !slice->isBeforeInBlock(op) ||
          !loop.isDefinedOutsideOfLoop(slice.getSource()) ||
          slice.getMixedOffsets()[time] != OpFoldResult(loop.getInductionVar()))
        continue;
      ahead.push_back(slice.getSource());
    }
    for (Value &source : ahead) {
      SmallVector<OpFoldResult> offsets(type.getRank(),
                                        rewriter.getIndexAttr(0));
      offsets[time] = offset;
      SmallVector<OpFoldResult> sizes =
          tensor::getMixedSizes(rewriter, loc, domain);
      SmallVector<OpFoldResult> strides(type.getRank(),
                                        rewriter.getIndexAttr(1));
      source = tensor::ExtractSliceOp::create(rewriter, loc, type, source,
                                              offsets, sizes, strides);
    }
    rewriter.modifyOpInPlace(op,
                             [&] { op.getReadAheadMutable()->assign(ahead); });
  }

  /// The linalg ops that read what `op` gives and can be cut along rows, time
  /// and channels as it is, in order. What the last one gives may be read by
  /// anyone, all else only by them: a norm reads the output twice.
  SmallVector<linalg::LinalgOp> consumersOf(RecurrenceOpInterface op) {
    SmallVector<linalg::LinalgOp> consumers;
    DenseMap<Value, int64_t> channels; // of what they read, which dimension
    channels[op->getResult(0)] = op.getChannelDimension();
    for (Operation *next = op->getNextNode(); next; next = next->getNextNode())
      if (auto consumer = dyn_cast<linalg::LinalgOp>(next))
        if (std::optional<int64_t> channel = channelOf(consumer, channels)) {
          consumers.push_back(consumer);
          channels[next->getResult(0)] = *channel;
        }
    while (!consumers.empty() && !onlyTheyRead(op, consumers))
      consumers.pop_back();
    return consumers;
  }

  /// The dimension of channels of what `consumer` gives, if it reads some of
  /// the values in `channels` and can be cut as they are.
  static std::optional<int64_t>
  channelOf(linalg::LinalgOp consumer,
            const DenseMap<Value, int64_t> &channels) {
    std::optional<int64_t> found;
    auto kinds = consumer.getIteratorTypesArray();
    for (OpOperand &use : consumer->getOpOperands()) {
      auto known = channels.find(use.get());
      if (known == channels.end())
        continue;
      AffineMap map = consumer.getMatchingIndexingMap(&use);
      if (consumer.isDpsInit(&use) || writesWhatOthersRead(consumer) ||
          !map.isProjectedPermutation() || consumer->getNumResults() != 1)
        return std::nullopt;
      // States, and the values of a head, may be summed.
      for (int64_t i : {int64_t(0), int64_t(1), known->second})
        if (kinds[map.getDimPosition(i)] != utils::IteratorType::parallel)
          return std::nullopt;
      AffineMap results =
          consumer.getMatchingIndexingMap(consumer.getDpsInitOperand(0));
      std::optional<unsigned> channel =
          results.getResultPosition(map.getResult(known->second));
      if (!channel || (found && *found != *channel))
        return std::nullopt;
      found = *channel;
    }
    return found;
  }

  static bool onlyTheyRead(Operation *op,
                           ArrayRef<linalg::LinalgOp> consumers) {
    auto isTheirs = [&](Operation *user) {
      return llvm::is_contained(consumers, user);
    };
    return llvm::all_of(op->getResult(0).getUsers(), isTheirs) &&
           llvm::all_of(consumers.drop_back(), [&](linalg::LinalgOp consumer) {
             return llvm::all_of(consumer->getUsers(), isTheirs);
           });
  }

  /// Whether a destination has readers besides the op, the residual stream for
  /// example: a loop that writes it bit by bit would have to copy it.
  static bool writesWhatOthersRead(linalg::LinalgOp op) {
    return llvm::any_of(op.getDpsInits(), [&](Value init) {
      return !init.getDefiningOp<tensor::EmptyOp>() &&
             llvm::any_of(init.getUsers(), [&](Operation *user) {
               return user != op && !isa<tensor::DimOp>(user);
             });
    });
  }

  /// Makes the consumers fusible and returns them: a destination that nobody
  /// reads becomes a tensor of its own, elementwise operands (the gate's SiLU)
  /// become part of them, and all they need moves in front of the recurrence.
  SmallVector<linalg::LinalgOp> prepareConsumers(RecurrenceOpInterface op) {
    ownDestination(op->getResult(0));
    for (linalg::LinalgOp consumer : consumersOf(op))
      ownDestination(consumer->getResult(0));
    SmallVector<linalg::LinalgOp> consumers = consumersOf(op);
    SmallPtrSet<Operation *, 4> theirs{op};
    for (auto [i, consumer] : llvm::enumerate(consumers)) {
      consumer = fuseOperands(consumer, theirs);
      theirs.insert(consumer);
      SmallVector<Value> others;
      for (Value operand : consumer->getOperands())
        if (!theirs.contains(operand.getDefiningOp()))
          others.push_back(operand);
      if (failed(moveValueDefinitions(rewriter, others, op))) {
        consumers.truncate(i);
        break;
      }
    }
    return consumers;
  }

  void ownDestination(Value result) {
    if (result.use_empty())
      return;
    auto generic = dyn_cast<linalg::GenericOp>(*result.user_begin());
    if (!generic || !generic.hasPureTensorSemantics() ||
        !llvm::all_equal(result.getUsers()))
      return;
    for (OpOperand &init : generic.getDpsInitsMutable()) {
      if (init.get() != result || generic.payloadUsesValueFromOperand(&init))
        continue;
      auto producer = cast<DestinationStyleOpInterface>(result.getDefiningOp());
      Value old = producer.getTiedOpOperand(cast<OpResult>(result))->get();
      rewriter.setInsertionPoint(generic);
      Value empty = tensor::EmptyOp::create(
          rewriter, generic.getLoc(),
          tensor::getMixedSizes(rewriter, generic.getLoc(), old),
          getElementTypeOrSelf(result));
      rewriter.modifyOpInPlace(generic, [&] { init.set(empty); });
    }
  }

  linalg::LinalgOp fuseOperands(linalg::LinalgOp consumer,
                                const SmallPtrSetImpl<Operation *> &except) {
    for (bool changed = true; changed;) {
      changed = false;
      for (OpOperand *operand : consumer.getDpsInputOperands()) {
        Operation *producer = operand->get().getDefiningOp();
        if (!producer || except.contains(producer) ||
            !operand->get().hasOneUse() ||
            !linalg::areElementwiseOpsFusable(operand))
          continue;
        rewriter.setInsertionPoint(consumer);
        FailureOr<linalg::ElementwiseOpFusionResult> fused =
            linalg::fuseElementwiseOps(rewriter, operand);
        if (failed(fused))
          continue;
        for (auto [from, to] : fused->replacements)
          rewriter.replaceAllUsesWith(from, to);
        rewriter.eraseOp(consumer);
        rewriter.eraseOp(producer);
        consumer = cast<linalg::LinalgOp>(fused->fusedOp);
        changed = true;
        break;
      }
    }
    return consumer;
  }

  /// Producers that nothing outside the loop reads.
  void fuseProducers(SmallVector<LoopLikeOpInterface> &loops) {
    for (bool changed = true; changed;) {
      changed = false;
      SmallVector<tensor::ExtractSliceOp> slices;
      loops.front()->walk(
          [&](tensor::ExtractSliceOp slice) { slices.push_back(slice); });
      shareSlices(slices);
      for (tensor::ExtractSliceOp slice : slices) {
        auto producer = slice.getSource().getDefiningOp<linalg::LinalgOp>();
        if (!producer || loops.front()->isAncestor(producer))
          continue;
        dropShapeUsers(producer);
        if (!llvm::all_of(producer->getUsers(), [&](Operation *user) {
              return loops.front()->isProperAncestor(user) &&
                     isa<tensor::ExtractSliceOp>(user);
            }))
          continue;
        if (!scf::tileAndFuseProducerOfSlice(rewriter, slice, loops))
          continue;
        LDBG() << "joined the loop: " << producer->getLoc();
        ++fused;
        rewriter.eraseOp(slice);
        if (producer->use_empty())
          rewriter.eraseOp(producer);
        changed = true;
        break;
      }
    }
  }

  /// Readers of nothing but the size ask the destination instead; what a
  /// consumer left behind when it moved into the loop goes.
  void dropShapeUsers(linalg::LinalgOp op) {
    for (Operation *user : llvm::make_early_inc_range(op->getUsers())) {
      if (isOpTriviallyDead(user))
        rewriter.eraseOp(user);
      else if (auto dim = dyn_cast<tensor::DimOp>(user))
        rewriter.modifyOpInPlace(dim, [&] {
          dim.getSourceMutable().assign(
              op.getTiedOpOperand(cast<OpResult>(dim.getSource()))->get());
        });
    }
  }

  /// One slice for all readers, so that its producer is computed once.
  void shareSlices(SmallVector<tensor::ExtractSliceOp> &slices) {
    SmallVector<tensor::ExtractSliceOp> kept;
    for (tensor::ExtractSliceOp slice : slices) {
      auto same = llvm::find_if(kept, [&](tensor::ExtractSliceOp other) {
        return other->getBlock() == slice->getBlock() &&
               OperationEquivalence::isEquivalentTo(
                   other, slice, OperationEquivalence::IgnoreLocations);
      });
      if (same == kept.end()) {
        kept.push_back(slice);
        continue;
      }
      rewriter.replaceOp(slice, *same);
    }
    slices = kept;
  }

  void cleanUp() {
    MLIRContext *context = func.getContext();
    RewritePatternSet patterns(context);
    patterns.add<DropUnreadResults>(context);
    scf::ForallOp::getCanonicalizationPatterns(patterns, context);
    scf::ForOp::getCanonicalizationPatterns(patterns, context);
    affine::AffineMinOp::getCanonicalizationPatterns(patterns, context);
    tensor::ExtractSliceOp::getCanonicalizationPatterns(patterns, context);
    tensor::DimOp::getCanonicalizationPatterns(patterns, context);
    tensor::populateFoldTensorEmptyPatterns(patterns);
    (void)applyPatternsGreedily(func, std::move(patterns));
  }

  func::FuncOp func;
  IRRewriter rewriter;
  RecurrenceTileSizes tileSizes;
};

struct TileRecurrencesPass
    : mlir::marimba::impl::TileRecurrencesBase<TileRecurrencesPass> {
  using Base::Base;

  void runOnOperation() override {
    RecurrenceTileSizes sizes = {channels,   tokens,  chunk,
                                 stateBytes, threads, lanes};
    if (channels < 1 || tokens < 1 || chunk < 1 || stateBytes < 1 ||
        threads < 1 || lanes < 1) {
      getOperation().emitError("tile of ")
          << channels << " channels and " << tokens << " tokens, chunks of "
          << chunk << " tokens and " << stateBytes << " bytes of states for "
          << threads << " threads and vectors of " << lanes
          << ", expected at least 1 of each";
      return signalPassFailure();
    }
    RecurrenceTiler tiler(getOperation(), sizes);
    if (failed(tiler.run()))
      signalPassFailure();
    numTiled += tiler.tiled;
    numFused += tiler.fused;
  }
};

} // namespace
