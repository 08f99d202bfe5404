//===- Interrupt.cpp - Ctrl-C ---------------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Interrupt.h"

#include <csignal>

static volatile std::sig_atomic_t flag = 0;

static void install(int flags) {
  struct sigaction action = {};
  action.sa_handler = [](int) { flag = 1; };
  sigemptyset(&action.sa_mask);
  action.sa_flags = flags;
  sigaction(SIGINT, &action, nullptr);
}

// Back to the default at the first signal; interrupted writes go on.
void marimba::driver::catchInterrupt() { install(SA_RESETHAND | SA_RESTART); }

void marimba::driver::catchEveryInterrupt() { install(0); }

bool marimba::driver::interrupted() { return flag != 0; }

void marimba::driver::clearInterrupt() { flag = 0; }
