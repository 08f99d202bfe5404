//===- Interrupt.cpp - Ctrl-C ---------------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Interrupt.h"
#include "tools/commands/Process.h"

#include <csignal>

static volatile std::sig_atomic_t flag = 0;

static void install(int flags, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = flags;
  sigaction(SIGINT, &action, nullptr);
}

// The second one ends the program; interrupted writes go on.
void marimba::commands::catchInterrupt() {
  install(SA_RESTART, [](int signal) {
    if (flag)
      endBySignal(signal);
    flag = 1;
  });
}

void marimba::commands::catchEveryInterrupt() {
  install(0, [](int) { flag = 1; });
}

bool marimba::commands::interrupted() { return flag != 0; }

void marimba::commands::clearInterrupt() { flag = 0; }
