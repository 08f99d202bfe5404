//===- ModelFacts.h - What loading needs of a compilation -------*- C++ -*-===//
//
// Part of Marimba. What the importer and the options say, as the runtime takes
// it: for code that is run at once and for code that is written out.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_MODELFACTS_H
#define MARIMBA_TOOLS_LIBMARIMBA_MODELFACTS_H

#include "marimba/ReadyModel.h"
#include "marimba/Weights.h"
#include "tools/libmarimba/Compiler.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace marimba {

/// Facts of a model that was imported and not lowered yet; without the ids that
/// end a text (ModelFiles.h), which no code needs.
rt::ModelFacts describeFacts(Compilation &compilation,
                             llvm::StringRef modelDir);

/// Where the tensors are that the importer found. Nothing, and `error`, where
/// the runtime does not know a type.
std::optional<std::vector<rt::WeightSource>>
weightSources(const mlir::marimba::ImportedModel &imported, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_MODELFACTS_H
