//===- Tiles.cpp - Asking for the tiles of AMX ----------------------------===//

#include "marimba/Tiles.h"

#ifdef __x86_64__
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#endif

namespace marimba::rt {

bool mayUseTiles(std::string &error) {
#ifdef __x86_64__
  constexpr long requestPermission = 0x1023; // ARCH_REQ_XCOMP_PERM
  constexpr long tileData = 18;
  if (syscall(SYS_arch_prctl, requestPermission, tileData) == 0)
    return true;
  error = std::string("uses the tiles of AMX, which this system does not "
                      "let the process use: ") +
          std::strerror(errno);
#else
  error = "uses the tiles of AMX, which this processor does not have";
#endif
  return false;
}

} // namespace marimba::rt
