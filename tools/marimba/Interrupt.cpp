//===- Interrupt.cpp - Ctrl-C ---------------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Interrupt.h"

#include <csignal>

static volatile std::sig_atomic_t flag = 0;

void marimba::driver::catchInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { flag = 1; };
  sigemptyset(&action.sa_mask);
  // Back to the default at the first signal; interrupted writes go on.
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

bool marimba::driver::interrupted() { return flag != 0; }
