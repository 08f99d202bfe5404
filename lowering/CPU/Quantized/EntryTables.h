//===- EntryTables.h - Entries of codebooks by permutations -----*- C++ -*-===//
//
// Part of Marimba. Private to lowering/CPU/Quantized.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_ENTRYTABLES_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_ENTRYTABLES_H

#include "lowering/Common/Builders/CodebookParts.h"

namespace mlir::marimba {

/// Looks 64 places up at a time by vpermi2b, which has 128 bytes of a table in
/// two registers (AVX512-VBMI); a gather would load each of them. Numbers of a
/// codebook are few: a byte of the table has four of 2 bits or two of 4, which
/// vpmultishiftqb takes apart and vpermb makes integers of. Only for vectors of
/// 16 words; `b` outlives what is returned.
EntryLookUp lookUpByPermutation(KernelBuilder &b, formats::CodeValues values);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_ENTRYTABLES_H
