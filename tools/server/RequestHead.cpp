//===- RequestHead.cpp - The first lines of a request ---------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/RequestHead.h"

#include "runtime/engine/Text.h"
#include <algorithm>
#include <charconv>
#include <cstdint>

using namespace marimba;
using namespace marimba::server;

static constexpr size_t kMostLines = 100;
/// The first line: no path here is longer than the name of a session.
static constexpr size_t kLongestLine = 2048;

/// A character of RFC 9110's tokens.
static bool isTokenCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
         (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

static bool isToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, isTokenCharacter);
}

static bool hasControls(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

static std::string lower(std::string_view text) {
  std::string result(text);
  for (char &c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

/// The line up to the next CR LF, which is taken, too; nothing without one.
static std::optional<std::string_view> takeLine(std::string_view &text) {
  size_t end = text.find("\r\n");
  if (end == std::string_view::npos)
    return std::nullopt;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

/// "POST /path HTTP/1.1"
static bool isRequestLine(std::string_view line) {
  std::string_view method = rt::text::takeUntil(line, ' ');
  std::string_view target = rt::text::takeUntil(line, ' ');
  return isToken(method) && target.starts_with('/') &&
         std::ranges::all_of(target,
                             [](char c) { return c > ' ' && c < 0x7f; }) &&
         (line == "HTTP/1.1" || line == "HTTP/1.0");
}

static std::optional<size_t> parseDigits(std::string_view text, int base) {
  size_t value = 0;
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || code != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<size_t> server::parseChunkSize(std::string_view line) {
  // A line that others would end elsewhere is none.
  if (std::ranges::any_of(line, [](char c) { return c == '\n' || c == '\r'; }))
    return std::nullopt;
  // Behind ';' there may be extensions, which nobody has.
  return parseDigits(rt::text::trim(rt::text::takeUntil(line, ';')), 16);
}

namespace {
/// What the lines say, one by one.
class HeadReader {
public:
  HeadReader(RequestHead &head, ApiError &error) : head(head), error(error) {}

  bool read(std::string_view text);

private:
  bool fail(int status, std::string message) {
    error = {.status = status, .message = std::move(message)};
    return false;
  }
  bool readLine(std::string_view line);
  bool readBodyLine(const std::string &name, std::string_view value);

  RequestHead &head;
  ApiError &error;
  std::optional<size_t> length;
  bool hasHost = false;
};
} // namespace

/// A line that says how the body comes.
bool HeadReader::readBodyLine(const std::string &name, std::string_view value) {
  if (name == "content-length") {
    std::optional<size_t> size = parseDigits(value, 10);
    if (!size || length || head.chunked)
      return fail(400, "Content-Length: expected one number and no "
                       "Transfer-Encoding beside it");
    length = size;
    return true;
  }
  if (name == "transfer-encoding") {
    if (head.chunked || length || lower(value) != "chunked")
      return fail(400, "Transfer-Encoding: expected chunked and no "
                       "Content-Length beside it");
    return head.chunked = true;
  }
  if (name == "expect") {
    if (lower(value) != "100-continue")
      return fail(417, "Expect: expected 100-continue");
    return head.waits = true;
  }
  if (lower(value) != "identity")
    return fail(415, "Content-Encoding: expected none");
  return true;
}

bool HeadReader::readLine(std::string_view line) {
  size_t colon = line.find(':');
  std::string_view written = line.substr(0, colon);
  if (colon == std::string_view::npos || !isToken(written) || hasControls(line))
    return fail(400, "the header has a line that is not NAME: VALUE");
  std::string name = lower(written);
  std::string_view value = rt::text::trim(line.substr(colon + 1), " \t");
  for (std::string_view one :
       {"content-length", "transfer-encoding", "expect", "content-encoding"})
    if (name == one)
      return readBodyLine(name, value);
  if (name == "host") {
    if (hasHost)
      return fail(400, "Host: expected one");
    hasHost = true;
  }
  // Nothing of it is compressed or sent in part.
  for (std::string_view one :
       {"range", "accept-encoding", "trailer", "upgrade"})
    if (name == one)
      return true;
  head.text.append(written).append(": ").append(value).append("\r\n");
  return true;
}

bool HeadReader::read(std::string_view text) {
  std::optional<std::string_view> line = takeLine(text);
  if (line && line->size() > kLongestLine)
    return fail(414, "the path: expected at most " +
                         std::to_string(kLongestLine) + " bytes");
  if (!line || !isRequestLine(*line))
    return fail(400, "expected a line METHOD /PATH HTTP/1.1 first");
  head.text.append(*line).append("\r\n");
  bool needsHost = line->ends_with("1.1");
  for (size_t count = 0; (line = takeLine(text)) && !line->empty(); ++count) {
    if (count == kMostLines)
      return fail(431, "the header has more than " +
                           std::to_string(kMostLines) + " lines");
    if (!readLine(*line))
      return false;
  }
  if (!line || !text.empty())
    return fail(400, "the header has no end");
  if (needsHost && !hasHost)
    return fail(400, "Host: expected one, found none");
  head.length = length.value_or(0);
  return true;
}

std::optional<RequestHead> RequestHead::parse(std::string_view text,
                                              ApiError &error) {
  RequestHead head;
  if (!HeadReader(head, error).read(text))
    return std::nullopt;
  return head;
}

std::string_view RequestHead::path() const {
  std::string_view line = std::string_view(text).substr(0, text.find("\r\n"));
  rt::text::takeUntil(line, ' ');
  return rt::text::takeUntil(line, ' ');
}

std::string RequestHead::value(std::string_view name) const {
  std::string wanted = lower(name);
  std::string_view rest = text;
  takeLine(rest);
  while (std::optional<std::string_view> line = takeLine(rest)) {
    size_t colon = line->find(':');
    if (colon != std::string_view::npos &&
        lower(line->substr(0, colon)) == wanted)
      return std::string(rt::text::trim(line->substr(colon + 1), " \t"));
  }
  return {};
}
