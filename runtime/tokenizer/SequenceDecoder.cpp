//===- SequenceDecoder.cpp - Decoders one after the other -----------------===//

#include "Stages.h"

#include <algorithm>

namespace marimba::rt::text {

namespace {

class SequenceDecodeStream : public DecodeStream {
public:
  explicit SequenceDecodeStream(
      std::vector<std::unique_ptr<DecodeStream>> streams)
      : streams(std::move(streams)) {}

  void push(std::string_view token, std::vector<std::string> &pieces) override {
    pushFrom(0, {std::string(token)}, pieces);
  }

  void finish(std::vector<std::string> &pieces) override {
    // What one stream gives at its end still goes through the later ones.
    for (size_t i = 0; i < streams.size(); ++i) {
      std::vector<std::string> rest;
      streams[i]->finish(rest);
      pushFrom(i + 1, std::move(rest), pieces);
    }
  }

  std::unique_ptr<DecodeStream> clone() const override {
    std::vector<std::unique_ptr<DecodeStream>> copies;
    for (const auto &stream : streams)
      copies.push_back(stream->clone());
    return std::make_unique<SequenceDecodeStream>(std::move(copies));
  }

private:
  void pushFrom(size_t first, std::vector<std::string> current,
                std::vector<std::string> &pieces) {
    for (size_t i = first; i < streams.size(); ++i) {
      std::vector<std::string> next;
      for (const std::string &piece : current)
        streams[i]->push(piece, next);
      current = std::move(next);
    }
    pieces.insert(pieces.end(), std::make_move_iterator(current.begin()),
                  std::make_move_iterator(current.end()));
  }

  std::vector<std::unique_ptr<DecodeStream>> streams;
};

class SequenceDecoder : public Decoder {
public:
  explicit SequenceDecoder(const Field &field) {
    /// The decoder that made one text of all tokens, if one did.
    std::string_view fusedBy;
    for (const Field &item : field.at("decoders").items()) {
      Field type = item.at("type");
      std::string_view name = type.getString();
      bool isFirst = stages.empty() && fusedBy.empty();
      if (name == "ByteLevel" && !isFirst)
        type.fail("is \"ByteLevel\" after another decoder, supported: "
                  "\"ByteLevel\" as the first");
      // What needs the whole text cannot work on tokens as they come. Strip
      // can.
      if (!fusedBy.empty() && name != "Strip" && name != "Fuse")
        type.fail("is " + quote(name) + " after " + quote(fusedBy) +
                  ", supported there: \"Fuse\", \"Strip\"");
      stages.push_back(!fusedBy.empty() && name == "Strip"
                           ? createTextStripDecoder(item)
                           : createDecoder(item));
      if (name == "ByteLevel" || name == "Fuse")
        fusedBy = name;
    }
  }

  std::unique_ptr<DecodeStream> start() const override {
    std::vector<std::unique_ptr<DecodeStream>> streams;
    for (const auto &stage : stages)
      streams.push_back(stage->start());
    return std::make_unique<SequenceDecodeStream>(std::move(streams));
  }

  std::string tokenBytes(std::string_view token) const override {
    std::string bytes(token);
    for (const auto &stage : stages)
      bytes = stage->tokenBytes(bytes);
    return bytes;
  }

private:
  std::vector<std::unique_ptr<Decoder>> stages;
};

/// Gives tokens as they are, with something between.
class JoinDecoder : public Decoder {
public:
  explicit JoinDecoder(std::string separator)
      : separator(std::move(separator)) {}

  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<Stream>(separator);
  }
  std::string tokenBytes(std::string_view token) const override {
    return std::string(token);
  }

private:
  class Stream : public DecodeStream {
  public:
    explicit Stream(const std::string &separator) : separator(separator) {}
    void push(std::string_view token,
              std::vector<std::string> &pieces) override {
      pieces.push_back((isFirst ? "" : separator) + std::string(token));
      isFirst = false;
    }
    void finish(std::vector<std::string> &) override { isFirst = true; }
    std::unique_ptr<DecodeStream> clone() const override {
      return std::make_unique<Stream>(*this);
    }

  private:
    const std::string &separator;
    bool isFirst = true;
  };

  std::string separator;
};

} // namespace

std::unique_ptr<Decoder> createSequenceDecoder(const Field &field) {
  return std::make_unique<SequenceDecoder>(field);
}

std::unique_ptr<Decoder> createFuseDecoder(const Field &) {
  return std::make_unique<JoinDecoder>("");
}

std::unique_ptr<Decoder> createSpaceJoinDecoder() {
  return std::make_unique<JoinDecoder>(" ");
}

} // namespace marimba::rt::text
