//===- BF16.cpp - Numbers of type BF16 as they are
//---------------------------===//

#include "Formats.h"

namespace marimba::formats {

const Format kBF16 = {
    .name = "BF16",
    .bytes = 2,
    .widen =
        [](const char *from, float *to, int64_t blocks) {
          widenScalars(from, Scalar::BF16, to, blocks);
        },
};

} // namespace marimba::formats
