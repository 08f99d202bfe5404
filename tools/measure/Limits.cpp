//===- Limits.cpp - What the machine can do at best -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/Limits.h"
#include "tools/measure/LimitRunner.h"
#include "tools/measure/LimitsText.h"
#include "tools/measure/TileProbes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
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

/// Independent sums in flight: as many as hide the latency of any processor's
/// multipliers, and fit in 16 registers.
static constexpr unsigned kAccumulators = 12;
static constexpr unsigned kExpAccumulators = 6;

struct LimitProbes::Impl {
  mlir::marimba::TargetOptions target;
  unsigned bits = 128;
  Probe fma, bf16, int8, bf16Tiles, int8Tiles;
  // The instructions of `bf16` and `int8`, where these are there.
  const char *bf16Route = kF32Route, *int8Route = kF32Route;
  std::vector<Probe> exps, reads; // the fastest of each counts

  bool compile(Probe &probe, StringRef name, StringRef body, unsigned copies,
               double work, StringMap<std::string> names, std::string &error);
  bool compileArithmetic(std::string &error);
  bool compileReads(std::string &error);
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
  unsigned lanes = bits / 32;
  StringMap<bool> host = sys::getHostCPUFeatures();
  auto has = [&](StringRef name) {
    return target.cpu.empty()
               ? host.lookup(name)
               : is_contained(split(target.features, ','), ("+" + name).str());
  };
  if (has("amx-tile") && mayUseTiles()) {
    if (has("amx-bf16"))
      bf16Tiles = bf16TileProbe();
    if (has("amx-int8"))
      int8Tiles = int8TileProbe();
  }
  std::string floats = vectorType(lanes, "f32");
  std::string ints = vectorType(lanes, "i32");
  std::string bitsText = std::to_string(bits);

  if (!compile(fma, "fma", kFma, kAccumulators, 2.0 * lanes * kAccumulators,
               {{"OPERAND", floats}, {"ACC", floats}, {"POINT", ".0"}}, error))
    return false;
  auto addExp = [&](StringRef body, unsigned copies) {
    return compile(exps.emplace_back(), "exp", body, copies,
                   1.0 * lanes * copies,
                   {{"OPERAND", floats},
                    {"ACC", floats},
                    {"INT", ints},
                    {"POINT", ".0e-30"}, // below the last bit of any result
                    {"EXP", kExp.str()},
                    {"SETUP", kExpSetup.str()}},
                   error);
  };
  if (!addExp(kExpSums, kExpAccumulators) || !addExp(kExpArray, 2) ||
      !addExp(kExpArray, 4))
    return false;
  if (has("avx512bf16") && bits == 512) {
    bf16Route = "vdpbf16ps";
    if (!compile(bf16, "bf16", kDot, kAccumulators, 4.0 * lanes * kAccumulators,
                 {{"OPERAND", vectorType(2 * lanes, "bf16")},
                  {"ACC", floats},
                  {"POINT", ".0"},
                  {"CALLEE", "llvm.x86.avx512bf16.dpbf16ps." + bitsText}},
                 error))
      return false;
  }
  if ((has("avx512vnni") && bits == 512) || (has("avxvnni") && bits == 256)) {
    int8Route = "vpdpbusd";
    return compile(int8, "int8", kDot, kAccumulators,
                   8.0 * lanes * kAccumulators,
                   {{"OPERAND", vectorType(4 * lanes, "i8")},
                    {"ACC", ints},
                    {"CALLEE", "llvm.x86.avx512.vpdpbusd." + bitsText}},
                   error);
  }
  // Without a dot product of int8: products of int16, added in pairs.
  StringRef madd;
  if (has("avx512bw") && bits == 512)
    madd = "llvm.x86.avx512.pmaddw.d.512";
  else if (has("avx2") && bits == 256)
    madd = "llvm.x86.avx2.pmadd.wd";
  if (madd.empty())
    return true;
  int8Route = "vpmaddwd";
  return compile(int8, "int8", kWideDot, kAccumulators,
                 4.0 * lanes * kAccumulators,
                 {{"OPERAND", vectorType(2 * lanes, "i16")},
                  {"ACC", ints},
                  {"CALLEE", madd.str()}},
                 error);
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
  limits.bf16Gflops = limits.int8Gops = limits.f32Gflops;
  limits.bf16Route = limits.int8Route = kF32Route;
  // Whatever is widened to f32 is multiplied at the rate of f32: a route counts
  // where it is faster.
  auto take = [&](const Probe &probe, const char *route, Spread &limit,
                  const char *&used) {
    if (!probe)
      return;
    Spread rate = runner->measure(probe, options);
    if (rate.max <= limit.max)
      return;
    limit = rate;
    used = route;
  };
  runner->setOperand(uint16_t(0x3f00)); // 0.5
  take(impl->bf16, impl->bf16Route, limits.bf16Gflops, limits.bf16Route);
  take(impl->bf16Tiles, "tdpbf16ps", limits.bf16Gflops, limits.bf16Route);
  runner->setOperand(uint8_t(1));
  take(impl->int8, impl->int8Route, limits.int8Gops, limits.int8Route);
  take(impl->int8Tiles, "tdpbssd", limits.int8Gops, limits.int8Route);
  constexpr int64_t smallest = int64_t(256) << 20;
  constexpr int64_t largest = int64_t(2) << 30;
  ReadBuffer buffer;
  if (!buffer.allocate(
          std::clamp(4 * lastLevelCacheBytes(), smallest, largest))) {
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
