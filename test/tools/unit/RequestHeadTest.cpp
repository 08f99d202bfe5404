//===- RequestHeadTest.cpp ------------------------------------------------===//
//
// The header of a request, which strangers send.
//
//===----------------------------------------------------------------------===//

#include "tools/server/RequestHead.h"

#include <gtest/gtest.h>

using namespace marimba::server;

/// A header of these lines, each with its end, behind a request's line.
static std::string post(const std::string &lines) {
  return "POST /v1/completions HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

static RequestHead parse(const std::string &text) {
  ApiError error;
  std::optional<RequestHead> head = RequestHead::parse(text, error);
  EXPECT_TRUE(head) << text << ": " << error.message;
  return head.value_or(RequestHead());
}

/// Status and message, "400 Host: expected one".
static std::string errorOf(const std::string &text) {
  ApiError error;
  EXPECT_FALSE(RequestHead::parse(text, error)) << text;
  return std::to_string(error.status) + " " + error.message;
}

TEST(RequestHeadTest, KeepsWhatIsNotOfTheBody) {
  RequestHead head = parse(post("X-A:  b c \t\r\nContent-Length: 12\r\n"
                                "Range: bytes=0-1\r\nAccept-Encoding: gzip\r\n"
                                "Content-Encoding: identity\r\n"));
  EXPECT_EQ(head.text, "POST /v1/completions HTTP/1.1\r\nHost: a\r\n"
                       "X-A: b c\r\n");
  EXPECT_EQ(head.length, 12u);
  EXPECT_FALSE(head.chunked);
  EXPECT_FALSE(head.waits);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n").text, "GET / HTTP/1.0\r\n");
}

TEST(RequestHeadTest, SaysHowTheBodyComes) {
  RequestHead head =
      parse(post("transfer-encoding: CHUNKED\r\nExpect: 100-Continue\r\n"));
  EXPECT_TRUE(head.chunked);
  EXPECT_TRUE(head.waits);
  EXPECT_EQ(head.length, 0u);
  EXPECT_EQ(parse(post("")).length, 0u);
}

/// Bodies whose ends two programs would see in different places.
TEST(RequestHeadTest, RefusesTwoLengths) {
  const std::string length = "400 Content-Length: expected one number and no "
                             "Transfer-Encoding beside it";
  for (const char *value :
       {"", "-1", "+1", "0x5", "1 2", "1,1", "1.0", "99999999999999999999999"})
    EXPECT_EQ(errorOf(post("Content-Length: " + std::string(value) + "\r\n")),
              length)
        << value;
  EXPECT_EQ(errorOf(post("Content-Length: 1\r\nContent-Length: 1\r\n")),
            length);
  EXPECT_EQ(errorOf(post("Transfer-Encoding: chunked\r\n"
                         "Content-Length: 1\r\n")),
            length);
  const std::string chunked = "400 Transfer-Encoding: expected chunked and no "
                              "Content-Length beside it";
  EXPECT_EQ(errorOf(post("Content-Length: 1\r\n"
                         "Transfer-Encoding: chunked\r\n")),
            chunked);
  for (const char *value : {"gzip, chunked", "chunked, chunked", "identity"})
    EXPECT_EQ(
        errorOf(post("Transfer-Encoding: " + std::string(value) + "\r\n")),
        chunked);
}

TEST(RequestHeadTest, RefusesLinesThatAreNone) {
  const std::string line = "400 the header has a line that is not NAME: VALUE";
  for (const char *bad : {"no colon\r\n", ": b\r\n", "A : b\r\n",
                          " folded: b\r\n", "A: b\nC: d\r\n", "A: b\rC: d\r\n",
                          "A(: b\r\n", "A: \x01\r\n", "A: \x7f\r\n"})
    EXPECT_EQ(errorOf(post(bad)), line) << bad;
  EXPECT_EQ(errorOf(post(std::string("A: b\0c\r\n", 8))), line);
  EXPECT_EQ(errorOf(post("Host: b\r\n")), "400 Host: expected one");
  EXPECT_EQ(errorOf("GET / HTTP/1.1\r\n\r\n"),
            "400 Host: expected one, found none");
  EXPECT_EQ(errorOf(post("Expect: more\r\n")),
            "417 Expect: expected 100-continue");
  EXPECT_EQ(errorOf(post("Content-Encoding: gzip\r\n")),
            "415 Content-Encoding: expected none");
}

TEST(RequestHeadTest, RefusesFirstLinesThatAreNone) {
  const std::string line = "400 expected a line METHOD /PATH HTTP/1.1 first";
  for (const char *bad :
       {"", "\r\n", "GET\r\n\r\n", "GET / HTTP/2\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n",
        "GET a HTTP/1.1\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n",
        "GET /\x80 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n"})
    EXPECT_EQ(errorOf(bad), line) << bad;
  EXPECT_EQ(errorOf("GET /" + std::string(3000, 'a') + " HTTP/1.1\r\n\r\n"),
            "414 the path: expected at most 2048 bytes");
  for (const char *bad : {"GET / HTTP/1.0\r\n", "GET / HTTP/1.0\r\nA: b\r\n",
                          "GET / HTTP/1.0\r\n\r\nmore"})
    EXPECT_EQ(errorOf(bad), "400 the header has no end") << bad;
}

TEST(RequestHeadTest, HasABoundOfLines) {
  std::string lines;
  for (int i = 0; i < 99; ++i)
    lines += "A: b\r\n";
  EXPECT_FALSE(parse(post(lines)).text.empty());
  EXPECT_EQ(errorOf(post(lines + "A: b\r\n")),
            "431 the header has more than 100 lines");
}

TEST(RequestHeadTest, ReadsSizesOfChunks) {
  EXPECT_EQ(parseChunkSize("0"), 0u);
  EXPECT_EQ(parseChunkSize("fF"), 255u);
  EXPECT_EQ(parseChunkSize("10 ; name=value"), 16u);
  for (const char *bad : {"", ";a", "-1", "+1", "0x1", "1g", "1 2",
                          "10000000000000000", "1\n2", "1;a\r"})
    EXPECT_EQ(parseChunkSize(bad), std::nullopt) << bad;
}
