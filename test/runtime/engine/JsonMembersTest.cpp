//===- JsonMembersTest.cpp - Members of JSON as they are written ----------===//

#include "marimba/JsonMembers.h"

#include <gtest/gtest.h>

using namespace marimba::rt;

namespace {

std::string error;

std::string find(std::string_view text, std::string_view name) {
  auto members = JsonMembers::parse(text, error);
  return members ? std::string(members->find(name)) : "error: " + error;
}

TEST(JsonMembersTest, ValuesAreAsTheyAreWritten) {
  for (const char *value :
       {"1.0", "-0", "1e400", "1E+2", "12345678901234567890123", "null", "true",
        R"("\ud83d\ude00 \u00e9 \/")", R"("\ud800")", "\"\xc3\xa9\"",
        R"({"a":1,"a":2})", "[ 1 ,\t[] ]", "{}", R"("}")", R"("\"")"})
    EXPECT_EQ(
        find("{ \"x\" : 1, \"id\" : " + std::string(value) + " } \r", "id"),
        value);
  // The last one counts, by whatever spelling of its name.
  EXPECT_EQ(find(R"({"id":1,"\u0069d":2})", "id"), "2");
  EXPECT_EQ(find("{}", "id"), "");
  // Only at the top.
  EXPECT_EQ(find(R"({"a":{"id":1}})", "id"), "");
}

TEST(JsonMembersTest, WhatIsNoJson) {
  for (const char *value :
       {"01",          "1.",       ".5",        "+1",    "1e",    "-",
        "NaN",         "Infinity", "-Infinity", "tru",   "'x'",   "\"\\x41\"",
        "\"\\u12g4\"", "\"a\tb\"", "[1,]",      "[1 2]", "{1:2}", "{\"a\"}",
        "\"",          "",         "0x10",      "nullx"})
    EXPECT_TRUE(find("{\"id\":" + std::string(value) + "}", "id")
                    .starts_with("error: column "))
        << value;
  for (const char *text : {"", "[]", "3", "{} {}", "{\"a\":1", "{,}", "nul"})
    EXPECT_TRUE(find(text, "a").starts_with("error: column ")) << text;
  EXPECT_EQ(find(R"({"a":01})", "a"),
            "error: column 7: not valid JSON: expected ',' or '}'");
}

TEST(JsonMembersTest, DepthIsBounded) {
  auto nested = [](unsigned depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(find(nested(63), "b"), "");
  EXPECT_NE(find(nested(64), "b").find("nests deeper than 64"),
            std::string::npos);
  EXPECT_NE(find(nested(1'000'000), "b").find("nests deeper than 64"),
            std::string::npos);
}

TEST(JsonMembersTest, Strings) {
  EXPECT_EQ(readJsonString(R"("a\n\u00e9")"), "a\n\xc3\xa9");
  EXPECT_EQ(readJsonString(R"("\ud83d\ude00")"), "\xf0\x9f\x98\x80");
  EXPECT_EQ(readJsonString(R"("\\ud800")"), "\\ud800");
  EXPECT_EQ(readJsonString(R"("\u0000")"), std::string(1, '\0'));
  EXPECT_EQ(readJsonString("\"\""), "");
  for (const char *half :
       {R"("\ud800")", R"("\udc00")", R"("\udc00\ud800")", R"("\ud800x")",
        R"("\ud83d\ud83d\ude00")", R"("\ud800\n")"})
    EXPECT_EQ(readJsonString(half), std::nullopt) << half;
  EXPECT_EQ(readJsonString("3"), std::nullopt);
}

} // namespace
