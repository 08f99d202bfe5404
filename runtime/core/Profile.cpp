//===- Profile.cpp - The clock of profiled code ---------------------------===//

#include "marimba/abi.h"

#include <chrono>

extern "C" int64_t marimba_profile_begin(void) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

extern "C" void marimba_profile_end(MarimbaProfileRegion *region,
                                    int64_t begin) {
  ++region->calls;
  region->nanoseconds += marimba_profile_begin() - begin;
}
