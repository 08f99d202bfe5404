//===- Producers.h - Weights as a micro-kernel reads them -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CONTRACTION_PRODUCERS_H
#define MARIMBA_LOWERING_CPU_CONTRACTION_PRODUCERS_H

#include "lowering/Common/Builders/QuantizedParts.h"

namespace mlir::marimba {

/// Inputs j and j + 1 of the words of two bf16 in `words` (vector of i32), as
/// f32: `high` picks the second one.
Value widenHalf(KernelBuilder &b, Value words, bool high);

/// Widens the weights of a block of 64 channels to f32.
class Producer {
public:
  /// Takes the weights from input `k` on of a vector of channels from `lane`
  /// on.
  using Store = llvm::function_ref<void(Value weights, Value k, Value lane)>;

  Producer(KernelBuilder &b, int64_t lanes) : b(b), lanes(lanes) {}
  virtual ~Producer() = default;

  /// Inputs [first, first + count) of all channels of `block`, of which `first`
  /// is a multiple of 128. Inputs after the last one, up to the end of a word,
  /// are stored, too.
  virtual void produce(Value block, Value first, Value count, Store store) = 0;

protected:
  /// Words [begin, end) of each vector of channels.
  void overWords(Value begin, Value end,
                 llvm::function_ref<void(Value word, Value lane)> body);

  KernelBuilder &b;
  int64_t lanes;
};

/// Words of rt.packed_weights: one f32 or two bf16.
class PackedProducer final : public Producer {
public:
  PackedProducer(KernelBuilder &b, int64_t lanes, Value words)
      : Producer(b, lanes), words(words) {}
  void produce(Value block, Value first, Value count, Store store) override;

private:
  Value words;
};

/// Codes with their scales and offsets, each weight rounded once.
class QuantizedProducer final : public Producer {
public:
  QuantizedProducer(KernelBuilder &b, int64_t lanes,
                    const QuantizedParts &parts)
      : Producer(b, lanes), parts(parts) {}
  void produce(Value block, Value first, Value count, Store store) override;

private:
  const QuantizedParts &parts;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CONTRACTION_PRODUCERS_H
