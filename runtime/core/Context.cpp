//===- Context.cpp - Contexts and their scratch arena ---------------------===//

#include "marimba/Context.h"

#include "Team.h"
#include "marimba/Tensor.h"
#include "marimba/ThreadTeam.h"

#include <sys/mman.h>
#include <unistd.h>

#include <csetjmp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace marimba::rt {

namespace {
int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
} // namespace

std::unique_ptr<Context>
Context::create(int threads, std::shared_ptr<PrimitiveCache> library,
                std::string &error, int64_t arenaBytes) {
  if (threads < 1) {
    error = "a context of " + std::to_string(threads) +
            " threads was asked for, expected at least 1";
    return nullptr;
  }
  if (!canStartTeam(threads, error))
    return nullptr;
  if (arenaBytes < 1 || arenaBytes > (int64_t(1) << 46)) {
    error = "an arena of " + std::to_string(arenaBytes) +
            " bytes was requested, expected 1 to 2^46";
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
  adviseHugePages(base, bytes);
  std::unique_ptr<Context> result(new Context);
  result->context.abiVersion = MARIMBA_ABI_VERSION;
  result->context.threads = threads;
  result->context.arenaBase = static_cast<char *>(base);
  result->context.arenaSize = bytes;
  result->context.library = library.get();
  result->library = std::move(library);
  return result;
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

namespace {

/// Memory beyond a full arena. The call has failed, but its code runs on to the
/// end: every buffer it still asks for is its own, so that nothing it computes
/// from one can reach into another.
class Overflow {
public:
  static Overflow &instance() {
    static Overflow overflow;
    return overflow;
  }
  void *allocate(MarimbaContext *ctx, int64_t bytes) {
    auto size = static_cast<size_t>(std::max<int64_t>(bytes, 1));
    void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
      return nullptr;
    std::lock_guard<std::mutex> lock(mutex);
    blocks[ctx].emplace_back(data, size);
    return data;
  }
  void release(MarimbaContext *ctx) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = blocks.find(ctx);
    if (found == blocks.end())
      return;
    for (auto [data, size] : found->second)
      munmap(data, size);
    blocks.erase(found);
  }

private:
  std::mutex mutex;
  std::unordered_map<MarimbaContext *, std::vector<std::pair<void *, size_t>>>
      blocks;
};

/// Where run() stands below the code that this thread is in; null elsewhere.
thread_local jmp_buf *leave;

} // namespace

int32_t Context::run(MarimbaEntry entry, const MarimbaCall &call) {
  jmp_buf here;
  jmp_buf *outer = leave;
  // Between here and the jump there are only compiled code, which has nothing
  // to tidy up, and marimba_arena_alloc().
  if (setjmp(here) != 0) {
    leave = outer;
    return MARIMBA_ERROR_ARENA;
  }
  leave = &here;
  int32_t status = entry(&context, &call);
  leave = outer;
  return status;
}

Context::~Context() {
  Overflow::instance().release(&context);
  munmap(context.arenaBase, static_cast<size_t>(context.arenaSize));
}

void Context::clear() {
  Overflow::instance().release(&context);
  context.status = MARIMBA_OK;
  context.message[0] = 0;
  context.arenaTop = 0;
}

void *allocateScratch(MarimbaContext *ctx, int64_t bytes) {
  int64_t rest = ctx->arenaSize - ctx->arenaTop;
  // The arena's size is a multiple of the alignment, so what fits also fits
  // rounded up.
  if (bytes < 0 || bytes > rest) {
    setError(
        ctx, MARIMBA_ERROR_ARENA,
        "the scratch arena is too small: " + std::to_string(ctx->arenaTop) +
            " of " + std::to_string(ctx->arenaSize) + " bytes in use, " +
            std::to_string(bytes) +
            " more were requested; use smaller chunks or fewer rows");
    return Overflow::instance().allocate(ctx, bytes);
  }
  void *result = ctx->arenaBase + ctx->arenaTop;
  ctx->arenaTop +=
      (bytes + MARIMBA_ALIGNMENT - 1) / MARIMBA_ALIGNMENT * MARIMBA_ALIGNMENT;
  ctx->arenaPeak = std::max(ctx->arenaPeak, ctx->arenaTop);
  return result;
}

} // namespace marimba::rt

extern "C" void *marimba_arena_alloc(MarimbaContext *ctx, int64_t bytes) {
  using namespace marimba::rt;
  if (void *memory = allocateScratch(ctx, bytes))
    return memory;
  if (leave && !team::inside())
    longjmp(*leave, 1);
  // Called by none of ours.
  std::fprintf(stderr, "error: no memory for a scratch buffer of %lld bytes\n",
               static_cast<long long>(bytes));
  std::abort();
}

extern "C" void marimba_check_failed(MarimbaContext *ctx, const char *message,
                                     const int64_t *values, int64_t count) {
  std::string text;
  for (const char *at = message; *at; ++at) {
    char *end = nullptr;
    int64_t index = *at == '{' && at[1] >= '0' && at[1] <= '9' // as in "{12}"
                        ? std::strtol(at + 1, &end, 10)
                        : -1;
    if (!end || *end != '}' || index >= count) {
      text += *at;
      continue;
    }
    text += std::to_string(values[index]);
    at = end;
  }
  marimba::rt::setError(ctx, MARIMBA_ERROR_CHECK, text);
}
