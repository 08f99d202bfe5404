//===- Message.h - What files say, in messages ------------------*- C++ -*-===//

#ifndef MARIMBA_FORMATS_MESSAGE_H
#define MARIMBA_FORMATS_MESSAGE_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace marimba::formats {

/// `'name'`, with unprintable characters escaped and a long name cut: names
/// come from files and may hold anything.
std::string quotedName(std::string_view name);

/// `[2, 3]`, cut where it is long.
std::string printShape(std::span<const int64_t> shape);

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_MESSAGE_H
