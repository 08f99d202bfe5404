//===- Activations.cpp - softplus and silu inside kernels -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/MarimbaToVector/Activations.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::marimba;

Value mlir::marimba::kernelSilu(KernelBuilder &b, Value x) {
  // Minus infinity would be divided by infinity.
  x = b.atLeast(x, kLeastSilu);
  return b.div(x, b.add(b.fastExp(b.neg(x)), b.constant(1.0)));
}

Value mlir::marimba::kernelSoftplus(KernelBuilder &b, Value x) {
  Value magnitude = math::AbsFOp::create(b, x);
  Value e = b.fastExp(b.neg(magnitude));
  // log1p(e) / e, exact limit 1 at 0 but for one ulp.
  Value p = b.polynomial(
      e, {0.9999999403953552, -0.4999949336051941, 0.3331909775733948,
          -0.2484298199415207, 0.19106006622314453, -0.13663245737552643,
          0.07822594791650772, -0.029505237936973572, 0.0052326940931379795});
  return b.fma(p, e, b.max(x, b.constant(0.0)));
}
