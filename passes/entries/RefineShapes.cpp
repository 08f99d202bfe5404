//===- RefineShapes.cpp - What follows from sizes of arguments ------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "passes/entries/RefineShapes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::marimba;

/// `type` with the static sizes of `shape` where it has none.
static RankedTensorType refined(RankedTensorType type,
                                ArrayRef<int64_t> shape) {
  SmallVector<int64_t> sizes(type.getShape());
  for (auto [size, other] : llvm::zip(sizes, shape))
    if (ShapedType::isDynamic(size))
      size = other;
  return type.clone(sizes);
}

/// `type` without the static sizes that `other` does not have as well.
static Type common(Type type, Type other) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto otherTensor = dyn_cast<RankedTensorType>(other);
  if (!tensor || !otherTensor)
    return type;
  SmallVector<int64_t> sizes(tensor.getShape());
  for (auto [size, otherSize] : llvm::zip(sizes, otherTensor.getShape()))
    if (size != otherSize)
      size = ShapedType::kDynamic;
  return tensor.clone(sizes);
}

/// `op` as a loop of one region whose results are what it carries; null if it
/// is no such loop.
static LoopLikeOpInterface carrying(Operation *op) {
  auto loop = dyn_cast<LoopLikeOpInterface>(op);
  if (!loop || loop.getLoopRegions().size() != 1 ||
      loop.getInits().size() != loop->getNumResults() ||
      loop.getRegionIterArgs().size() != loop->getNumResults())
    return nullptr;
  return loop;
}

//===----------------------------------------------------------------------===//
// Functions, regions, ops
//===----------------------------------------------------------------------===//

FailureOr<func::FuncOp> ShapeRefiner::copy(func::FuncOp function,
                                           ArrayRef<Type> inputs,
                                           const Twine &name) {
  MLIRContext *context = function.getContext();
  func::FuncOp &known =
      copies[{function, FunctionType::get(context, inputs, {})}];
  if (known)
    return known;
  func::FuncOp clone = function.clone();
  known = clone; // before what it calls moves the map
  clone.setSymName(name.str());
  symbols.insert(clone); // renames where the name is taken
  for (auto [argument, type] : llvm::zip(clone.getArguments(), inputs))
    setType(argument, type);
  if (failed(refine(clone.getBody())))
    return failure();
  SmallVector<Type> results(function.getResultTypes());
  for (Block &block : clone.getBody())
    if (auto end = dyn_cast<func::ReturnOp>(block.getTerminator())) {
      if (clone.getBody().hasOneBlock())
        results.assign(end.getOperandTypes().begin(),
                       end.getOperandTypes().end());
      for (auto [operand, type] : llvm::zip(end->getOpOperands(), results))
        castTo(operand, type);
    }
  clone.setFunctionType(FunctionType::get(context, inputs, results));
  return clone;
}

void ShapeRefiner::eraseUnused(func::FuncOp root) {
  llvm::DenseSet<Operation *> used{root};
  SmallVector<func::FuncOp> left{root};
  while (!left.empty())
    left.pop_back_val().walk([&](func::CallOp call) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (callee && used.insert(callee).second)
        left.push_back(callee);
    });
  for (auto it = copies.begin(); it != copies.end();) {
    auto copy = it++;
    if (used.contains(copy->second))
      continue;
    symbols.erase(copy->second);
    copies.erase(copy);
  }
}

LogicalResult ShapeRefiner::refine(Region &region) {
  for (Block &block : region)
    for (Operation &op : llvm::make_early_inc_range(block))
      if (failed(refine(&op)))
        return failure();
  return success();
}

LogicalResult ShapeRefiner::refine(Operation *op) {
  if (auto call = dyn_cast<func::CallOp>(op))
    return refineCall(call);
  if (LoopLikeOpInterface loop = carrying(op))
    return refineLoop(loop);
  for (Region &region : op->getRegions())
    if (failed(refine(region)))
      return failure();
  b.setInsertionPoint(op);
  bool ends = op->hasTrait<OpTrait::IsTerminator>();
  if (isa<func::ReturnOp>(op) || (ends && carrying(op->getParentOp())))
    return success(); // whose operands are cast when all is known
  if (refineSizes(op))
    return verify(op, /*verifyRecursively=*/false);
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    refineDestinations(destination);
  else if (auto cast = dyn_cast<tensor::CastOp>(op))
    refineCast(cast);
  else if (OpTrait::hasElementwiseMappableTraits(op))
    refineElementwise(op);
  else if (isa<ReifyRankedShapedTypeOpInterface>(op))
    refineByReification(op);
  else
    keepOperandTypes(op);
  return verify(op, /*verifyRecursively=*/false);
}

LogicalResult ShapeRefiner::refineCall(func::CallOp call) {
  auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
  if (!callee || callee.isExternal()) {
    keepOperandTypes(call);
    return success();
  }
  FailureOr<func::FuncOp> made =
      copy(callee, SmallVector<Type>(call.getOperandTypes()),
           callee.getSymName() + suffix);
  if (failed(made))
    return failure();
  call.setCallee(made->getSymName());
  for (auto [result, type] :
       llvm::zip(call.getResults(), made->getResultTypes()))
    setType(result, type);
  return success();
}

/// What a loop carries has one type: that of its first value, as far as what
/// the body makes of it has the same sizes. A size that the loop changes stays
/// dynamic.
LogicalResult ShapeRefiner::refineLoop(LoopLikeOpInterface loop) {
  SmallVector<Type> types(loop.getInits().getTypes());
  for (bool fits = false; !fits;) {
    fits = true;
    OwningOpRef<Operation *> asWas;
    if (ValueRange(loop.getRegionIterArgs()).getTypes() != TypeRange(types))
      asWas = loop->clone();
    for (auto [argument, type] : llvm::zip(loop.getRegionIterArgs(), types))
      setType(argument, type);
    for (Region *region : loop.getLoopRegions())
      if (failed(refine(*region)))
        return failure();
    auto yielded = loop.getYieldedValuesMutable();
    if (!asWas || !yielded)
      break;
    for (auto [operand, type] : llvm::zip(*yielded, types)) {
      Type both = common(type, operand.get().getType());
      fits &= both == type;
      type = both;
    }
    if (!fits)
      restore(loop, *asWas);
  }
  for (auto [operand, type] : llvm::zip(loop.getInitsMutable(), types))
    castTo(operand, type);
  if (auto yielded = loop.getYieldedValuesMutable())
    for (auto [operand, type] : llvm::zip(*yielded, types))
      castTo(operand, type);
  for (auto [result, type] : llvm::zip(loop->getResults(), types))
    setType(result, type);
  return success();
}

void ShapeRefiner::restore(Operation *op, Operation *asWas) {
  for (auto [region, old] : llvm::zip(op->getRegions(), asWas->getRegions())) {
    region.walk([&](Block *block) {
      for (BlockArgument argument : block->getArguments())
        before.erase(argument);
      for (Operation &inside : *block)
        for (Value result : inside.getResults())
          before.erase(result);
    });
    region.takeBody(old);
  }
}

//===----------------------------------------------------------------------===//
// Types of results
//===----------------------------------------------------------------------===//

void ShapeRefiner::refineDestinations(DestinationStyleOpInterface op) {
  // What the inputs say of a destination, as far as it says less itself.
  SmallVector<SmallVector<int64_t>> shapes = reify(op);
  for (OpResult result : op->getResults()) {
    OpOperand *init = op.getTiedOpOperand(result);
    auto type = dyn_cast<RankedTensorType>(init->get().getType());
    if (!type)
      continue;
    if (!shapes.empty())
      type = refined(type, shapes[result.getResultNumber()]);
    auto empty = init->get().getDefiningOp<tensor::EmptyOp>();
    if (empty && type != empty.getType()) {
      SmallVector<OpFoldResult> sizes = empty.getMixedSizes();
      for (auto [dim, size] : llvm::enumerate(type.getShape()))
        if (!ShapedType::isDynamic(size))
          sizes[dim] = b.getIndexAttr(size);
      init->set(tensor::EmptyOp::create(b, empty.getLoc(), sizes,
                                        type.getElementType()));
    }
    castTo(*init, type);
    setType(result, type);
  }
}

void ShapeRefiner::refineByReification(Operation *op) {
  for (auto [result, shape] : llvm::zip(op->getResults(), reify(op)))
    if (auto type = dyn_cast<RankedTensorType>(result.getType()))
      setType(result, refined(type, shape));
}

/// A cast forgets sizes for a reason: only what is new is passed on.
void ShapeRefiner::refineCast(tensor::CastOp cast) {
  if (before.contains(cast.getSource()))
    refineElementwise(cast);
}

/// All have one shape.
void ShapeRefiner::refineElementwise(Operation *op) {
  for (OpResult result : op->getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    for (Value operand : op->getOperands())
      if (auto other = dyn_cast<RankedTensorType>(operand.getType());
          type && other)
        type = refined(type, other.getShape());
    if (type)
      setType(result, type);
  }
}

void ShapeRefiner::keepOperandTypes(Operation *op) {
  bool makesTensors =
      llvm::any_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
  if (!makesTensors && !op->hasTrait<OpTrait::IsTerminator>() &&
      !isa<func::CallOp>(op) && op->getNumRegions() == 0)
    return; // tensor.dim, tensor.extract: any size will do
  for (OpOperand &operand : op->getOpOperands())
    if (auto it = before.find(operand.get()); it != before.end())
      castTo(operand, it->second);
}

//===----------------------------------------------------------------------===//
// Sizes as operands
//===----------------------------------------------------------------------===//

static int64_t numberOf(OpFoldResult size) {
  return getConstantIntValue(size).value_or(ShapedType::kDynamic);
}

/// Gives the owner of `operands` the `sizes`, of which the attribute `name`
/// has those that are known.
static void setSizes(MutableOperandRange operands, StringAttr name,
                     ArrayRef<OpFoldResult> sizes) {
  Operation *op = operands.getOwner();
  SmallVector<int64_t> numbers;
  SmallVector<Value> values;
  dispatchIndexOpFoldResults(sizes, values, numbers);
  operands.assign(values);
  op->setAttr(name, DenseI64ArrayAttr::get(op->getContext(), numbers));
}

bool ShapeRefiner::refineSizes(Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<tensor::EmptyOp, tensor::SplatOp>([&](auto made) {
        dropKnownSizes(made->getResult(0), made.getDynamicSizesMutable());
        return true;
      })
      .Case([&](tensor::GenerateOp generate) {
        dropKnownSizes(generate->getResult(0),
                       generate.getDynamicExtentsMutable());
        return true;
      })
      .Case([&](bufferization::AllocTensorOp alloc) {
        if (Value copy = alloc.getCopy())
          setType(alloc, copy.getType());
        else
          dropKnownSizes(alloc->getResult(0), alloc.getDynamicSizesMutable());
        return true;
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        refineExtraction(slice);
        return true;
      })
      .Case([&](tensor::InsertSliceOp slice) {
        refineInsertion(slice);
        setType(slice, slice.getDest().getType());
        return true;
      })
      .Case([&](tensor::ParallelInsertSliceOp slice) {
        refineInsertion(slice);
        return true;
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        refineExpansion(expand);
        return true;
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        setType(collapse,
                tensor::CollapseShapeOp::inferCollapsedType(
                    collapse.getSrcType(), collapse.getReassociationIndices()));
        return true;
      })
      .Default(false);
}

void ShapeRefiner::dropKnownSizes(OpResult result, MutableOperandRange sizes) {
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<int64_t> shape(type.getShape());
  unsigned next = 0;
  for (int64_t &size : shape) {
    if (!ShapedType::isDynamic(size))
      continue;
    size = numberOf(known(sizes[next].get()));
    if (ShapedType::isDynamic(size))
      ++next;
    else
      sizes.erase(next);
  }
  setType(result, type.clone(shape));
}

/// The type leaves out the same dimensions as before.
void ShapeRefiner::refineExtraction(tensor::ExtractSliceOp slice) {
  SmallVector<OpFoldResult> sizes = known(slice.getMixedSizes());
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (!dropped[dim])
      shape.push_back(numberOf(size));
  setSizes(slice.getSizesMutable(), slice.getStaticSizesAttrName(), sizes);
  setType(slice, slice.getType().clone(shape));
}

/// As many as the source has, which leaves out the same dimensions as before.
template <typename Slice> void ShapeRefiner::refineInsertion(Slice slice) {
  RankedTensorType source = slice.getSourceType(), old = source;
  if (auto it = before.find(slice.getSource()); it != before.end())
    old = cast<RankedTensorType>(it->second);
  std::optional<llvm::SmallDenseSet<unsigned>> dropped =
      computeRankReductionMask(slice.getStaticSizes(), old.getShape());
  if (!dropped)
    return;
  SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
  int64_t next = 0;
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    if (dropped->contains(dim))
      continue;
    int64_t length = source.getDimSize(next++);
    if (!ShapedType::isDynamic(length))
      size = b.getIndexAttr(length);
  }
  setSizes(slice.getSizesMutable(), slice.getStaticSizesAttrName(), sizes);
}

/// The sizes of a group are all known where that of its source is, and only
/// there: one that is missing follows from the others.
void ShapeRefiner::refineExpansion(tensor::ExpandShapeOp expand) {
  SmallVector<OpFoldResult> sizes =
      getMixedValues(expand.getStaticOutputShape(), expand.getOutputShape(), b);
  for (auto [length, group] : llvm::zip(expand.getSrcType().getShape(),
                                        expand.getReassociationIndices())) {
    SmallVector<OpFoldResult> inGroup;
    for (int64_t dim : group)
      inGroup.push_back(known(sizes[dim]));
    auto missing = llvm::find_if(inGroup, llvm::IsaPred<Value>);
    bool isKnown = !ShapedType::isDynamic(length);
    if (isKnown && missing != inGroup.end()) {
      int64_t others = 1;
      for (OpFoldResult &size : inGroup)
        if (&size != missing)
          others *= isa<Value>(size) ? 0 : numberOf(size);
      if (others == 0 || length % others != 0)
        return keepOperandTypes(expand); // which one?
      *missing = b.getIndexAttr(length / others);
    } else if (!isKnown && missing == inGroup.end()) {
      continue;
    }
    for (auto [dim, size] : llvm::zip(group, inGroup))
      sizes[dim] = size;
  }
  SmallVector<int64_t> shape = llvm::map_to_vector(sizes, numberOf);
  setSizes(expand.getOutputShapeMutable(),
           expand.getStaticOutputShapeAttrName(), sizes);
  setType(expand, expand.getResultType().clone(shape));
}

SmallVector<OpFoldResult> ShapeRefiner::known(SmallVector<OpFoldResult> sizes) {
  for (OpFoldResult &size : sizes)
    size = known(size);
  return sizes;
}

OpFoldResult ShapeRefiner::known(OpFoldResult size) {
  auto value = dyn_cast<Value>(size);
  if (!value)
    return size;
  std::optional<int64_t> number = constantOf(value);
  return number && *number >= 0 ? OpFoldResult(b.getIndexAttr(*number)) : size;
}

std::optional<int64_t> ShapeRefiner::constantOf(Value value) {
  if (std::optional<int64_t> number = getConstantIntValue(value))
    return number;
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    auto type = dyn_cast<RankedTensorType>(dim.getSource().getType());
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!type || !index || *index < 0 || *index >= type.getRank() ||
        type.isDynamicDim(*index))
      return std::nullopt;
    return type.getDimSize(*index);
  }
  if (!isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()) ||
      op->getNumResults() != 1)
    return std::nullopt;
  // Arithmetic of sizes, all of which have to be known.
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    std::optional<int64_t> number = constantOf(operand);
    if (!number)
      return std::nullopt;
    operands.push_back(b.getIntegerAttr(operand.getType(), *number));
  }
  SmallVector<OpFoldResult> folded;
  if (failed(op->fold(operands, folded)) || folded.size() != 1)
    return std::nullopt;
  return getConstantIntValue(folded.front());
}

SmallVector<SmallVector<int64_t>> ShapeRefiner::reify(Operation *op) {
  // What the op says is computed for the sake of its types alone.
  Operation *last = op->getPrevNode();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op);
  ReifiedRankedShapedTypeDims sizes;
  SmallVector<SmallVector<int64_t>> shapes;
  if (succeeded(reifyResultShapes(b, op, sizes)))
    for (ArrayRef<OpFoldResult> shape : sizes) {
      shapes.emplace_back();
      for (OpFoldResult size : shape)
        shapes.back().push_back(numberOf(known(size)));
    }
  for (Operation *made = op->getPrevNode(); made != last;) {
    Operation *previous = made->getPrevNode();
    made->erase();
    made = previous;
  }
  return shapes;
}

void ShapeRefiner::setType(Value value, Type type) {
  if (value.getType() == type)
    return;
  before.try_emplace(value, value.getType());
  value.setType(type);
}

void ShapeRefiner::castTo(OpOperand &operand, Type type) {
  if (operand.get().getType() == type)
    return;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(operand.getOwner());
  operand.set(tensor::CastOp::create(b, operand.getOwner()->getLoc(), type,
                                     operand.get()));
}
