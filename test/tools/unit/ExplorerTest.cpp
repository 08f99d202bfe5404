//===- ExplorerTest.cpp - Requests of the page ----------------------------===//

#include "tools/server/Explorer.h"
#include "tools/server/Page.h"

#include <gtest/gtest.h>
#include <set>

using namespace marimba::server;

namespace {

/// Has a model and measures nothing.
class FakeExplorer : public Explorer {
public:
  bool model(std::string &json, std::string & /*why*/) override {
    json = R"({"name":"fake"})";
    return true;
  }
  bool stages(std::string & /*json*/, std::string &why) override {
    why = "no \"compiler\"";
    return false;
  }
  bool stage(int64_t number, std::string &json,
             std::string & /*why*/) override {
    json = std::to_string(number);
    return true;
  }
  bool roofline(std::string &json, std::string & /*why*/) override {
    json = "{}";
    return true;
  }
  bool measureRoofline(const RooflineRequest &request, std::string &json,
                       std::string & /*why*/) override {
    json =
        std::to_string(request.prompt) + "," + std::to_string(request.decode);
    return true;
  }
  bool memory(std::string &json, std::string & /*why*/) override {
    json = "{}";
    return true;
  }
};

ExplorerAnswer get(std::string_view path) {
  FakeExplorer fake;
  return explore(&fake, "GET", path, "");
}

ExplorerAnswer measure(std::string_view body) {
  FakeExplorer fake;
  return explore(&fake, "POST", "/explorer/roofline", body);
}

TEST(ExplorerTest, AnswersWhatIsThere) {
  EXPECT_EQ(get("/explorer/model").json, R"({"name":"fake"})");
  EXPECT_EQ(get("/explorer/model").status, 200);
  EXPECT_EQ(get("/explorer/stage/7").json, "7");
  EXPECT_EQ(get("/explorer/roofline").status, 200);
  EXPECT_EQ(get("/explorer/memory").status, 200);
}

TEST(ExplorerTest, SaysWhyNothingIsThere) {
  ExplorerAnswer answer = get("/explorer/stages");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json, R"({"available":false,"because":"no \"compiler\""})");
  answer = explore(nullptr, "GET", "/explorer/model", "");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.json.find("no explorer"), std::string::npos);
}

TEST(ExplorerTest, RefusesOtherPathsAndMethods) {
  for (const char *path :
       {"/explorer/", "/explorer/other", "/explorer/stage/",
        "/explorer/stage/x", "/explorer/stage/-1", "/explorer/stage/1x",
        "/explorer/stage/../model", "/explorer/stage/99999999999999999999"})
    EXPECT_EQ(get(path).status, 404) << path;
  FakeExplorer fake;
  ExplorerAnswer answer = explore(&fake, "POST", "/explorer/model", "");
  EXPECT_EQ(answer.status, 405);
  EXPECT_NE(answer.json.find("expected GET, found POST"), std::string::npos);
  EXPECT_EQ(explore(&fake, "DELETE", "/explorer/roofline", "").status, 405);
}

TEST(ExplorerTest, ReadsWhatIsMeasured) {
  EXPECT_EQ(measure("").json, "128,32");
  EXPECT_EQ(measure("{}").json, "128,32");
  EXPECT_EQ(measure(R"({"prompt": 4096, "decode": 1})").json, "4096,1");
  for (const char *body :
       {"[]", "{", "3", R"({"prompt": 0})", R"({"prompt": 4097})",
        R"({"decode": 1.5})", R"({"decode": "8"})", R"({"decode": null})",
        R"({"prompt": 18446744073709551615})"})
    EXPECT_EQ(measure(body).status, 400) << body;
  EXPECT_NE(measure(R"({"decode": "8"})")
                .json.find("decode: expected an integer from 1 to 4096, found "
                           "string"),
            std::string::npos);
}

TEST(PageTest, HasAllFilesThatItNames) {
  const PageFile *index = findPageFile("/");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index->contentType, "text/html; charset=utf-8");
  EXPECT_EQ(findPageFile("/page/index.html"), nullptr);
  EXPECT_EQ(findPageFile("/page/../Page.h"), nullptr);
  EXPECT_EQ(findPageFile(""), nullptr);
  std::set<std::string_view> tags;
  for (const PageFile &file : pageFiles()) {
    EXPECT_TRUE(tags.insert(file.etag).second) << file.path;
    EXPECT_FALSE(file.bytes.empty()) << file.path;
    // Modules and pictures are named as "/page/NAME".
    for (size_t at = file.bytes.find("\"/page/"); at != file.bytes.npos;
         at = file.bytes.find("\"/page/", at + 1)) {
      std::string_view name = file.bytes.substr(at + 1);
      name = name.substr(0, name.find('"'));
      EXPECT_NE(findPageFile(name), nullptr) << file.path << ": " << name;
    }
  }
}

TEST(PageTest, HasNoScriptOrStyleInline) {
  std::string_view page = findPageFile("/")->bytes;
  for (std::string_view part : {"<style", " style=", " onclick=", "<script>",
                                "javascript:", "http://", "https://"})
    EXPECT_EQ(page.find(part), page.npos) << part;
}

TEST(PageTest, MatchesTags) {
  const PageFile &file = *findPageFile("/");
  std::string tag(file.etag);
  EXPECT_TRUE(matchesTag(tag, file));
  EXPECT_TRUE(matchesTag("W/" + tag, file));
  EXPECT_TRUE(matchesTag("\"other\" , " + tag, file));
  EXPECT_TRUE(matchesTag("*", file));
  EXPECT_FALSE(matchesTag("", file));
  EXPECT_FALSE(matchesTag("\"other\"", file));
  EXPECT_FALSE(matchesTag(tag.substr(1), file));
}

} // namespace
