//===- Limits.cpp - What the machine can do at best -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/Limits.h"
#include "tools/measure/LimitRunner.h"
#include "tools/measure/LimitsText.h"
#include "tools/measure/TileProbes.h"

#include "marimba/Tiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <unistd.h>

using namespace marimba;
using namespace llvm;

Spread Spread::of(std::vector<double> samples) {
  if (samples.empty())
    return {};
  std::sort(samples.begin(), samples.end());
  size_t n = samples.size();
  return {samples.front(), (samples[(n - 1) / 2] + samples[n / 2]) / 2,
          samples.back()};
}

static std::string vectorType(unsigned lanes, StringRef element) {
  return ("vector<" + Twine(lanes) + "x" + element + ">").str();
}

/// The last-level cache of one processor in bytes.
static int64_t lastLevelCacheBytes() {
  int64_t largest = 0;
  for (int name : {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE})
    largest = std::max<int64_t>(largest, sysconf(name));
  return largest;
}

/// What a thread reads of the second-level cache, which another may share:
/// three eighths of it, in whole steps of a probe.
static int64_t tileBytes() {
  int64_t cache = std::max<int64_t>(sysconf(_SC_LEVEL2_CACHE_SIZE), 64 << 10);
  return cache * 3 / 8 / kTileStepBytes * kTileStepBytes;
}

/// Independent sums in flight: as many as hide the latency of any processor's
/// multipliers, and fit in 16 registers.
static constexpr unsigned kAccumulators = 12;
static constexpr unsigned kExpAccumulators = 6;

namespace {
/// A probe and what it is called in the answer.
struct Route {
  const char *name;
  Probe probe;
};

/// The names of intrinsics for vectors of one width; empty where there are
/// none.
struct ByteIntrinsics {
  StringRef dots;  // four bytes added to an int32
  StringRef pairs; // two bytes added in an int16 (vpmaddubsw)
  StringRef wide;  // two int16 added in an int32 (vpmaddwd)
};
} // namespace

struct LimitProbes::Impl {
  mlir::marimba::TargetOptions target;
  std::vector<std::string> features;
  unsigned bits = 128;
  Probe fma;
  // The fastest of each counts.
  std::vector<Route> bf16, int8, int4;
  std::vector<Route> bf16Tiles, int8Tiles; // with operands in tiles
  std::vector<Probe> exps, reads;

  bool has(StringRef feature) const { return is_contained(features, feature); }
  bool compile(Probe &probe, StringRef name, StringRef body, unsigned copies,
               double work, StringMap<std::string> names, std::string &error);
  bool compileArithmetic(std::string &error);
  bool compileExps(std::string &error);
  bool compileIntegers(std::string &error);
  bool compileReads(std::string &error);
  void addTiles();
};

bool LimitProbes::Impl::compile(Probe &probe, StringRef name, StringRef body,
                                unsigned copies, double work,
                                StringMap<std::string> names,
                                std::string &error) {
  names["BODY"] = body.str();
  names.try_emplace("SETUP", "");
  names.try_emplace("POINT", "");
  mlir::marimba::PipelineOptions pipeline;
  pipeline.vectorBits = bits;
  probe.code =
      compileText(expand(kFrame, copies, names), ("probe-" + name).str(),
                  pipeline, target, error, /*firstStage=*/"llvm");
  if (!probe.code)
    return false;
  probe.body = lookupFunction<void(void *, int64_t, int64_t)>(*probe.code,
                                                              "probe", error);
  probe.workPerIteration = work;
  probe.streams = copies;
  return probe.body != nullptr;
}

bool LimitProbes::Impl::compileArithmetic(std::string &error) {
  bits = mlir::marimba::preferredVectorBits(target);
  features = mlir::marimba::processorFeatures(target);
  unsigned lanes = bits / 32;
  addTiles();
  std::string floats = vectorType(lanes, "f32");
  if (!compile(fma, "fma", kFma, kAccumulators, 2.0 * lanes * kAccumulators,
               {{"OPERAND", floats}, {"ACC", floats}, {"POINT", ".0"}},
               error) ||
      !compileExps(error))
    return false;
  if (has("avx512bf16") && bits == 512 &&
      !compile(bf16.emplace_back(Route{"vdpbf16ps", {}}).probe, "bf16", kDot,
               kAccumulators, 4.0 * lanes * kAccumulators,
               {{"OPERAND", vectorType(2 * lanes, "bf16")},
                {"ACC", floats},
                {"POINT", ".0"},
                {"CALLEE", "llvm.x86.avx512bf16.dpbf16ps.512"}},
               error))
    return false;
  return compileIntegers(error);
}

bool LimitProbes::Impl::compileExps(std::string &error) {
  unsigned lanes = bits / 32;
  std::string floats = vectorType(lanes, "f32");
  auto add = [&](StringRef body, unsigned copies) {
    return compile(exps.emplace_back(), "exp", body, copies,
                   1.0 * lanes * copies,
                   {{"OPERAND", floats},
                    {"ACC", floats},
                    {"INT", vectorType(lanes, "i32")},
                    {"POINT", ".0e-30"}, // below the last bit of any result
                    {"EXP", kExp.str()},
                    {"SETUP", kExpSetup.str()}},
                   error);
  };
  return add(kExpSums, kExpAccumulators) && add(kExpArray, 2) &&
         add(kExpArray, 4);
}

/// The products of bytes that the vector unit has.
bool LimitProbes::Impl::compileIntegers(std::string &error) {
  unsigned lanes = bits / 32;
  ByteIntrinsics names;
  if (bits == 512 && has("avx512bw"))
    names = {"", "llvm.x86.avx512.pmaddubs.w.512",
             "llvm.x86.avx512.pmaddw.d.512"};
  else if (bits == 256 && has("avx2"))
    names = {"", "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.pmadd.wd"};
  if (bits == 512 && has("avx512vnni"))
    names.dots = "llvm.x86.avx512.vpdpbusd.512";
  else if (bits == 256 && has("avxvnni"))
    names.dots = "llvm.x86.avx512.vpdpbusd.256";

  std::string bytes = vectorType(4 * lanes, "i8");
  std::string halves = vectorType(2 * lanes, "i16");
  auto add = [&](std::vector<Route> &routes, const char *route, StringRef body,
                 double work, StringRef operand, StringRef callee,
                 StringRef setup = "") {
    return compile(routes.emplace_back(Route{route, {}}).probe, "bytes", body,
                   kAccumulators, work * lanes * kAccumulators,
                   {{"OPERAND", operand.str()},
                    {"HALVES", halves},
                    {"ACC", vectorType(lanes, "i32")},
                    {"SETUP", setup.str()},
                    {"PAIRS", names.pairs.str()},
                    {"CALLEE", callee.str()}},
                   error);
  };
  if (!names.dots.empty())
    return add(int8, "vpdpbusd", kDot, 8, bytes, names.dots);
  if (names.pairs.empty())
    return true;
  return add(int8, "vpmaddwd", kWideDot, 4, halves, names.wide) &&
         add(int8, "vpmaddubsw", kByteDot, 8, bytes, names.wide,
             kByteDotSetup) &&
         add(int4, "vpmaddubsw, 8 in int16", nibbleDot(), 8 * kNibbleProducts,
             bytes, names.wide, kNibbleDotSetup);
}

void LimitProbes::Impl::addTiles() {
  std::string refused;
  if (!has("amx-tile") || !rt::mayUseTiles(refused))
    return;
  if (has("amx-bf16")) {
    bf16.push_back({"tdpbf16ps", bf16TileProbe(TileOperands::FromCache)});
    bf16Tiles.push_back({"tdpbf16ps", bf16TileProbe(TileOperands::InTiles)});
  }
  if (has("amx-int8")) {
    int8.push_back({"tdpbssd", int8TileProbe(TileOperands::FromCache)});
    int8Tiles.push_back({"tdpbssd", int8TileProbe(TileOperands::InTiles)});
  }
}

bool LimitProbes::Impl::compileReads(std::string &error) {
  // Which one is the fastest depends on what the processor prefetches itself.
  constexpr struct {
    unsigned streams, ahead;
  } ways[] = {{1, 1024}, {1, 4096}, {2, 512},  {4, 0},   {4, 1024},
              {4, 4096}, {8, 0},    {8, 1024}, {8, 4096}};
  for (auto [streams, ahead] : ways) {
    std::string body = kReadBody.str();
    if (ahead)
      body += kReadAhead;
    std::string line = vectorType(kCacheLine / 4, "i32");
    if (!compile(reads.emplace_back(), "read", body, streams,
                 kCacheLine * streams,
                 {{"OPERAND", line},
                  {"ACC", line},
                  {"AHEAD", std::to_string(ahead)}},
                 error))
      return false;
  }
  return true;
}

LimitProbes::LimitProbes(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
LimitProbes::~LimitProbes() = default;

std::unique_ptr<LimitProbes>
LimitProbes::create(const mlir::marimba::TargetOptions &target,
                    std::string &error) {
  auto impl = std::make_unique<Impl>();
  impl->target = target;
  if (!impl->compileArithmetic(error) || !impl->compileReads(error))
    return nullptr;
  return std::unique_ptr<LimitProbes>(new LimitProbes(std::move(impl)));
}

bool LimitProbes::measureExp(unsigned threads, const ProbeOptions &options,
                             Spread &gopsPerSecond, std::string &error) {
  std::unique_ptr<LimitRunner> runner = LimitRunner::create(threads, error);
  if (!runner)
    return false;
  runner->setOperand(-1.25f);
  gopsPerSecond = {};
  for (const Probe &probe : impl->exps)
    if (Spread rate = runner->measure(probe, options);
        rate.max > gopsPerSecond.max)
      gopsPerSecond = rate;
  return true;
}

bool LimitProbes::measure(unsigned threads, const ProbeOptions &options,
                          Limits &limits, std::string &error) {
  std::unique_ptr<LimitRunner> runner = LimitRunner::create(threads, error);
  if (!runner || !measureExp(threads, options, limits.expGops, error))
    return false;
  limits.threads = threads;
  runner->setOperand(0.5f);
  limits.f32Gflops = runner->measure(impl->fma, options);
  // Operands of tiles; other probes read none.
  ReadBuffer cached;
  int64_t each = tileBytes();
  if (!impl->bf16Tiles.empty() || !impl->int8Tiles.empty()) {
    if (!cached.allocate(each * threads)) {
      error = "no memory to measure the rate of tiles";
      return false;
    }
    runner->setMemory(cached, each);
  }
  // Whatever is widened is multiplied at the rate of the wider type: a route
  // counts where it is faster.
  auto fastest = [&](const std::vector<Route> &routes, Spread &limit,
                     const char *&used) {
    for (const Route &route : routes)
      if (Spread rate = runner->measure(route.probe, options);
          rate.max > limit.max) {
        limit = rate;
        used = route.name;
      }
  };
  const char *none = kF32Route;
  limits.bf16Gflops = limits.int8Gops = limits.f32Gflops;
  limits.bf16Route = limits.int8Route = kF32Route;
  runner->setOperand(uint16_t(0x3f00)); // 0.5
  fastest(impl->bf16, limits.bf16Gflops, limits.bf16Route);
  fastest(impl->bf16Tiles, limits.bf16TilesGflops, none);
  runner->setOperand(uint8_t(1));
  fastest(impl->int8, limits.int8Gops, limits.int8Route);
  fastest(impl->int8Tiles, limits.int8TilesGops, none);
  limits.int4Gops = limits.int8Gops;
  limits.int4Route = limits.int8Route;
  fastest(impl->int4, limits.int4Gops, limits.int4Route);

  // A host's cache of 512 MiB is in parts: two cores have a few of them.
  constexpr int64_t smallest = int64_t(256) << 20;
  ReadBuffer buffer;
  if (!buffer.allocate(std::clamp(4 * lastLevelCacheBytes(), smallest,
                                  ProbeOptions::kMostReadBytes))) {
    error = "no memory to measure the memory bandwidth";
    return false;
  }
  limits.dramReadGbps = runner->measureReads(impl->reads, buffer, options);
  return true;
}

float LimitProbes::exp(float x) const {
  std::string error;
  std::unique_ptr<LimitRunner> runner = LimitRunner::create(1, error);
  if (!runner)
    return NAN;
  runner->setOperand(x);
  runner->time(impl->exps.back(), 1);
  float result;
  memcpy(&result, runner->sink(), sizeof(result));
  return result;
}
