//===- WorkOpInterface.td - What work an op does --------------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_INTERFACES_WORK_OP_INTERFACE_TD
#define MARIMBA_INTERFACES_WORK_OP_INTERFACE_TD

include "mlir/IR/OpBase.td"

def WorkOpInterface : OpInterface<"WorkOpInterface"> {
  let description = [{
    The arithmetic of an op and the bytes that it moves, as functions of its
    sizes: what a roofline needs. Every op of the dialect has it (Marimba_Op),
    and an op that does not define `getWork` does not link.

    Sizes that types leave open are the caller's, by their letters in the op's
    table of shapes (IR/Shapes.h): "B", "T".
  }];
  let cppNamespace = "::mlir::marimba";
  let methods = [
    InterfaceMethod<
      /*desc=*/"The operations of one call.",
      /*retTy=*/"::mlir::marimba::OpWork",
      /*methodName=*/"getWork",
      /*args=*/(ins "::mlir::marimba::DynamicSize":$size)
    >,
    InterfaceMethod<
      /*desc=*/[{
        The bytes of `operand` that one call reads: all of it, unless the op
        says otherwise (rows of a table, the experts that tokens choose).
      }],
      /*retTy=*/"double",
      /*methodName=*/"getBytesRead",
      /*args=*/(ins "::mlir::OpOperand &":$operand,
                    "::mlir::marimba::DynamicSize":$size),
      /*methodBody=*/"",
      /*defaultImplementation=*/[{
        return ::mlir::marimba::bytesOf($_op, operand.get(), size);
      }]
    >,
    InterfaceMethod<
      /*desc=*/[{
        The bytes that one call reads and writes. A destination counts once, as
        what is written.
      }],
      /*retTy=*/"double",
      /*methodName=*/"getBytesMoved",
      /*args=*/(ins "::mlir::marimba::DynamicSize":$size),
      /*methodBody=*/"",
      /*defaultImplementation=*/[{
        return ::mlir::marimba::bytesMoved($_op, size);
      }]
    >,
  ];
}

#endif // MARIMBA_INTERFACES_WORK_OP_INTERFACE_TD
