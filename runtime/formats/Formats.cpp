//===- Formats.cpp - The table of all formats -----------------------------===//

#include "Formats.h"

#include <cstring>
#include <vector>

namespace marimba::formats {

std::span<const Format *const> allFormats() {
  static constexpr const Format *all[] = {
#define FORMAT(NAME) &k##NAME,
#include "Formats.def"
#undef FORMAT
  };
  return all;
}

/// Writes `count` elements to a channel's places; returns the next one.
template <size_t size>
static char *spread(const char *from, int64_t count, char *to) {
  for (int64_t i = 0; i < count; ++i, to += size * Layout::kChannels)
    std::memcpy(to, from + size * static_cast<size_t>(i), size);
  return to;
}

void repackRow(const Format &format, const Part &part, const char *row,
               int64_t channel, int64_t inputs, char *to) {
  // Sizes do not depend on the number of channels.
  int64_t size = Layout::of(*format.encoding, 1, inputs).partUnit(part.kind);
  int64_t perBlock = format.perBlock(part.kind);
  int64_t blocks = inputs / format.elements;
  char share[256]; // no block has more
  to += size * Layout::placeOf(channel, 0, blocks * perBlock);
  for (int64_t b = 0; b < blocks; ++b) {
    part.read(row + b * format.bytes, share);
    switch (size) {
    case 1:
      to = spread<1>(share, perBlock, to);
      break;
    case 2:
      to = spread<2>(share, perBlock, to);
      break;
    default:
      to = spread<4>(share, perBlock, to);
    }
  }
}

const Format *findFormat(std::string_view name) {
  for (const Format *format : allFormats())
    if (format->name == name)
      return format;
  return nullptr;
}

std::string listFormats(bool blocks) {
  std::vector<std::string_view> names;
  for (const Format *format : allFormats())
    if (blocks || format->isFloat())
      names.push_back(format->name);
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i)
      text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

/// Calls `body` with all that is not plain; stops where it returns true.
template <typename Body> static void forStored(Body body) {
  for (const Format *format : allFormats()) {
    if (format->isFloat())
      continue;
    if (body(Stored{format, nullptr}))
      return;
    for (const Part &part : format->parts)
      if (part.read && body(Stored{format, &part}))
        return;
  }
  for (const ForeignPart &part : foreignParts())
    if (body(Stored{.foreign = &part}))
      return;
}

std::string Stored::name() const {
  if (!format)
    return foreign ? std::string(foreign->name) : "";
  std::string text(format->name);
  return part ? text + "-" + std::string(partName(part->kind)) : text;
}

std::optional<Stored> Stored::parse(std::string_view name) {
  if (name.empty())
    return Stored();
  std::optional<Stored> found;
  forStored([&](const Stored &stored) {
    if (stored.name() == name)
      found = stored;
    return found.has_value();
  });
  return found;
}

} // namespace marimba::formats
