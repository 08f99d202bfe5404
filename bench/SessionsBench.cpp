//===- SessionsBench.cpp - Sessions together and one after the other ------===//
//
// bench-sessions MODEL [SESSIONS [PROMPT [TOKENS [THREADS]]]]: as many sessions
// of one model read a prompt and decode, first one after the other on one
// thread, then each on a thread of its own; in rounds, so that both see the
// same machine. Prints the medians and their ratio: above 1, together is
// slower.
//
//===----------------------------------------------------------------------===//

#include "bench/Argument.h"
#include "runtime/capi/marimba.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

static void check(marimba_code code, const char *message) {
  if (code == MARIMBA_SUCCESS)
    return;
  std::fprintf(stderr, "error: %s\n", message ? message : "no memory");
  std::exit(1);
}

/// A new session reads `prompt` ids and decodes `tokens`.
static void work(const marimba_model *model, int prompt, int tokens) {
  int vocabulary = marimba_model_vocabulary(model);
  std::vector<float> logits(static_cast<size_t>(vocabulary));
  std::vector<int32_t> ids(static_cast<size_t>(prompt));
  for (int i = 0; i < prompt; ++i)
    ids[static_cast<size_t>(i)] = i * 7 % vocabulary;
  marimba_session *session = nullptr;
  char *message = nullptr;
  check(marimba_session_create(model, &session, &message), message);
  check(marimba_session_append(session, ids.data(), ids.size(), logits.data(),
                               &message),
        message);
  for (int i = 0; i < tokens; ++i) {
    auto best = static_cast<int32_t>(
        std::max_element(logits.begin(), logits.end()) - logits.begin());
    check(marimba_session_append(session, &best, 1, logits.data(), &message),
          message);
  }
  marimba_session_free(session);
}

template <typename Function> static double seconds(Function function) {
  auto start = std::chrono::steady_clock::now();
  function();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench-sessions MODEL [SESSIONS [PROMPT "
                         "[TOKENS [THREADS]]]]\n");
    return 1;
  }
  auto argument = [&](int index, const char *name, int least, int most,
                      int otherwise) {
    return argc > index ? static_cast<int>(marimba::bench::numberArgument(
                              name, argv[index], least, most))
                        : otherwise;
  };
  int sessions = argument(2, "SESSIONS", 1, 1024, 4);
  int prompt = argument(3, "PROMPT", 1, 1 << 20, 512);
  int tokens = argument(4, "TOKENS", 0, 1 << 20, 128);
  constexpr int rounds = 7;
  marimba_options options = {};
  options.size = sizeof(options);
  options.threads = argument(5, "THREADS", 0, 1024, 0);
  marimba_model *model = nullptr;
  char *message = nullptr;
  check(marimba_model_load(argv[1], &options, &model, &message), message);
  work(model, prompt, tokens);
  std::vector<double> apart, together;
  for (int round = 0; round < rounds; ++round) {
    apart.push_back(seconds([&] {
      for (int i = 0; i < sessions; ++i)
        work(model, prompt, tokens);
    }));
    together.push_back(seconds([&] {
      std::vector<std::thread> threads;
      for (int i = 0; i < sessions; ++i)
        threads.emplace_back([&] { work(model, prompt, tokens); });
      for (std::thread &thread : threads)
        thread.join();
    }));
  }
  std::printf("%d sessions, %d + %d tokens: in turn %.3f s, together %.3f s, "
              "ratio %.2f\n",
              sessions, prompt, tokens, median(apart), median(together),
              median(together) / median(apart));
  marimba_model_free(model);
  return 0;
}
