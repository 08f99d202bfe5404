//===- Packing.cpp - Packing weights when a model is loaded ---------------===//

#include "Packing.h"

#include "PackedFile.h"
#include "PrimitiveCacheImpl.h"
#include "marimba/AvailableMemory.h"
#include "marimba/NotFinite.h"

#include <algorithm>
#include <stdexcept>

namespace marimba::rt {

using dnnl::memory;
namespace fs = std::filesystem;

namespace {

/// One weight of the description on its way.
struct Item {
  const WeightSpec *spec = nullptr;
  int64_t k = 0, n = 0;
  memory::desc stored, wanted;
  std::vector<StoredMatrix> matrices;

  StoredKey key(const StoredMatrix &matrix) const {
    return {matrix.key, k, n, spec->dtype};
  }
};

class Packer {
public:
  Packer(const Weights &weights, PrimitiveCache::Impl &library, int threads,
         const PackOptions &options, PackReport &report)
      : weights(weights), library(library), threads(threads), options(options),
        report(report) {}

  /// All of these throw.
  void find(const Description &description);
  void pack() {
    if (items.empty())
      return;
    bool keep = !options.folder.empty() && planFile() && prepareFolder();
    if (keep && (useFile() || makeFile()))
      return;
    packInMemory();
  }

private:
  void leaveStored(size_t index, const WeightSpec &spec);
  bool planFile();
  bool prepareFolder();
  bool useFile();
  bool makeFile();
  void packInMemory();
  /// Makes all copies parts of the file.
  void adopt(std::shared_ptr<const PackedFile> file);
  /// Memory of the model's file behind a matrix, which has been packed. Code
  /// that also reads it as stored, rows of an embedding, reads the file again.
  void release(const Item &item, const StoredMatrix &matrix) {
    weights.release(matrix, static_cast<int64_t>(item.stored.get_size()));
  }
  /// Our own memory behind a matrix, where nobody wants more than its packed
  /// copy, which is there to stay: converted weights, and those made up.
  void forget(const Item &item, const StoredMatrix &matrix);
  void ask(const Item &item, const StoredMatrix &matrix) {
    weights.willRead(matrix.data, static_cast<int64_t>(item.stored.get_size()));
  }
  void step(const Item &item);
  void note(const std::string &text) {
    if (options.note)
      options.note(text);
  }

  const Weights &weights;
  PrimitiveCache::Impl &library;
  int threads;
  const PackOptions &options;
  PackReport &report;
  std::vector<Item> items;
  PackedPlan plan;
  std::string fileName;
  uint64_t total = 0, done = 0; // bytes of packed weights
};

void Packer::find(const Description &description) {
  uint64_t mapped = 0;
  for (const WeightFile &file : weights.files())
    mapped += file.bytes;
  std::optional<int64_t> available = availableMemory();
  library.storedMatrices.setFiles(
      mapped > 0, available && mapped > static_cast<uint64_t>(*available));
  // Layers share their shapes, and asking for a layout takes a millisecond.
  std::map<std::tuple<int64_t, int64_t, MarimbaDType, bool>, memory::desc>
      layouts;
  for (size_t i = 0; i < description.weights.size(); ++i) {
    const WeightSpec &spec = description.weights[i];
    if (spec.apart && *elementCount(spec.shape) > 0)
      leaveStored(i, spec);
    if (!spec.packed || *elementCount(spec.shape) == 0)
      continue;
    Item item;
    item.spec = &spec;
    item.k = spec.shape[spec.shape.size() - 1];
    item.n = spec.shape[spec.shape.size() - 2];
    item.stored = dnn::storedWeights(item.k, item.n, spec.dtype);
    auto [layout, fresh] =
        layouts.try_emplace({item.k, item.n, *spec.packed, spec.blocks});
    if (fresh)
      layout->second =
          spec.blocks ? dnn::blockedWeights(item.k, item.n, *spec.packed)
                      : library.packedWeights(item.k, item.n, *spec.packed);
    item.wanted = layout->second;
    item.matrices = weights.matrices(i, spec);
    for (const StoredMatrix &matrix : item.matrices)
      if (matrix.key != matrix.data)
        library.places[matrix.key] = matrix.data;
    total += item.wanted.get_size() * item.matrices.size();
    items.push_back(std::move(item));
  }
}

/// Tells the library where the matrices are that code reads as stored.
void Packer::leaveStored(size_t index, const WeightSpec &spec) {
  std::vector<const void *> places;
  for (const StoredMatrix &matrix : weights.matrices(index, spec))
    places.push_back(matrix.data);
  size_t rank = spec.shape.size();
  library.storedMatrices.make(weights.table()[index].data, places,
                              /*stride=*/0,
                              spec.shape[rank - 1] * spec.shape[rank - 2] *
                                  dtypeSize(spec.dtype));
}

void Packer::forget(const Item &item, const StoredMatrix &matrix) {
  if (item.spec->stored || matrix.key != matrix.data)
    return;
  std::vector<WeightFile> files = weights.files();
  bool madeUp = files.empty();
  // What is mapped is released, and not to be read again.
  auto begin = reinterpret_cast<uintptr_t>(matrix.data);
  for (const WeightFile &file : files)
    if (auto base = reinterpret_cast<uintptr_t>(file.header.data());
        begin >= base && begin - base < file.bytes)
      return;
  // The library may ask for a second layout of what it multiplies itself.
  if (!madeUp && !item.spec->blocks)
    return;
  // What is wrong with a weight can be said as long as it is there.
  if (!madeUp && findNotFinite(matrix.data, item.spec->dtype, item.k * item.n))
    return;
  if (weights.forget(matrix, static_cast<int64_t>(item.stored.get_size())) &&
      !madeUp)
    library.forgotten.insert(matrix.key);
}

/// False where the library does not say how a layout's bytes lie.
bool Packer::planFile() {
  plan.library = dnn::libraryText();
  plan.files = weights.files();
  std::string identity = plan.library;
  for (const WeightFile &file : plan.files) {
    std::error_code code;
    identity += '\n' + fs::weakly_canonical(file.path, code).string();
  }
  for (const Item &item : items) {
    PackedEntry entry;
    entry.name = item.spec->name;
    entry.dtype = dtypeName(item.spec->dtype);
    entry.packed = dtypeName(*item.spec->packed);
    entry.layout = dnn::layoutText(item.wanted);
    entry.count = static_cast<int64_t>(item.matrices.size());
    entry.k = item.k;
    entry.n = item.n;
    entry.bytes = item.wanted.get_size();
    if (entry.layout.empty() || !plan.append(std::move(entry)))
      return false;
  }
  // One file for a model on one kind of processor: a newer one replaces it.
  identity += '\n' + plan.entries[0].packed;
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx",
                static_cast<unsigned long long>(
                    XXH3_64bits(identity.data(), identity.size())));
  fileName = options.name;
  for (char &c : fileName)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_')
      c = '_';
  fileName = fileName.substr(0, 64) + "-" + digits + ".packed";
  return true;
}

bool Packer::prepareFolder() {
  std::string error;
  if (makePrivateFolder(options.folder, error))
    return true;
  note("packed weights are not kept: " + error);
  return false;
}

void Packer::adopt(std::shared_ptr<const PackedFile> file) {
  for (size_t i = 0; i < items.size(); ++i) {
    const PackedEntry &entry = plan.entries[i];
    uint64_t at = entry.offset;
    for (const StoredMatrix &matrix : items[i].matrices) {
      auto copy = std::make_shared<Packed>();
      copy->desc = items[i].wanted;
      copy->buffer =
          PackedBytes(file->payload().subspan(at, entry.bytes), file);
      library.adopt(items[i].key(matrix), std::move(copy));
      forget(items[i], matrix);
      at += entry.stride;
    }
  }
}

bool Packer::useFile() {
  if (options.progress)
    options.progress(0, "checking packed weights");
  fs::path path = options.folder / fileName;
  std::string problem;
  std::shared_ptr<const PackedFile> file =
      PackedFile::open(path, plan, threads, problem);
  if (!file) {
    if (!problem.empty())
      note("packed weights: " + problem + "; packing again");
    return false;
  }
  adopt(std::move(file));
  report.fromCache = static_cast<int64_t>(items.size());
  return true;
}

void Packer::step(const Item &item) {
  if (options.keepGoing && !options.keepGoing())
    throw std::runtime_error("packing weights was interrupted");
  if (options.progress)
    options.progress(double(done) / double(total),
                     "packing " + item.spec->name);
}

bool Packer::makeFile() {
  std::string error;
  auto fail = [&] {
    note("packed weights are not kept: " + error);
    done = 0;
    return false;
  };
  std::optional<PackedWriter> writer =
      PackedWriter::create(options.folder, plan, error);
  if (!writer)
    return fail();
  size_t largest = 0;
  for (const Item &item : items)
    largest = std::max(largest, item.wanted.get_size());
  std::optional<AlignedBuffer> buffer =
      AlignedBuffer::zeroed(static_cast<int64_t>(largest));
  if (!buffer)
    throw std::runtime_error("no memory for packing weights");
  for (size_t i = 0; i < items.size(); ++i) {
    const Item &item = items[i];
    uint64_t at = plan.entries[i].offset, bytes = plan.entries[i].bytes;
    for (const StoredMatrix &matrix : item.matrices) {
      step(item);
      ask(item, matrix);
      library.packInto(item.key(matrix), item.stored, item.wanted,
                       buffer->data());
      release(item, matrix);
      if (!writer->write(at, {buffer->data(), bytes}, error))
        return fail();
      at += plan.entries[i].stride;
      done += bytes;
    }
  }
  std::shared_ptr<const PackedFile> file = writer->finish(fileName, error);
  if (!file)
    return fail();
  adopt(std::move(file));
  dropUnusedPackedFiles(options.folder);
  report.packed = static_cast<int64_t>(items.size());
  return true;
}

void Packer::packInMemory() {
  for (const Item &item : items)
    for (const StoredMatrix &matrix : item.matrices) {
      step(item);
      ask(item, matrix);
      library.pack(item.key(matrix), item.stored, item.wanted);
      release(item, matrix);
      forget(item, matrix);
      done += item.wanted.get_size();
    }
  report.packed = static_cast<int64_t>(items.size());
}

} // namespace

bool packWeights(const Description &description, const Weights &weights,
                 PrimitiveCache::Impl &library, int threads,
                 const PackOptions &options, PackReport &report,
                 std::string &error) {
  try {
    Packer packer(weights, library, threads, options, report);
    packer.find(description);
    packer.pack();
    return true;
  } catch (const dnnl::error &exception) {
    error = std::string("packing weights: oneDNN: ") + exception.what();
  } catch (const std::exception &exception) {
    error = exception.what();
  }
  return false;
}

} // namespace marimba::rt
