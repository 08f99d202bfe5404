//===- RuntimeDialect.cpp - What the runtime does for a call --------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "marimba/formats/Layout.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::rt;

#include "dialects/Runtime/IR/RuntimeDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Runtime/IR/RuntimeTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Runtime/IR/RuntimeOps.cpp.inc"

void RuntimeDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Runtime/IR/RuntimeTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Runtime/IR/RuntimeOps.cpp.inc"
      >();
}

bool ContextOp::isAvailableAt(Operation *op) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    function = op->getParentOfType<FunctionOpInterface>();
  return function && !function.isExternal() && function.getNumArguments() &&
         isa<ContextType>(function.getArgument(0).getType());
}

LogicalResult ContextOp::verify() {
  if (isAvailableAt(*this))
    return success();
  return emitOpError() << "is in a function without an !rt.context as "
                          "first argument, which --add-runtime-context adds";
}

LogicalResult WeightOp::verify() {
  auto type = dyn_cast<MemRefType>(getResult().getType());
  if (!type || !type.hasStaticShape() || !type.getLayout().isIdentity())
    return emitOpError() << "has a result of type " << getResult().getType()
                         << ", expected a static memref in row-major order";
  return success();
}

LogicalResult CodebookOp::verify() {
  auto values = ::marimba::formats::parseCodeValues(getValues());
  std::vector<uint32_t> words;
  if (values)
    words = ::marimba::formats::gridWords(*values);
  if (words.empty())
    return emitOpError() << "has values '" << getValues()
                         << "', expected those of a codebook, as iq3_s";
  auto size = static_cast<int64_t>(words.size());
  if (getType().getShape() != ArrayRef{size} ||
      !getType().getLayout().isIdentity())
    return emitOpError() << "has a result of type " << getType()
                         << ", expected memref<" << size << "xi32>";
  return success();
}

/// What always holds is no check.
LogicalResult CheckOp::canonicalize(CheckOp op, PatternRewriter &rewriter) {
  if (!matchPattern(op.getCondition(), m_One()))
    return failure();
  rewriter.eraseOp(op);
  return success();
}

LogicalResult ArenaAllocOp::verify() {
  auto type = dyn_cast<MemRefType>(getResult().getType());
  if (!type || !type.getLayout().isIdentity())
    return emitOpError() << "has a result of type " << getResult().getType()
                         << ", expected a memref in row-major order";
  size_t found = getDynamicSizes().size();
  if (found != type.getNumDynamicDims())
    return emitOpError() << "has " << found << " sizes, expected "
                         << type.getNumDynamicDims()
                         << ": the dynamic dimensions of " << type;
  return success();
}

LogicalResult ParallelPhasesOp::verify() {
  for (Operation &op : getPhases().front()) {
    auto loop = dyn_cast<ParallelForOp>(op);
    if (!loop)
      return emitOpError() << "has " << op.getName()
                           << " inside, expected rt.parallel_for only";
    if (loop.getContext() != getContext())
      return emitOpError() << "has a loop of another !rt.context inside";
  }
  return success();
}

LogicalResult ParallelForOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto body = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getBodyAttr());
  if (!body)
    return emitOpError() << "refers to " << getBodyAttr()
                         << ", which is not a function";
  // getContext() is the operand.
  MLIRContext *context = (*this)->getContext();
  SmallVector<Type> expected(2, IndexType::get(context));
  llvm::append_range(expected, getCaptures().getTypes());
  if (!llvm::equal(body.getArgumentTypes(), expected) ||
      !body.getResultTypes().empty()) {
    auto found = FunctionType::get(context, body.getArgumentTypes(),
                                   body.getResultTypes());
    return emitOpError() << "has a body " << getBodyAttr() << " of type "
                         << found << ", expected "
                         << FunctionType::get(context, expected, {});
  }
  return success();
}
