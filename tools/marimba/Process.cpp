//===- Process.cpp - What the program asks of the system ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Process.h"
#include "tools/marimba/CutFiles.h"

#include "marimba/Unfinished.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

using namespace llvm;

/// stderr, also while what is written there is captured.
static int messages = STDERR_FILENO;

void marimba::driver::endBySignal(int signal) {
  rt::removeUnfinished();
  std::signal(signal, SIG_DFL);
  raise(signal); // comes when the handler has returned
}

/// LLVM's streams end the program without exit code or message of ours where
/// they are destroyed with an error.
static void checkStreams() {
  outs().flush();
  errs().clear_error();
  std::error_code code = outs().error();
  outs().clear_error();
  if (!code)
    return;
  std::string text = "error: stdout: " + code.message() + "\n";
  // Who does not read that either finds the exit code.
  if (write(messages, text.data(), text.size())) {
  }
  _exit(1);
}

void marimba::driver::prepareProcess() {
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
  // Made before, so that they are destroyed after.
  outs();
  errs();
  std::atexit(checkStreams);
}
