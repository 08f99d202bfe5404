//===- ClassicLocale.h - Numbers with a dot ---------------------*- C++ -*-===//
//
// A host program may have set a locale with a decimal comma. What formats or
// reads numbers by way of the C library, as parsers of JSON do, stands below
// one of these; our own code uses std::to_chars and std::from_chars.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_CLASSICLOCALE_H
#define MARIMBA_FORMATS_CLASSICLOCALE_H

#include <clocale>

namespace marimba::rt {

/// The C locale for the calling thread, while it lives.
class ClassicLocale {
public:
  ClassicLocale() : before(uselocale(classic())) {}
  ~ClassicLocale() { uselocale(before); }
  ClassicLocale(const ClassicLocale &) = delete;
  ClassicLocale &operator=(const ClassicLocale &) = delete;

  /// It lives as long as the process; 0, which changes nothing, where the
  /// system has no memory for it.
  static locale_t classic() {
    static const locale_t made = newlocale(LC_ALL_MASK, "C", locale_t());
    return made;
  }

private:
  locale_t before;
};

} // namespace marimba::rt

#endif // MARIMBA_FORMATS_CLASSICLOCALE_H
