//===- Process.cpp - What the program asks of the system ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Process.h"
#include "tools/commands/CutFiles.h"
#include "tools/commands/Output.h"

#include "marimba/Unfinished.h"
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

static int messages = STDERR_FILENO;

int marimba::commands::messageDescriptor() { return messages; }

void marimba::commands::endBySignal(int signal) {
  rt::removeUnfinished();
  std::signal(signal, SIG_DFL);
  raise(signal); // comes when the handler has returned
}

/// Where something exits without a look at what was printed.
static void checkOutput() {
  marimba::commands::flush();
  std::error_code code = marimba::commands::outputError();
  if (!code)
    return;
  std::string text = "error: stdout: " + code.message() + "\n";
  // Who does not read that either finds the exit code.
  if (write(messages, text.data(), text.size())) {
  }
  _exit(1);
}

void marimba::commands::prepareProcess() {
  // Reading from it is the end, writing to it fails, as it did.
  for (int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(file, F_GETFD) < 0)
      open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  if (int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3); copy >= 0)
    messages = copy;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  reportCutFiles();
  struct sigaction action = {}, old = {};
  action.sa_handler = endBySignal;
  sigemptyset(&action.sa_mask);
  // What is ignored stays so: nohup does that.
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU})
    if (sigaction(signal, nullptr, &old) == 0 && old.sa_handler == SIG_DFL)
      sigaction(signal, &action, nullptr);
  std::atexit(checkOutput);
}
