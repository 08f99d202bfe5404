//===- PostOps.cpp - What a matmul does to its sums -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Builders/PostOps.h"

using namespace mlir;
using namespace mlir::marimba;

SmallVector<PostOp> mlir::marimba::postOpsOf(PostOpsInterface op) {
  SmallVector<PostOp> result;
  size_t next = 0;
  for (auto [kind, attribute] :
       llvm::zip_equal(op.getPostOpKinds(), op.getPostOps()))
    result.push_back(
        {kind, takesOperand(kind) ? op.getPostOperands()[next++] : Value(),
         factorOf(attribute)});
  return result;
}

Value mlir::marimba::applyPostOps(KernelBuilder &b, ArrayRef<PostOp> postOps,
                                  Value sum,
                                  llvm::function_ref<Value(Value)> load) {
  for (const PostOp &post : postOps)
    switch (post.kind) {
    case PostOpKind::Sum:
    case PostOpKind::Add:
      sum = b.add(sum, load(post.operand));
      break;
    case PostOpKind::Silu:
      sum = b.silu(sum);
      break;
    case PostOpKind::Relu2:
      sum = b.relu2(sum);
      break;
    case PostOpKind::Mul:
      sum = b.mul(sum, load(post.operand));
      break;
    case PostOpKind::Scale:
      sum = b.mul(sum, b.constant(post.factor));
      break;
    }
  return sum;
}
