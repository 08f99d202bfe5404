//===- BufferizableOpInterfaceImpl.h - Tensors to memrefs -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H
#define MARIMBA_DIALECTS_MARIMBA_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::marimba {

/// One-shot bufferisation of all destination-style ops of the dialects marimba
/// and onednn and of marimba.get_weight.
void registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry);

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H
