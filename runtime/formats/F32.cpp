//===- F32.cpp - Numbers of type F32 as they are
//---------------------------===//

#include "Formats.h"

namespace marimba::formats {

const Format kF32 = {
    .name = "F32",
    .bytes = 4,
    .widen =
        [](const char *from, float *to, int64_t blocks) {
          widenScalars(from, Scalar::F32, to, blocks);
        },
};

} // namespace marimba::formats
