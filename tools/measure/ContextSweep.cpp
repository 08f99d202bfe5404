//===- ContextSweep.cpp - Time and memory against the context -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/ContextSweep.h"
#include "marimba/Stopwatch.h"
#include "tools/libmarimba/Memory.h"

#include "marimba/Session.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>

using namespace marimba;
using namespace llvm;

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Steps of one token behind what the session holds, which is as before then.
static bool measureDecode(rt::Session &session, SweepPoint &point,
                          std::string &error) {
  constexpr int steps = 7;
  std::optional<rt::Snapshot> mark = session.snapshot(0, error);
  if (!mark)
    return false;
  std::vector<double> seconds;
  std::vector<float> logits;
  for (int step = 0; step < steps; ++step) {
    int32_t id = 0;
    rt::Stopwatch watch;
    if (!session.append({&id, 1}, rt::LogitsWanted::Last, logits, error))
      return false;
    seconds.push_back(watch.seconds());
  }
  point.decodeSeconds = median(std::move(seconds));
  return session.rewind(0, *mark, error);
}

std::optional<SweepSeries>
marimba::sweepContext(LoadedModel &model, int64_t tokens, std::string &error,
                      ProgressFn progress, function_ref<bool()> keepGoing) {
  if (!checkRoom(model.info(), tokens, 1, error))
    return std::nullopt;
  std::unique_ptr<rt::Session> session = model.makeSession(error);
  if (!session || !session->reserve(tokens + 8, error))
    return std::nullopt;
  SweepSeries series;
  series.model = model.info().name;
  std::vector<double> seconds, first, last; // of a token, by piece
  std::vector<float> logits;
  int64_t next = std::min<int64_t>(256, tokens);
  while (session->length(0) < tokens) {
    int64_t length = session->length(0);
    if (!keepGoing()) {
      error = "interrupted";
      return std::nullopt;
    }
    if (progress)
      progress(static_cast<double>(length) / static_cast<double>(tokens),
               formatv("{0} of {1} tokens", length, tokens).str());
    // Pieces end where a point is.
    std::vector<int32_t> ids = scatteredIds(
        model.info(), length, std::min(model.chunk(), next - length));
    rt::Stopwatch watch;
    if (!session->append(ids, rt::LogitsWanted::None, logits, error))
      return std::nullopt;
    seconds.push_back(watch.seconds() / static_cast<double>(ids.size()));
    if (length < kSweepEnd)
      first.push_back(seconds.back());
    if (length >= tokens - kSweepEnd)
      last.push_back(seconds.back());
    if (session->length(0) < next)
      continue;
    SweepPoint point;
    point.tokens = next;
    point.readSeconds = median(std::move(seconds));
    seconds.clear();
    point.keyValueBytes = session->memory().keyValues;
    if (!measureDecode(*session, point, error))
      return std::nullopt;
    point.residentBytes = resident();
    series.points.push_back(point);
    next = std::min(next * 2, tokens);
  }
  if (tokens >= 2 * kSweepEnd) {
    series.firstSeconds = median(std::move(first));
    series.lastSeconds = median(std::move(last));
  }
  series.peakBytes = peakResident();
  return series;
}

json::Value marimba::toJson(ArrayRef<SweepSeries> all) {
  json::Array list;
  for (const SweepSeries &series : all) {
    json::Array points;
    for (const SweepPoint &point : series.points)
      points.push_back(json::Object{
          {"tokens", point.tokens},
          {"read_s", point.readSeconds},
          {"decode_s", point.decodeSeconds},
          {"kv_bytes", point.keyValueBytes},
          {"resident_bytes", point.residentBytes},
      });
    json::Object entry{{"model", series.model},
                       {"points", std::move(points)},
                       {"peak_bytes", series.peakBytes}};
    if (series.firstSeconds > 0) {
      entry["first_16k_s"] = series.firstSeconds;
      entry["last_16k_s"] = series.lastSeconds;
    }
    list.push_back(std::move(entry));
  }
  return json::Object{{"series", std::move(list)}};
}

/// Whether `value` is a point with numbers that can be drawn.
static bool parsePoint(const json::Value &value, SweepPoint &point) {
  json::Path::Root root;
  json::ObjectMapper map(value, root);
  return map && map.map("tokens", point.tokens) &&
         map.map("read_s", point.readSeconds) &&
         map.map("decode_s", point.decodeSeconds) &&
         map.map("kv_bytes", point.keyValueBytes) &&
         map.map("resident_bytes", point.residentBytes) && point.tokens > 0 &&
         point.readSeconds >= 0 && point.decodeSeconds >= 0 &&
         point.residentBytes >= 0;
}

std::optional<std::vector<SweepSeries>>
marimba::parseSweep(StringRef text, StringRef path, std::string &error) {
  auto fail = [&](const Twine &what) {
    error = (path + ": " + what).str();
    return std::nullopt;
  };
  Expected<json::Value> parsed = json::parse(text);
  if (!parsed)
    return fail(toString(parsed.takeError()));
  const json::Object *object = parsed->getAsObject();
  const json::Array *list = object ? object->getArray("series") : nullptr;
  if (!list || list->empty())
    return fail("expected an object with \"series\", as bench --context-sweep "
                "writes it");
  std::vector<SweepSeries> all;
  for (const json::Value &entry : *list) {
    const json::Object *found = entry.getAsObject();
    const json::Array *points = found ? found->getArray("points") : nullptr;
    std::optional<StringRef> model;
    if (found)
      model = found->getString("model");
    if (!points || points->empty() || !model)
      return fail("expected series with \"model\" and \"points\"");
    SweepSeries series;
    series.model = model->str();
    series.firstSeconds = found->getNumber("first_16k_s").value_or(0);
    series.lastSeconds = found->getNumber("last_16k_s").value_or(0);
    series.peakBytes = found->getInteger("peak_bytes").value_or(0);
    for (const json::Value &value : *points) {
      series.points.emplace_back();
      if (!parsePoint(value, series.points.back()))
        return fail("a point of '" + *model + "' lacks a number");
    }
    all.push_back(std::move(series));
  }
  return all;
}
