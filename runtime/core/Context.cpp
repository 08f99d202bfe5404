//===- Context.cpp - Contexts and their scratch arena ---------------------===//

#include "marimba/Context.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace marimba::rt {

namespace {
int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
} // namespace

std::unique_ptr<Context> Context::create(int threads,
                                         std::shared_ptr<Library> library,
                                         std::string &error,
                                         int64_t arenaBytes) {
  if (threads < 1) {
    error = "a context of " + std::to_string(threads) +
            " threads was asked for, expected at least 1";
    return nullptr;
  }
  if (arenaBytes < 1 || arenaBytes > (int64_t(1) << 46)) {
    error = "an arena of " + std::to_string(arenaBytes) +
            " bytes was asked for, expected 1 to 2^46";
    return nullptr;
  }
  int64_t page = sysconf(_SC_PAGESIZE);
  int64_t bytes = roundUp(arenaBytes, page);
  void *base = MAP_FAILED;
  while (true) {
    base = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base != MAP_FAILED || bytes / 2 < kSmallestArenaBytes)
      break;
    bytes = roundUp(bytes / 2, page);
  }
  if (base == MAP_FAILED) {
    error =
        "cannot reserve " + std::to_string(bytes) +
        " bytes of address space for scratch memory: " + std::strerror(errno);
    return nullptr;
  }
  std::unique_ptr<Context> result(new Context);
  result->context.abiVersion = MARIMBA_ABI_VERSION;
  result->context.threads = threads;
  result->context.arenaBase = static_cast<char *>(base);
  result->context.arenaSize = bytes;
  result->context.library = library.get();
  result->library = std::move(library);
  return result;
}

Context::~Context() {
  munmap(context.arenaBase, static_cast<size_t>(context.arenaSize));
}

void Context::clear() {
  context.status = MARIMBA_OK;
  context.message[0] = 0;
  context.arenaTop = 0;
}

void Context::trim(int64_t keep) {
  int64_t page = sysconf(_SC_PAGESIZE);
  int64_t begin = roundUp(std::max<int64_t>(keep, 0), page);
  int64_t end = std::min(roundUp(context.arenaPeak, page), context.arenaSize);
  if (begin < end)
    madvise(context.arenaBase + begin, static_cast<size_t>(end - begin),
            MADV_DONTNEED);
  context.arenaPeak = std::min(context.arenaPeak, begin);
}

void setError(MarimbaContext *context, MarimbaStatus status,
              const std::string &message) {
  int32_t expected = MARIMBA_OK;
  if (__atomic_compare_exchange_n(&context->status, &expected, status, false,
                                  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    std::snprintf(context->message, sizeof(context->message), "%s",
                  message.c_str());
}

} // namespace marimba::rt

extern "C" void *marimba_arena_alloc(MarimbaContext *ctx, int64_t bytes) {
  int64_t rest = ctx->arenaSize - ctx->arenaTop;
  if (bytes < 0 || bytes > ctx->arenaSize) {
    std::fprintf(stderr,
                 "marimba: fatal: one scratch buffer of %lld bytes was asked "
                 "for, the arena has %lld\n",
                 static_cast<long long>(bytes),
                 static_cast<long long>(ctx->arenaSize));
    std::abort();
  }
  // The arena's size is a multiple of the alignment, so rounding cannot
  // overflow and cannot pass its end by itself.
  int64_t rounded =
      (bytes + MARIMBA_ALIGNMENT - 1) / MARIMBA_ALIGNMENT * MARIMBA_ALIGNMENT;
  if (rounded > rest) {
    marimba::rt::setError(
        ctx, MARIMBA_ERROR_ARENA,
        "the scratch arena is too small: " + std::to_string(ctx->arenaTop) +
            " of " + std::to_string(ctx->arenaSize) + " bytes in use, " +
            std::to_string(bytes) +
            " more were asked for; use smaller chunks or fewer rows");
    return ctx->arenaBase;
  }
  void *result = ctx->arenaBase + ctx->arenaTop;
  ctx->arenaTop += rounded;
  ctx->arenaPeak = std::max(ctx->arenaPeak, ctx->arenaTop);
  return result;
}
