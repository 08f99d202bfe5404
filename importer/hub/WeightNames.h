//===- WeightNames.h - Checkpoints that spell names otherwise ---*- C++ -*-===//
//
// Part of Marimba. Programs that train and save models put words in front of
// the names of tensors, or leave some out: "module." (DataParallel),
// "_orig_mod." (torch.compile), "language_model." (of a model that also sees),
// no "model." (AutoModel.save_pretrained).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_HUB_WEIGHTNAMES_H
#define MARIMBA_IMPORTER_HUB_WEIGHTNAMES_H

#include "importer/hub/ModelDirectory.h"

namespace mlir::marimba {

/// How the names that a checkpoint was searched for may be in its files.
struct NameMatch {
  /// A name in the files, and what it is to be called. Empty: they are as
  /// expected, or it cannot be told.
  std::vector<std::pair<std::string, std::string>> names;
  std::string prefix, prefixInFile; // of the layers: "model.", "module.model."
  std::string note;                 // what is read as what
  std::string problem; // why not, where there is more to say than what lacks
};

/// Compares `expected`, all the names that a family asks for, with those of the
/// files. There is one answer at most: where two are likely, that is the
/// problem.
NameMatch matchNames(ArrayRef<std::string> expected,
                     const ModelDirectory &directory);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_HUB_WEIGHTNAMES_H
