//===- Conversion.cpp - Rows in another type ------------------------------===//

#include "Conversion.h"
#include "Team.h"
#include "marimba/Tensor.h"
#include "marimba/formats/Scalar.h"

#include <algorithm>
#include <cstring>

namespace marimba::rt {

namespace {

/// `count` elements from `from` to `to`, neither of them aligned.
template <typename From, typename To, To (*convert)(From)>
void convertRow(const char *from, char *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, from + i * int64_t(sizeof(From)), sizeof(From));
    To converted = convert(value);
    std::memcpy(to + i * int64_t(sizeof(To)), &converted, sizeof(To));
  }
}

template <int64_t size>
void copyRow(const char *from, char *to, int64_t count) {
  std::memcpy(to, from, static_cast<size_t>(count * size));
}

using RowFunction = void (*)(const char *from, char *to, int64_t count);

RowFunction rowFunction(int32_t from, int32_t to) {
  if (from == to) {
    switch (dtypeSize(static_cast<MarimbaDType>(from))) {
    case 2:
      return copyRow<2>;
    case 4:
      return copyRow<4>;
    default:
      return nullptr;
    }
  }
  if (from == MARIMBA_BF16 && to == MARIMBA_F32)
    return convertRow<uint16_t, float, formats::fromBF16>;
  if (from == MARIMBA_F16 && to == MARIMBA_F32)
    return convertRow<uint16_t, float, formats::fromF16>;
  if (from == MARIMBA_F32 && to == MARIMBA_BF16)
    return convertRow<float, uint16_t, formats::toBF16>;
  return nullptr;
}

} // namespace

bool canConvert(int32_t from, int32_t to) {
  return rowFunction(from, to) != nullptr;
}

void convertRows(const Rows &from, const Rows &to, int threads) {
  struct Work {
    Rows from, to;
    RowFunction convert;
  } work = {from, to, rowFunction(from.type, to.type)};
  auto run = [](void *data) {
    const Work &w = *static_cast<const Work *>(data);
    int64_t fromSize = dtypeSize(static_cast<MarimbaDType>(w.from.type));
    int64_t toSize = dtypeSize(static_cast<MarimbaDType>(w.to.type));
    int64_t part = team::threadNumber(), parts = team::teamSize();
    int64_t end = w.from.rows * (part + 1) / parts;
    for (int64_t i = w.from.rows * part / parts; i < end; ++i)
      w.convert(static_cast<const char *>(w.from.data) +
                    i * w.from.stride * fromSize,
                static_cast<char *>(const_cast<void *>(w.to.data)) +
                    i * w.to.stride * toSize,
                w.from.columns);
  };
  team::run(threads, run, &work);
}

} // namespace marimba::rt
