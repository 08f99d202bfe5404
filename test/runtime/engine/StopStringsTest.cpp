//===- StopStringsTest.cpp ------------------------------------------------===//

#include "marimba/StopStrings.h"

#include <gtest/gtest.h>

using namespace marimba::rt;

TEST(StopStringsTest, HoldsBackWhatMayBecomeOne) {
  StopStrings stops({"\nUser:", "END", ""});
  EXPECT_EQ(stops.push("Hello"), "Hello");
  EXPECT_EQ(stops.push("\nUs"), "");
  EXPECT_EQ(stops.push("e me"), "\nUse me");
  EXPECT_EQ(stops.push(" EN"), " ");
  EXPECT_EQ(stops.push("EN"), "EN");
  EXPECT_FALSE(stops.stopped());
  EXPECT_EQ(stops.push("D and more"), "");
  EXPECT_TRUE(stops.stopped());
  EXPECT_EQ(stops.push("later"), "");
  EXPECT_EQ(stops.flush(), "");
  EXPECT_FALSE(stops.stopped());
}

TEST(StopStringsTest, TheFirstOneCounts) {
  StopStrings stops({"bc", "abcd"});
  EXPECT_EQ(stops.push("xa"), "x");
  EXPECT_EQ(stops.push("bcd"), "");
  EXPECT_TRUE(stops.stopped());
  StopStrings longer({"aab"});
  EXPECT_EQ(longer.push("aaa"), "a");
  EXPECT_EQ(longer.push("b"), "");
  EXPECT_TRUE(longer.stopped());
}

TEST(StopStringsTest, GivesBackWhatWasNone) {
  StopStrings stops({"###"});
  EXPECT_EQ(stops.push("a##"), "a");
  EXPECT_EQ(stops.flush(), "##");
  EXPECT_EQ(stops.push("#b"), "#b");
  StopStrings none({});
  EXPECT_EQ(none.push("anything"), "anything");
  EXPECT_EQ(none.flush(), "");
}

// However a text is cut, the same comes out.
TEST(StopStringsTest, CutsDoNotMatter) {
  const std::string text = "ab\nabab\n\nabc\n";
  for (size_t cut = 1; cut < text.size(); ++cut) {
    StopStrings stops({"abc", "\n\n\n"});
    std::string shown;
    for (size_t from = 0; from < text.size(); from += cut)
      shown += stops.push(text.substr(from, cut));
    EXPECT_TRUE(stops.stopped());
    EXPECT_EQ(shown, "ab\nabab\n\n");
  }
}

// A text that is not shown is found as a whole, or passed over.
TEST(StopStringsTest, FindsWhatIsHidden) {
  StopStrings stops({"s<e>\nU"});
  EXPECT_EQ(stops.push("Yes"), "Ye");
  EXPECT_EQ(stops.pushHidden("<e>"), "");
  EXPECT_EQ(stops.push("\n"), "");
  EXPECT_EQ(stops.push("V"), "s\nV");
  EXPECT_EQ(stops.push("s"), "");
  EXPECT_EQ(stops.pushHidden("<e>"), "");
  EXPECT_EQ(stops.pushHidden("<x>"), "");
  EXPECT_EQ(stops.push("\nU."), "");
  EXPECT_TRUE(stops.stopped());

  StopStrings alone({"<e>", "e>"});
  EXPECT_EQ(alone.push("a<"), "a");
  EXPECT_EQ(alone.pushHidden("e>"), "");
  EXPECT_TRUE(alone.stopped());
  StopStrings part({"<e", "e", ">"});
  EXPECT_EQ(part.pushHidden("<e>"), "");
  EXPECT_FALSE(part.stopped());
  EXPECT_EQ(part.flush(), "");
}
