//===- Message.cpp - What files say, in messages --------------------------===//

#include "marimba/formats/Message.h"

namespace marimba::formats {

std::string quotedName(std::string_view name) {
  constexpr size_t longest = 160;
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text = "'";
  for (char character : name.substr(0, longest)) {
    auto byte = static_cast<unsigned char>(character);
    if (character == '\\') {
      text += "\\\\";
    } else if (byte < 0x20 || byte > 0x7e || character == '"') {
      text += {'\\', digits[byte >> 4], digits[byte & 15]};
    } else {
      text += character;
    }
  }
  return text + (name.size() > longest ? "...'" : "'");
}

std::string printShape(std::span<const int64_t> shape) {
  constexpr size_t longest = 16;
  std::string text = "[";
  for (size_t i = 0; i < shape.size() && i < longest; ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() > longest ? ", ...]" : "]");
}

} // namespace marimba::formats
