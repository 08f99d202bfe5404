//===- JambaConfig.h - Jamba's fields of config.json ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_FAMILIES_JAMBACONFIG_H
#define MARIMBA_IMPORTER_FAMILIES_JAMBACONFIG_H

#include "importer/blocks/MambaWeights.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

struct JambaConfig {
  int64_t vocab, hidden, intermediate, layers;
  int64_t experts, topK, expertPeriod, expertOffset;
  int64_t attentionPeriod, attentionOffset;
  bool tied;
  double epsilon;
  MambaMixer mixer;
  AttentionSizes attention;

  bool isAttention(int64_t i) const {
    return i % attentionPeriod == attentionOffset;
  }
  bool isMoE(int64_t i) const {
    return experts > 1 && i % expertPeriod == expertOffset;
  }
  /// Reads and checks all fields; errors have been reported on failure.
  LogicalResult read(Config &config);
};

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_FAMILIES_JAMBACONFIG_H
