//===- Regex.cpp - Oniguruma's expressions --------------------------------===//

#include "Regex.h"

#include "Unicode.h"

#include <algorithm>
#include <ctime>

// Without it the header defines names of ICU.
#define ONIG_ESCAPE_UCHAR_COLLISION
#include <oniguruma.h>

namespace marimba::rt::text {

/// Groups and sets inside one another; the library recurses into them.
static constexpr int deepestNesting = 250;
/// Places to go back to that one match may keep, of some 40 bytes each.
static constexpr unsigned stackLimit = 1u << 22;
/// Of a text on which that is not enough, what is looked at instead, in bytes.
/// A repetition keeps one place a character, or few.
static constexpr size_t partBytes = size_t(1) << 20;
/// How often one match may go back: what the library takes by itself, and so
/// Hugging Face's.
static constexpr unsigned long retryLimit = 10'000'000;
/// The same for all places of a text at which no match starts.
static constexpr unsigned long searchRetryLimit = 1'000'000'000;

static const OnigUChar *asBytes(const char *text) {
  return reinterpret_cast<const OnigUChar *>(text);
}

static std::string messageOf(int code, OnigErrorInfo *info = nullptr) {
  OnigUChar buffer[ONIG_MAX_ERROR_MESSAGE_LEN];
  int length = info ? onig_error_code_to_str(buffer, code, info)
                    : onig_error_code_to_str(buffer, code);
  return std::string(reinterpret_cast<const char *>(buffer),
                     static_cast<size_t>(std::max(length, 0)));
}

static bool nestsTooDeep(std::string_view expression) {
  int depth = 0;
  for (size_t i = 0; i < expression.size(); ++i) {
    char character = expression[i];
    if (character == '\\')
      ++i;
    else if (character == '(' || character == '[')
      ++depth;
    else if ((character == ')' || character == ']') && depth > 0)
      --depth;
    if (depth > deepestNesting)
      return true;
  }
  return false;
}

/// Compiles `expression`; sets `made` where that goes well.
static int compileWith(const std::string &expression, OnigRegex &made,
                       OnigErrorInfo &info) {
  return onig_new(&made, asBytes(expression.data()),
                  asBytes(expression.data() + expression.size()),
                  ONIG_OPTION_NONE, ONIG_ENCODING_UTF8, ONIG_SYNTAX_ONIGURUMA,
                  &info);
}

/// Whether the library's [[:punct:]] has the symbols of Unicode, as it has from
/// version 6.9.9 on, and so Hugging Face's.
static bool punctuationHasSymbols() {
  static const bool result = [] {
    OnigRegex made = nullptr;
    OnigErrorInfo info = {};
    if (compileWith("[[:punct:]]", made, info) != ONIG_NORMAL)
      return true;
    std::string_view euro = "\u20ac";
    const OnigUChar *start = asBytes(euro.data()), *end = start + euro.size();
    int found = onig_match(made, start, end, start, nullptr, ONIG_OPTION_NONE);
    onig_free(made);
    return found >= 0;
  }();
  return result;
}

/// `expression` with [:punct:] as it is from version 6.9.9 on.
static std::string withSymbols(std::string_view expression) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"[:punct:]", R"(\p{P}\p{S})"}, {"[:^punct:]", R"([^\p{P}\p{S}])"}};
  std::string result;
  int depth = 0;
  for (size_t i = 0; i < expression.size();) {
    size_t length = expression[i] == '\\' && i + 1 < expression.size() ? 2 : 1;
    std::string_view piece = expression.substr(i, length);
    for (auto [name, meaning] : names)
      if (depth > 0 && expression.substr(i).starts_with(name)) {
        length = name.size();
        piece = meaning;
      }
    if (piece == "[")
      ++depth;
    else if (piece == "]" && depth > 0)
      --depth;
    result += piece;
    i += length;
  }
  return result;
}

void Regex::Free::operator()(re_pattern_buffer *regex) const {
  onig_free(regex);
}

std::string Regex::compile(std::string_view expression) {
  // Once, and before anything else of the library.
  static const int initialized = [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    return onig_initialize(encodings, 1);
  }();
  if (initialized != ONIG_NORMAL)
    return messageOf(initialized);
  source = expression;
  if (nestsTooDeep(source))
    return "nested more than " + std::to_string(deepestNesting) + " deep";
  OnigRegex made = nullptr;
  OnigErrorInfo info = {};
  bool isNew = punctuationHasSymbols();
  int code = compileWith(isNew ? source : withSymbols(source), made, info);
  if (code != ONIG_NORMAL)
    return messageOf(code, &info);
  regex.reset(made);
  return {};
}

Regex::Regex(const Field &field) {
  std::string_view expression = field.getString();
  std::string wrong = compile(expression);
  if (!wrong.empty())
    field.fail("is " + quote(expression) +
               ", which is not an expression of Oniguruma: " + wrong);
}

Regex::Regex(std::string_view expression) {
  std::string wrong = compile(expression);
  if (!wrong.empty())
    throw std::logic_error(wrong);
}

namespace {

/// The searches in one text.
class Search {
public:
  Search(OnigRegex regex, const std::string &source, std::string_view text)
      : regex(regex), source(source), text(text), region(onig_region_new()),
        param(onig_new_match_param()) {
    if (!region || !param)
      throw std::bad_alloc();
    onig_initialize_match_param(param.get());
    onig_set_match_stack_limit_size_of_match_param(param.get(), stackLimit);
    onig_set_retry_limit_in_match_of_match_param(param.get(), retryLimit);
    onig_set_retry_limit_in_search_of_match_param(param.get(),
                                                  searchRetryLimit);
  }

  /// Finds the first match at `from` or behind it; false where there is none.
  bool find(size_t from) {
    checkTime();
    int code = findBefore(from, text.size());
    if (code == ONIGERR_MATCH_STACK_LIMIT_OVER) {
      // Not in the middle of a character.
      size_t end = std::min(from + partBytes, text.size());
      while (end < text.size() && (text[end] & 0xC0) == 0x80)
        ++end;
      // What comes behind this part is looked at in the next round.
      code = findBefore(from, end);
      if (code == ONIG_MISMATCH && end < text.size())
        return find(end);
    }
    if (code == ONIG_MISMATCH)
      return false;
    if (code < 0)
      fail(messageOf(code));
    return true;
  }

  size_t start() const { return static_cast<size_t>(region->beg[0]); }
  size_t end() const { return static_cast<size_t>(region->end[0]); }

  [[noreturn]] void fail(const std::string &why) const {
    throw RegexError("the expression " + quote(source) +
                     " cannot be searched for in this text: " + why);
  }

private:
  int findBefore(size_t from, size_t limit) {
    const OnigUChar *first = asBytes(text.data());
    return onig_search_with_param(regex, first, first + limit, first + from,
                                  first + limit, region.get(), ONIG_OPTION_NONE,
                                  param.get());
  }

  /// An expression can be slow without ever going back much: by looking ahead
  /// to the end of the text at each character.
  void checkTime() {
    if (++searches % 256 != 0)
      return;
    // Real ones take some 0.1 microseconds a byte.
    if (threadSeconds() - began > 10 + 1e-5 * static_cast<double>(text.size()))
      fail("it takes too long");
  }
  /// Of this thread's work: whatever else the machine has to do, a text has
  /// the same tokens.
  static double threadSeconds() {
    timespec time = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) +
           1e-9 * static_cast<double>(time.tv_nsec);
  }

  struct FreeRegion {
    void operator()(OnigRegion *region) const { onig_region_free(region, 1); }
  };
  struct FreeParam {
    void operator()(OnigMatchParam *param) const {
      onig_free_match_param(param);
    }
  };

  OnigRegex regex;
  const std::string &source;
  std::string_view text;
  std::unique_ptr<OnigRegion, FreeRegion> region;
  std::unique_ptr<OnigMatchParam, FreeParam> param;
  size_t searches = 0;
  double began = threadSeconds();
};

} // namespace

void Regex::forEachMatch(std::string_view text, const MatchSink &sink) const {
  if (text.empty())
    return;
  Search search(regex.get(), source, text);
  /// Where the last match ended.
  size_t done = 0;
  bool isFirst = true;
  for (size_t from = 0; from <= text.size() && search.find(from);) {
    size_t start = search.start(), end = search.end();
    if (start > end || start < done)
      search.fail("a match ends before it starts");
    if (start == end && !isFirst && end == done) {
      // An empty match right behind another is none.
      if (from == text.size())
        return;
      nextChar(text, from);
      continue;
    }
    sink(start, end);
    isFirst = false;
    from = done = end;
  }
}

} // namespace marimba::rt::text
