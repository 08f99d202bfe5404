//===- TokenizerBench.cpp - Time to encode friendly and hostile texts -----===//
//
// bench-tokenizer TOKENIZER MIB [TEXT]: encodes texts of a tenth of MIB and of
// MIB, and prints the time of each and their ratio: 10 where it is linear.
// TOKENIZER is a file that marimba reads, or one of test/runtime/Inputs.
//
//===----------------------------------------------------------------------===//

#include "bench/Argument.h"

#include "marimba/Tokenizer.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <sys/resource.h>

using marimba::rt::Tokenizer;

static std::string readFile(const char *path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// The tokenizer of `path`; those of the tests stand inside a document.
static std::unique_ptr<Tokenizer> load(const std::string &path) {
  std::string error;
  if (path.ends_with(".json")) {
    nlohmann::json document = nlohmann::json::parse(
        readFile(path.c_str()), nullptr, /*allow_exceptions=*/false);
    if (document.is_object() && document.contains("tokenizer"))
      return Tokenizer::parse(document["tokenizer"].dump(), path, error);
  }
  std::unique_ptr<Tokenizer> tokenizer = Tokenizer::load(path, error);
  if (!tokenizer)
    std::fprintf(stderr, "%s\n", error.c_str());
  return tokenizer;
}

/// `part`, repeated up to `size` bytes.
static std::string repeat(const std::string &part, size_t size) {
  std::string text;
  text.reserve(size + part.size());
  while (text.size() < size)
    text += part;
  text.resize(size);
  return text;
}

static std::string randomBytes(size_t size) {
  std::mt19937_64 random(1);
  std::string text(size, '\0');
  for (char &byte : text)
    byte = static_cast<char>(random());
  return text;
}

static double secondsToEncode(const Tokenizer &tokenizer,
                              const std::string &text, size_t &tokens) {
  auto start = std::chrono::steady_clock::now();
  tokens = tokenizer.encode(text).size();
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  return time.count();
}

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench-tokenizer TOKENIZER MIB [TEXT]\n");
    return 1;
  }
  std::unique_ptr<Tokenizer> tokenizer = load(argv[1]);
  if (!tokenizer)
    return 1;
  size_t size =
      size_t(marimba::bench::numberArgument("MIB", argv[2], 1, 1 << 20)) << 20;

  std::vector<std::pair<const char *, std::string>> parts = {
      {"a", "a"},
      {"the", "the"},
      {"space", " "},
      {"newline", "\n"},
      {"e-acute", "\u00e9"},
      {"marks", "\u0301\u0323"},
      {"emoji", "\U0001F600"}};
  if (argc > 3)
    parts.insert(parts.begin(), {"text", readFile(argv[3])});

  std::printf("%-8s %12s %12s %8s %8s %8s %10s\n", "text", "bytes", "tokens",
              "seconds", "MB/s", "ratio", "peak MiB");
  auto measure = [&](const char *name, const std::string &text) {
    size_t tokens;
    double tenth =
        secondsToEncode(*tokenizer, text.substr(0, text.size() / 10), tokens);
    double seconds = secondsToEncode(*tokenizer, text, tokens);
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    std::printf("%-8s %12zu %12zu %8.2f %8.2f %8.1f %10ld\n", name, text.size(),
                tokens, seconds, text.size() / seconds / 1e6, seconds / tenth,
                usage.ru_maxrss / 1024);
    std::fflush(stdout);
  };
  for (const auto &[name, part] : parts)
    measure(name, repeat(part, size));
  measure("random", randomBytes(size));
  return 0;
}
