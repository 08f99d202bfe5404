//===- RefineShapes.cpp - What follows from sizes of arguments ------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "passes/entries/RefineShapes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

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
  if (rebuild(op))
    return success();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    refineDestinations(destination);
  else if (OpTrait::hasElementwiseMappableTraits(op) || isa<tensor::CastOp>(op))
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

/// What a loop carries has one type: that of its first value.
LogicalResult ShapeRefiner::refineLoop(LoopLikeOpInterface loop) {
  for (auto [argument, init] :
       llvm::zip(loop.getRegionIterArgs(), loop.getInits()))
    setType(argument, init.getType());
  for (Region *region : loop.getLoopRegions())
    if (failed(refine(*region)))
      return failure();
  if (auto yielded = loop.getYieldedValuesMutable())
    for (auto [operand, argument] :
         llvm::zip(*yielded, loop.getRegionIterArgs()))
      castTo(operand, argument.getType());
  for (auto [result, argument] :
       llvm::zip(loop->getResults(), loop.getRegionIterArgs()))
    setType(result, argument.getType());
  return success();
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
      !isa<func::CallOp>(op))
    return; // tensor.dim, tensor.extract: any size will do
  for (OpOperand &operand : op->getOpOperands())
    if (auto it = before.find(operand.get()); it != before.end())
      castTo(operand, it->second);
}

//===----------------------------------------------------------------------===//
// Sizes as operands
//===----------------------------------------------------------------------===//

static bool isOne(Value tensor, int64_t dim) {
  return cast<RankedTensorType>(tensor.getType()).getDimSize(dim) == 1;
}

bool ShapeRefiner::rebuild(Operation *op) {
  Location loc = op->getLoc();
  Value made;
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    made = tensor::EmptyOp::create(b, loc, known(empty.getMixedSizes()),
                                   empty.getType().getElementType());
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    // A dimension that has one element now is taken whole. The type leaves
    // out the same dimensions as before.
    SmallVector<OpFoldResult> sizes = known(slice.getMixedSizes());
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    SmallVector<int64_t> shape;
    for (auto [dim, size] : llvm::enumerate(sizes)) {
      if (isa<Value>(size) && isOne(slice.getSource(), dim))
        size = b.getIndexAttr(1);
      if (!dropped[dim])
        shape.push_back(
            getConstantIntValue(size).value_or(ShapedType::kDynamic));
    }
    made = tensor::ExtractSliceOp::create(
        b, loc, slice.getType().clone(shape), slice.getSource(),
        slice.getMixedOffsets(), sizes, slice.getMixedStrides());
  } else if (auto slice = dyn_cast<tensor::InsertSliceOp>(op)) {
    // As many as the source has.
    SmallVector<OpFoldResult> sizes = known(slice.getMixedSizes());
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    int64_t source = 0;
    for (auto [dim, size] : llvm::enumerate(sizes)) {
      if (dropped[dim])
        continue;
      int64_t length = slice.getSourceType().getDimSize(source++);
      if (isa<Value>(size) && !ShapedType::isDynamic(length))
        size = b.getIndexAttr(length);
    }
    made = tensor::InsertSliceOp::create(
        b, loc, slice.getSource(), slice.getDest(), slice.getMixedOffsets(),
        sizes, slice.getMixedStrides());
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    SmallVector<OpFoldResult> sizes = known(getMixedValues(
        expand.getStaticOutputShape(), expand.getOutputShape(), b));
    SmallVector<ReassociationIndices> groups = expand.getReassociationIndices();
    for (auto [dim, group] : llvm::enumerate(groups))
      if (group.size() == 1 && isOne(expand.getSrc(), dim))
        sizes[group.front()] = b.getIndexAttr(1);
    SmallVector<int64_t> shape;
    for (OpFoldResult size : sizes)
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
    made = tensor::ExpandShapeOp::create(b, loc,
                                         expand.getResultType().clone(shape),
                                         expand.getSrc(), groups, sizes);
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    made = tensor::CollapseShapeOp::create(b, loc, collapse.getSrc(),
                                           collapse.getReassociationIndices());
  } else {
    return false;
  }
  Value old = op->getResult(0);
  if (made.getType() == old.getType() && !isa<tensor::InsertSliceOp>(op)) {
    made.getDefiningOp()->erase();
    return true;
  }
  before[made] = old.getType();
  old.replaceAllUsesWith(made);
  op->erase();
  return true;
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
  return number ? OpFoldResult(b.getIndexAttr(*number)) : size;
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
        shapes.back().push_back(
            getConstantIntValue(known(size)).value_or(ShapedType::kDynamic));
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
