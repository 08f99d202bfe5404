//===- Formats.h - The formats that Formats.def lists -----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_FORMATS_FORMATS_H
#define MARIMBA_RUNTIME_FORMATS_FORMATS_H

#include "marimba/formats/Format.h"

namespace marimba::formats {

#define FORMAT(NAME) extern const Format k##NAME;
#include "Formats.def"
#undef FORMAT

/// Parts in the order of AutoAWQ and AutoGPTQ.

} // namespace marimba::formats

#endif // MARIMBA_RUNTIME_FORMATS_FORMATS_H
