//===- ThoughtsTest.cpp ---------------------------------------------------===//

#include "marimba/Thoughts.h"

#include <gtest/gtest.h>

using namespace marimba::rt;

/// What is no thought of `answer`, a bar, and the thoughts; the same in pieces
/// of any size.
static std::string split(std::string_view answer, bool begun = false) {
  std::string whole;
  for (size_t size = answer.size() + 1; size > 0; --size) {
    Thoughts thoughts(begun);
    std::string said;
    for (size_t at = 0; at < answer.size(); at += size)
      said += thoughts.push(answer.substr(at, size));
    said += thoughts.finish();
    said += "|" + thoughts.text();
    if (whole.empty())
      whole = said;
    EXPECT_EQ(said, whole) << size;
  }
  return whole;
}

TEST(Thoughts, AreBetweenTheMarks) {
  EXPECT_EQ(split("<think>\nHm.\n</think>\n\nYes. "), "Yes. |Hm.");
  EXPECT_EQ(split("\n <think>a</thin b<think></think>c </think>"),
            "c </think>|a</thin b<think>");
  EXPECT_EQ(split("<think>\n\n</think>\n\nYes"), "Yes|");
}

TEST(Thoughts, MayHaveBegunInThePrompt) {
  EXPECT_EQ(split("Hm.\n</think>\nYes", true), "Yes|Hm.");
  EXPECT_EQ(split("\n<think>Hm.</think>Yes", true), "Yes|Hm.");
  EXPECT_EQ(split("", true), "|");
}

TEST(Thoughts, MayNotEnd) {
  EXPECT_EQ(split("<think>Hm. </thin"), "|Hm. </thin");
  EXPECT_EQ(split("Hm. ", true), "|Hm.");
  EXPECT_EQ(split("<thin", true), "|<thin");
}

TEST(Thoughts, AreNotThere) {
  EXPECT_EQ(split(" Yes <think>no</think>."), " Yes <think>no</think>.|");
  EXPECT_EQ(split(" <thin"), " <thin|");
  EXPECT_EQ(split(""), "|");
}
