//===- KeptFile.cpp - Beginnings of sequences on disk ---------------------===//

#include "marimba/KeptFile.h"

#include "FileHeader.h"
#include "marimba/InputFile.h"
#include "marimba/Model.h"
#include "marimba/NewFile.h"
#include "marimba/ReadyModel.h"

#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace marimba::rt {

using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPartMagic = "MRBPART1", kSessionMagic = "MRBSESS1";
constexpr uint64_t kAlignment = 64;
constexpr size_t kDigits = 32;
constexpr size_t kLongestName = 64;
/// Headers are of fixed members: far longer ones are damaged.
constexpr uint64_t kLongestHeader = uint64_t(1) << 20;
constexpr int64_t kMostTokens = INT32_MAX;

using Bytes = std::span<const char>;

template <typename T> Bytes bytesOf(const std::vector<T> &values) {
  return std::as_bytes(std::span(values)).size() == 0
             ? Bytes()
             : Bytes(reinterpret_cast<const char *>(values.data()),
                     values.size() * sizeof(T));
}
Bytes bytesOf(const AlignedBuffer *buffer) {
  return buffer ? Bytes(buffer->data(), size_t(buffer->size())) : Bytes();
}

/// Sections behind each other, each from a multiple of kAlignment on.
uint64_t payloadBytes(std::span<const uint64_t> sizes) {
  uint64_t end = 0;
  for (uint64_t size : sizes) {
    header::roundUp(end, kAlignment);
    end += size;
  }
  return end;
}

/// The name is on the disk only when its folder is.
bool syncFolder(const fs::path &folder, std::string &problem) {
  int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool good = file >= 0 && fsync(file) == 0;
  if (!good)
    problem =
        std::string("its folder cannot be written: ") + std::strerror(errno);
  if (file >= 0)
    close(file);
  return good;
}

std::optional<int64_t> write(const fs::path &folder, const std::string &name,
                             std::string_view magic, Json json,
                             std::span<const Bytes> sections,
                             std::string &problem) {
  static constexpr char zeros[kAlignment] = {};
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t *)> hash(
      XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(hash.get());
  std::vector<Bytes> parts;
  uint64_t end = 0;
  for (Bytes section : sections) {
    uint64_t begin = end;
    header::roundUp(begin, kAlignment);
    parts.push_back({zeros, begin - end});
    parts.push_back(section);
    end = begin + section.size();
  }
  for (Bytes part : parts)
    XXH3_128bits_update(hash.get(), part.data(), part.size());
  json["checksum"] = header::hex(XXH3_128bits_digest(hash.get()));
  std::string front = header::make(magic, json, end);
  std::optional<NewFile> file =
      NewFile::create(folder, NewFile::Use::Private, problem);
  uint64_t at = front.size();
  bool good = file && file->reserve(at + end, problem) &&
              file->write(front, 0, problem);
  for (Bytes part : parts) {
    good = good && file->write(part, at, problem);
    at += part.size();
  }
  if (!good || !file->publish(name, problem) || !syncFolder(folder, problem))
    return std::nullopt;
  return static_cast<int64_t>(at);
}

/// What a file says of itself, and where it goes on.
struct Front {
  InputFile file;
  Json json;
  uint64_t payloadAt = 0;
};

std::optional<Front> readFront(const fs::path &path, std::string_view magic,
                               std::string &problem) {
  std::optional<InputFile> file =
      InputFile::open(path.string(), problem, /*followLink=*/false);
  if (!file)
    return std::nullopt;
  uint64_t size = file->size();
  std::string text(std::min<uint64_t>(size, header::kFront), '\0');
  if (!file->read(text, 0, problem))
    return std::nullopt;
  uint64_t wanted = header::payloadOffset(text);
  if (wanted > kLongestHeader || wanted > size) {
    problem = "is incomplete or damaged";
    return std::nullopt;
  }
  text.resize(std::max<uint64_t>(wanted, text.size()));
  if (!file->read(text, 0, problem))
    return std::nullopt;
  uint64_t payloadAt = 0;
  std::optional<Json> json =
      header::readFront(magic, text, size, payloadAt, problem);
  if (!json)
    return std::nullopt;
  return Front{std::move(*file), std::move(*json), payloadAt};
}

/// The sections behind a front, checked; nothing where they are not of these
/// sizes. The first owns the memory of all.
std::optional<AlignedBuffer> readPayload(const Front &front, uint64_t size,
                                         std::string &problem) {
  if (size != front.file.size() - front.payloadAt) {
    problem = "has a header whose sizes do not fit together";
    return std::nullopt;
  }
  auto memory = AlignedBuffer::zeroed(static_cast<int64_t>(size));
  if (!memory) {
    problem = "no memory for its " + std::to_string(size) + " bytes";
    return std::nullopt;
  }
  if (!front.file.read({memory->data(), size}, front.payloadAt, problem))
    return std::nullopt;
  if (front.json.at("checksum") !=
      header::hex(XXH3_128bits(memory->data(), size))) {
    problem = "is damaged: its numbers do not match their checksum";
    return std::nullopt;
  }
  return memory;
}

std::shared_ptr<const AlignedBuffer> copied(Bytes bytes) {
  auto made = AlignedBuffer::zeroed(static_cast<int64_t>(bytes.size()));
  if (!made)
    return nullptr;
  std::ranges::copy(bytes, made->data());
  return std::make_shared<const AlignedBuffer>(std::move(*made));
}

PathDigest digestAt(const Json &json, const char *name) {
  auto digest = PathDigest::parse(json.at(name).get<std::string>());
  if (!digest)
    throw std::invalid_argument(name);
  return *digest;
}

/// Runs `read`, which throws where a member is missing or of another type.
auto guarded(std::string &problem, const auto &read) -> decltype(read()) {
  try {
    return read();
  } catch (const std::exception &) {
    problem = "has a header with unexpected contents";
    return std::nullopt;
  }
}

} // namespace

std::string PathDigest::text() const {
  return header::hex(high) + header::hex(low);
}

std::optional<PathDigest> PathDigest::parse(std::string_view text) {
  if (text.size() != kDigits)
    return std::nullopt;
  auto high = header::parseHex(std::string(text.substr(0, kDigits / 2)));
  auto low = header::parseHex(std::string(text.substr(kDigits / 2)));
  if (!high || !low)
    return std::nullopt;
  return PathDigest{*high, *low};
}

static PathDigest digestOf(XXH128_hash_t hash) {
  return {hash.high64, hash.low64};
}

PathDigest PathDigest::then(std::span<const int32_t> piece) const {
  std::vector<int32_t> all(sizeof(*this) / sizeof(int32_t));
  std::memcpy(all.data(), this, sizeof(*this));
  all.insert(all.end(), piece.begin(), piece.end());
  return digestOf(XXH3_128bits(all.data(), all.size() * sizeof(int32_t)));
}

PathDigest PathDigest::beginning(const ReadyModel &model) {
  StateOrigin origin = model.stateOrigin();
  // The meaning decides what is computed, however it was spelled.
  Json json = {origin.weights, origin.meaning, model.chunk()};
  for (const auto &[name, value] : origin.arithmetic)
    json.push_back({name, value});
  for (const ArgSpec &state : model.parts().description().states())
    json.push_back({state.name, dtypeName(state.dtype), state.shape});
  std::string text = header::toText(json);
  return digestOf(XXH3_128bits(text.data(), text.size()));
}

std::string fileName(const PathDigest &digest) {
  return digest.text() + ".part";
}
std::string fileName(const std::string &session) {
  return session + ".session";
}

bool checkSessionName(std::string_view name, std::string &error) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "abcdefghijklmnopqrstuvwxyz"
                                       "0123456789._-";
  if (!name.empty() && name.size() <= kLongestName && name.front() != '.' &&
      name.find_first_not_of(allowed) == name.npos)
    return true;
  error = "a session's name must be 1 to 64 characters of A-Z, a-z, 0-9, '.', "
          "'_' and '-', and not begin with '.'";
  return false;
}

std::optional<int64_t> writeKept(const fs::path &folder, const KeptPart &part,
                                 std::string &problem) {
  const KeptHeader &header = part.header;
  Bytes tokens = bytesOf(part.tokens.get());
  Bytes states = bytesOf(part.states.get());
  Json json = {{"model", header.model.text()},
               {"digest", header.digest.text()},
               {"parent", header.parent.text()},
               {"begin", header.begin},
               {"end", header.end},
               {"tokens", tokens.size()},
               {"states", states.size()}};
  Bytes sections[] = {bytesOf(part.ids), tokens, states};
  return write(folder, fileName(header.digest), kPartMagic, std::move(json),
               sections, problem);
}

/// Of `front`; throws.
static std::optional<KeptHeader> headerOf(const Front &front,
                                          std::string &problem) {
  const Json &json = front.json;
  KeptHeader result{.model = digestAt(json, "model"),
                    .digest = digestAt(json, "digest"),
                    .parent = digestAt(json, "parent"),
                    .begin = json.at("begin"),
                    .end = json.at("end"),
                    .tokenBytes = json.at("tokens"),
                    .stateBytes = json.at("states"),
                    .fileBytes = static_cast<int64_t>(front.file.size())};
  if (result.begin >= 0 && result.begin < result.end &&
      result.end <= kMostTokens && result.tokenBytes >= 0 &&
      result.tokenBytes <= result.fileBytes && result.stateBytes >= 0 &&
      result.stateBytes <= result.fileBytes)
    return result;
  problem = "has a header whose sizes do not fit together";
  return std::nullopt;
}

std::optional<KeptHeader> readKeptHeader(const fs::path &path,
                                         std::string &problem) {
  return guarded(problem, [&]() -> std::optional<KeptHeader> {
    std::optional<Front> front = readFront(path, kPartMagic, problem);
    return front ? headerOf(*front, problem) : std::nullopt;
  });
}

std::optional<KeptPart> readKeptPart(const fs::path &path,
                                     std::string &problem) {
  return guarded(problem, [&]() -> std::optional<KeptPart> {
    std::optional<Front> front = readFront(path, kPartMagic, problem);
    std::optional<KeptHeader> header;
    if (front)
      header = headerOf(*front, problem);
    if (!header)
      return std::nullopt;
    auto count = static_cast<uint64_t>(header->end - header->begin);
    uint64_t sizes[] = {count * sizeof(int32_t), uint64_t(header->tokenBytes),
                        uint64_t(header->stateBytes)};
    auto memory = readPayload(*front, payloadBytes(sizes), problem);
    if (!memory)
      return std::nullopt;
    KeptPart part{.header = *header, .ids = std::vector<int32_t>(count)};
    std::memcpy(part.ids.data(), memory->data(), sizes[0]);
    Bytes all(memory->data(), size_t(memory->size()));
    part.tokens = copied(all.subspan(
        payloadBytes(std::span(sizes).first(2)) - sizes[1], sizes[1]));
    part.states = copied(all.last(sizes[2]));
    if (part.tokens && part.states)
      return part;
    problem = "no memory for its numbers";
    return std::nullopt;
  });
}

std::optional<int64_t> writeKept(const fs::path &folder,
                                 const KeptSession &session,
                                 std::string &problem) {
  Json json = {{"weights", session.weights},
               {"meaning", session.meaning},
               {"model", session.model.text()},
               {"last", session.last.text()},
               {"tokens", session.ids.size()},
               {"boundaries", session.boundaries.size()},
               {"attachment", session.attachment.size()}};
  Bytes sections[] = {bytesOf(session.ids), bytesOf(session.boundaries),
                      session.attachment};
  return write(folder, fileName(session.name), kSessionMagic, std::move(json),
               sections, problem);
}

std::optional<KeptSession> readKeptSession(const fs::path &path,
                                           std::string &problem) {
  return guarded(problem, [&]() -> std::optional<KeptSession> {
    std::optional<Front> front = readFront(path, kSessionMagic, problem);
    if (!front)
      return std::nullopt;
    const Json &json = front->json;
    uint64_t tokens = json.at("tokens"), boundaries = json.at("boundaries"),
             attachment = json.at("attachment"), most = front->file.size();
    if (tokens > most || boundaries > most || attachment > most) {
      problem = "has a header whose sizes do not fit together";
      return std::nullopt;
    }
    uint64_t sizes[] = {tokens * sizeof(int32_t), boundaries * sizeof(int64_t),
                        attachment};
    auto memory = readPayload(*front, payloadBytes(sizes), problem);
    if (!memory)
      return std::nullopt;
    KeptSession session{.name = path.stem().string(),
                        .weights = json.at("weights"),
                        .meaning = json.at("meaning"),
                        .model = digestAt(json, "model"),
                        .last = digestAt(json, "last"),
                        .ids = std::vector<int32_t>(tokens),
                        .boundaries = std::vector<int64_t>(boundaries)};
    uint64_t at = payloadBytes(std::span(sizes).first(2)) - sizes[1];
    std::memcpy(session.ids.data(), memory->data(), sizes[0]);
    std::memcpy(session.boundaries.data(), memory->data() + at, sizes[1]);
    session.attachment.assign(memory->data() + memory->size() - attachment,
                              attachment);
    return session;
  });
}

} // namespace marimba::rt
