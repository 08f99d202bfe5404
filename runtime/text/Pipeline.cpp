//===- Pipeline.cpp - Which stages there are, and sequences of them -------===//

#include "Pipeline.h"

#include "Stages.h"

namespace marimba::rt::text {

template <typename StageT> using Stages = std::vector<std::unique_ptr<StageT>>;

/// The elements of the array `field.key`, each made by `create`.
template <typename StageT>
static Stages<StageT>
createStages(const Field &field, std::string_view key,
             std::unique_ptr<StageT> (*create)(const Field &)) {
  Stages<StageT> stages;
  for (const Field &item : field.at(key).items())
    stages.push_back(create(item));
  return stages;
}

namespace {

class SequenceNormalizer : public Normalizer {
public:
  explicit SequenceNormalizer(const Field &field)
      : stages(createStages(field, "normalizers", createNormalizer)) {}

  std::string normalize(std::string_view text) const override {
    std::string result(text);
    for (const auto &stage : stages)
      result = stage->normalize(result);
    return result;
  }

private:
  Stages<Normalizer> stages;
};

class SequencePreTokenizer : public PreTokenizer {
public:
  explicit SequencePreTokenizer(const Field &field)
      : stages(createStages(field, "pretokenizers", createPreTokenizer)) {}

  void split(std::string_view text,
             std::vector<std::string> &words) const override {
    std::vector<std::string> current{std::string(text)};
    for (const auto &stage : stages) {
      std::vector<std::string> next;
      for (const std::string &word : current)
        stage->split(word, next);
      current = std::move(next);
    }
    words.insert(words.end(), std::make_move_iterator(current.begin()),
                 std::make_move_iterator(current.end()));
  }

private:
  Stages<PreTokenizer> stages;
};

class SequencePostProcessor : public PostProcessor {
public:
  explicit SequencePostProcessor(const Field &field)
      : stages(createStages(field, "processors", createPostProcessor)) {}

  std::vector<int32_t> process(std::vector<int32_t> ids,
                               bool addSpecialTokens) const override {
    for (const auto &stage : stages)
      ids = stage->process(std::move(ids), addSpecialTokens);
    return ids;
  }

  void appendOwnIds(std::vector<int32_t> &ids) const override {
    for (const auto &stage : stages)
      stage->appendOwnIds(ids);
  }

private:
  Stages<PostProcessor> stages;
};

class SequenceDecodeStream : public DecodeStream {
public:
  explicit SequenceDecodeStream(Stages<DecodeStream> streams)
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

  Stages<DecodeStream> streams;
};

class SequenceDecoder : public Decoder {
public:
  explicit SequenceDecoder(const Field &field)
      : stages(createStages(field, "decoders", createDecoder)) {
    std::vector<Field> items = field.at("decoders").items();
    for (size_t i = 1; i < items.size(); ++i) {
      // ByteLevel makes one text of all tokens, so a stage that follows one
      // would need the whole text at once.
      Field type = items[i].at("type");
      if (type.getString() == "ByteLevel")
        type.fail("is \"ByteLevel\" after another decoder, supported: "
                  "\"ByteLevel\" as the first");
    }
  }

  std::unique_ptr<DecodeStream> start() const override {
    Stages<DecodeStream> streams;
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
  Stages<Decoder> stages;
};

class SpaceJoinStream : public DecodeStream {
public:
  void push(std::string_view token, std::vector<std::string> &pieces) override {
    pieces.push_back((isFirst ? "" : " ") + std::string(token));
    isFirst = false;
  }
  void finish(std::vector<std::string> &) override { isFirst = true; }

private:
  bool isFirst = true;
};

class SpaceJoinDecoder : public Decoder {
public:
  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<SpaceJoinStream>();
  }
  std::string tokenBytes(std::string_view token) const override {
    return std::string(token);
  }
};

} // namespace

/// The factory of a kind that is a class with a constructor from its field.
template <typename BaseT, typename StageT>
static std::unique_ptr<BaseT> construct(const Field &field) {
  return std::make_unique<StageT>(field);
}

constexpr Kind<Normalizer> normalizerKinds[] = {
    {"Sequence", construct<Normalizer, SequenceNormalizer>},
};

constexpr Kind<PreTokenizer> preTokenizerKinds[] = {
    {"ByteLevel", createByteLevelPreTokenizer},
    {"Sequence", construct<PreTokenizer, SequencePreTokenizer>},
};

constexpr Kind<Model> modelKinds[] = {
    {"BPE", createBpeModel},
};

constexpr Kind<PostProcessor> postProcessorKinds[] = {
    {"ByteLevel", createByteLevelPostProcessor},
    {"TemplateProcessing", createTemplateProcessing},
    {"Sequence", construct<PostProcessor, SequencePostProcessor>},
};

constexpr Kind<Decoder> decoderKinds[] = {
    {"ByteLevel", createByteLevelDecoder},
    {"Sequence", construct<Decoder, SequenceDecoder>},
};

std::unique_ptr<Normalizer> createNormalizer(const Field &field) {
  return createStage(field, normalizerKinds);
}

std::unique_ptr<PreTokenizer> createPreTokenizer(const Field &field) {
  return createStage(field, preTokenizerKinds);
}

std::unique_ptr<Model> createModel(const Field &field) {
  // Files of old versions leave the type of a BPE model out.
  if (!field.find("type") && field.find("merges"))
    return createBpeModel(field);
  return createStage(field, modelKinds);
}

std::unique_ptr<PostProcessor> createPostProcessor(const Field &field) {
  return createStage(field, postProcessorKinds);
}

std::unique_ptr<Decoder> createDecoder(const Field &field) {
  return createStage(field, decoderKinds);
}

std::unique_ptr<Decoder> createSpaceJoinDecoder() {
  return std::make_unique<SpaceJoinDecoder>();
}

} // namespace marimba::rt::text
