//===- F16.cpp - Numbers of type F16 as they are
//---------------------------===//

#include "Formats.h"

namespace marimba::formats {

const Format kF16 = {
    .name = "F16",
    .bytes = 2,
    .widen =
        [](const char *from, float *to, int64_t blocks) {
          widenScalars(from, Scalar::F16, to, blocks);
        },
};

} // namespace marimba::formats
