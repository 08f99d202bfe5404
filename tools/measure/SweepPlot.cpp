//===- SweepPlot.cpp - A drawing of time and memory -----------------------===//
//
// Part of Marimba. Panels side by side, as SVG.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/ContextSweep.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cmath>

using namespace marimba;
using namespace llvm;

namespace {
constexpr double kPanelWidth = 360, kPanelHeight = 260;
constexpr double kLeft = 60, kTop = 40, kGap = 90, kBottom = 70;
/// Told apart in print and by those who see fewer colours (Okabe and Ito).
constexpr const char *kColors[] = {"#0072b2", "#d55e00", "#009e73",
                                   "#cc79a7", "#e69f00", "#56b4e9"};

/// One panel: what its points have as height, and in which unit.
struct Panel {
  const char *title;
  double (*value)(const SweepPoint &point);
};

/// The ranges that all series share.
struct Range {
  double firstTokens = 1e300, lastTokens = 0, highest = 0;
};

class Plot {
public:
  explicit Plot(ArrayRef<SweepSeries> series) : series(series), os(text) {}
  std::string draw();

private:
  void drawPanel(const Panel &panel, double left);
  void drawAxes(const Panel &panel, const Range &range, double left);
  void drawLegend();
  double x(double tokens, const Range &range, double left) const;
  static double y(double value, const Range &range) {
    return kTop + kPanelHeight * (1 - value / range.highest);
  }
  void label(double x, double y, const char *anchor, StringRef content);

  ArrayRef<SweepSeries> series;
  std::string text;
  raw_string_ostream os;
};
} // namespace

/// "512", "4K", "1M"
static std::string countText(double tokens) {
  if (tokens >= 1 << 20)
    return formatv("{0}M", std::round(tokens / (1 << 20))).str();
  if (tokens >= 1024)
    return formatv("{0:f0}K", tokens / 1024).str();
  return formatv("{0:f0}", tokens).str();
}

/// `text` between tags.
static std::string escape(StringRef text) {
  std::string out;
  for (char c : text)
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  return out;
}

/// 1, 2 or 5 times a power of ten, so that a handful of steps reach `highest`.
static double stepFor(double highest) {
  double power = std::pow(10, std::floor(std::log10(highest / 5)));
  for (double factor : {1.0, 2.0, 5.0})
    if (highest / (factor * power) <= 6)
      return factor * power;
  return 10 * power;
}

double Plot::x(double tokens, const Range &range, double left) const {
  double span = std::log2(range.lastTokens / range.firstTokens);
  double at = span > 0 ? std::log2(tokens / range.firstTokens) / span : 0.5;
  return left + at * kPanelWidth;
}

void Plot::label(double x, double y, const char *anchor, StringRef content) {
  os << formatv("<text x=\"{0:f1}\" y=\"{1:f1}\" text-anchor=\"{2}\">{3}"
                "</text>\n",
                x, y, anchor, escape(content));
}

void Plot::drawAxes(const Panel &panel, const Range &range, double left) {
  label(left, kTop - 16, "start", panel.title);
  double bottom = kTop + kPanelHeight, step = stepFor(range.highest);
  for (double value = 0; value <= range.highest * 1.0001; value += step) {
    double at = y(value, range);
    os << formatv("<line x1=\"{0:f1}\" y1=\"{1:f1}\" x2=\"{2:f1}\" "
                  "y2=\"{1:f1}\" stroke=\"#dddddd\"/>\n",
                  left, at, left + kPanelWidth);
    label(left - 6, at + 4, "end", formatv("{0}", format("%g", value)).str());
  }
  // Every second power of two where they would touch each other.
  double first = std::exp2(std::ceil(std::log2(range.firstTokens)));
  double factor = range.lastTokens / first > 256 ? 4 : 2;
  for (double tokens = first; tokens <= range.lastTokens; tokens *= factor)
    label(x(tokens, range, left), bottom + 18, "middle", countText(tokens));
  label(left + kPanelWidth / 2, bottom + 36, "middle", "tokens of context");
}

void Plot::drawPanel(const Panel &panel, double left) {
  Range range;
  for (const SweepSeries &one : series)
    for (const SweepPoint &point : one.points) {
      auto tokens = static_cast<double>(point.tokens);
      range.firstTokens = std::min(range.firstTokens, tokens);
      range.lastTokens = std::max(range.lastTokens, tokens);
      range.highest = std::max(range.highest, panel.value(point));
    }
  range.highest = std::max(range.highest * 1.05, 1e-9);
  drawAxes(panel, range, left);
  for (auto [index, one] : enumerate(series)) {
    const char *color = kColors[index % std::size(kColors)];
    os << "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" << color
       << "\" points=\"";
    for (const SweepPoint &point : one.points)
      os << formatv("{0:f1},{1:f1} ",
                    x(static_cast<double>(point.tokens), range, left),
                    y(panel.value(point), range));
    os << "\"/>\n";
    for (const SweepPoint &point : one.points)
      os << formatv("<circle cx=\"{0:f1}\" cy=\"{1:f1}\" r=\"3\" "
                    "fill=\"{2}\"/>\n",
                    x(static_cast<double>(point.tokens), range, left),
                    y(panel.value(point), range), color);
  }
}

void Plot::drawLegend() {
  double at = kLeft;
  for (auto [index, one] : enumerate(series)) {
    double height = kTop + kPanelHeight + kBottom - 16;
    os << formatv("<rect x=\"{0:f1}\" y=\"{1:f1}\" width=\"12\" height=\"12\" "
                  "fill=\"{2}\"/>\n",
                  at, height, kColors[index % std::size(kColors)]);
    label(at + 18, height + 11, "start", one.model);
    at += 40 + 8.0 * static_cast<double>(one.model.size());
  }
}

std::string Plot::draw() {
  const Panel panels[] = {
      {"ms a token, decode",
       [](const SweepPoint &point) { return point.decodeSeconds * 1e3; }},
      {"ms a token, prefill",
       [](const SweepPoint &point) { return point.readSeconds * 1e3; }},
      {"MiB resident",
       [](const SweepPoint &point) {
         return static_cast<double>(point.residentBytes) / (1 << 20);
       }},
  };
  double width = kLeft +
                 static_cast<double>(std::size(panels)) * (kPanelWidth + kGap) -
                 kGap + 20;
  double height = kTop + kPanelHeight + kBottom + 10;
  os << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "
                "{0:f0} {1:f0}\" font-family=\"sans-serif\" font-size=\"12\">\n"
                "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
                width, height);
  double left = kLeft;
  for (const Panel &panel : panels) {
    drawPanel(panel, left);
    left += kPanelWidth + kGap;
  }
  drawLegend();
  os << "</svg>\n";
  return text;
}

std::string marimba::plotSweep(ArrayRef<SweepSeries> series) {
  return Plot(series).draw();
}
