//===- GgufData.h - The data of a GGUF file ---------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_GGUFDATA_H
#define MARIMBA_TOOLS_QUANTIZE_GGUFDATA_H

#include "tools/quantize/GgufPlan.h"
#include "tools/quantize/QuantizedMatrix.h"

#include "marimba/NewFile.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace marimba {

/// Writes the file of a plan into `file`, which messages call `path`, reading
/// the source a few rows at a time, on all processors. The bytes do not depend
/// on how many these are. `advance(bytes, name)` hears from time to time how
/// many bytes have been written since and what comes next, and says whether to
/// go on. Fills in `errors`, one for each tensor, 0 where it is no blocks or as
/// it was. False where that said no, or with `error` set.
bool writeGgufData(
    const GgufPlan &plan, const GgufLayout &layout, QuantMethod method,
    rt::NewFile &file, llvm::StringRef path,
    llvm::function_ref<bool(uint64_t bytes, llvm::StringRef name)> advance,
    std::vector<QuantError> &errors, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_GGUFDATA_H
