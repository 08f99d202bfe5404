//===- TimeAttribute.cpp - Which dimension of an entry is time ------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::marimba;

LogicalResult mlir::marimba::verifyTimeAttribute(Operation *op, unsigned arg,
                                                 NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return success();
  auto error = [&] {
    return op->emitOpError()
           << "argument " << arg << ": " << attribute.getName() << " is "
           << attribute.getValue();
  };
  auto dimension = dyn_cast<IntegerAttr>(attribute.getValue());
  if (!dimension || !dimension.getType().isInteger(64))
    return error() << ", expected a dimension of i64";
  auto type = dyn_cast<ShapedType>(function.getArgumentTypes()[arg]);
  if (!type)
    return success();
  int64_t time = dimension.getInt();
  if (!type.hasRank() || time < 0 || time >= type.getRank())
    return error() << ", expected a dimension of " << Type(type);
  if (!type.isDynamicDim(time) && type.getDimSize(time) != 1)
    return error() << ", a dimension of size " << type.getDimSize(time)
                   << ", expected one that is dynamic, or 1";
  return success();
}
