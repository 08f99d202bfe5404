//===- ContractionTest.cpp - Rows times weights in blocks ------*- C++ -*-===//
//
// Generated contractions of every width of vectors against double, and rows bit
// for bit as in calls of other numbers of rows.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/JitCode.h"

#include "marimba/Context.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/Tensor.h"
#include "marimba/abi.h"
#include "marimba/formats/Layout.h"
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

using namespace marimba;

namespace {

constexpr int kThreads = 2;

/// A weight [n, k]: what the code reads and what it means.
struct Weight {
  int64_t n = 0, k = 0;
  std::vector<float> values;
  std::vector<char> bytes;
  MarimbaTensor tensor;
  std::string type, op, parts; // of the module
};

/// Multiples of 1/64 below 2, which bf16 has, too.
std::vector<float> numbers(std::mt19937 &random, int64_t count) {
  std::vector<float> result(static_cast<size_t>(count));
  for (float &value : result)
    value = static_cast<float>(static_cast<int>(random() % 255) - 127) / 64;
  return result;
}

Weight packedWeight(int64_t n, int64_t k, const std::string &packed) {
  std::mt19937 random(1);
  Weight w{n, k, numbers(random, n * k)};
  w.bytes.resize(w.values.size() * sizeof(float));
  if (!w.bytes.empty())
    std::memcpy(w.bytes.data(), w.values.data(), w.bytes.size());
  w.tensor =
      rt::makeTensor(w.bytes.data(), MARIMBA_F32, std::array<int64_t, 2>{n, k});
  w.type = "tensor<" + std::to_string(n) + "x" + std::to_string(k) + "xf32>";
  w.op = "marimba.packed_matmul %part, %w packed " + packed;
  w.parts = "\"w\"";
  return w;
}

Weight quantizedWeight(int64_t n, int64_t k,
                       const formats::Encoding &encoding) {
  std::mt19937 random(2);
  formats::Layout layout = formats::Layout::of(encoding, n, k);
  Weight w{n, k};
  w.bytes.resize(static_cast<size_t>(layout.bytes()));
  for (int64_t i = 0; i < layout.codeBytes(); ++i)
    w.bytes[i] = static_cast<char>(random());
  auto fill = [&](formats::PartKind kind) { // bf16 between 1/128 and 1/64
    int64_t offset = layout.partOffset(kind);
    for (int64_t i = 0; i < layout.partBytes(kind); i += 2) {
      auto bits = static_cast<uint16_t>(0x3c00 + random() % 128);
      std::memcpy(w.bytes.data() + offset + i, &bits, 2);
    }
  };
  fill(formats::PartKind::Scales);
  int64_t offsets = layout.partOffset(formats::PartKind::Zeros);
  std::string more;
  if (encoding.offset == formats::Offset::ZeroPoint) {
    more = ", zero_point";
    for (int64_t i = 0; i < layout.offsetBytes(); ++i)
      w.bytes[offsets + i] = static_cast<char>(random() % 17);
  } else if (encoding.offset == formats::Offset::Minimum) {
    more = ", minimum";
    fill(formats::PartKind::Minimums);
  }
  w.values = formats::widenMatrix(layout, w.bytes.data());
  w.tensor = rt::makeTensor(w.bytes.data(), MARIMBA_I8,
                            std::array<int64_t, 1>{layout.bytes()});
  w.type =
      "tensor<" + std::to_string(n) + "x" + std::to_string(k) + "xi" +
      std::to_string(encoding.bits) + ", #marimba.quantized<" +
      (encoding.group ? "group " + std::to_string(encoding.group) : "channel") +
      ", scale bf16" + more + ">>";
  w.op = "marimba.quantized_matmul %part, %w as " + w.type;
  w.parts = "\"w.codes\", \"w.scales\"";
  if (!more.empty())
    w.parts += encoding.offset == formats::Offset::ZeroPoint
                   ? ", \"w.zeros\""
                   : ", \"w.minimums\"";
  return w;
}

class ContractionTest : public testing::TestWithParam<unsigned> {
protected:
  void compile(Weight w) {
    weight = std::move(w);
    weight.tensor.data = weight.bytes.data();
    std::string k = std::to_string(weight.k),
                wide = std::to_string(weight.k + kGap),
                n = std::to_string(weight.n);
    std::string x = "tensor<?x?x" + k + "xf32>",
                all = "tensor<?x?x" + wide + "xf32>",
                y = "tensor<?x?x" + n + "xf32>";
    // Rows of x lie apart, as those of a slice do.
    std::string text = "marimba.weight @w : " + weight.type + " from [" +
                       weight.parts + "]\nfunc.func @prefill(%x: " + all +
                       " {marimba.input = \"x\"}, %e: " + y +
                       " {marimba.output = \"y\"}) -> " + y + R"(
  attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : )" +
                       all + R"(
  %t = tensor.dim %x, %c1 : )" +
                       all + R"(
  %part = tensor.extract_slice %x[0, 0, 2] [%b, %t, )" +
                       k + "] [1, 1, 1] : " + all + " to " + x +
                       "\n  %w = marimba.get_weight @w : " + weight.type +
                       "\n  %y = " + weight.op + " outs(%e : " + y +
                       ") : " + x + ", " + weight.type + " -> " + y +
                       "\n  return %y : " + y + "\n}\n";
    mlir::marimba::PipelineOptions pipeline;
    pipeline.vectorBits = GetParam();
    pipeline.threads = kThreads;
    std::string error;
    code = compileText(text, "contraction", pipeline, {}, error);
    ASSERT_TRUE(code) << error;
    entry = lookupFunction<std::remove_pointer_t<MarimbaEntry>>(
        *code, MARIMBA_ENTRY_PREFILL, error);
    ASSERT_TRUE(entry) << error;
    context = rt::Context::create(
        kThreads, std::make_shared<rt::PrimitiveCache>(), error);
    ASSERT_TRUE(context) << error;
    std::mt19937 random(3);
    inputs = numbers(random, kMost * weight.k);
  }

  /// The product of the first batch * time rows of `inputs`. Sequences begin
  /// `apart` elements after the one before has ended.
  std::vector<float> multiply(int64_t batch, int64_t time, int64_t apart = 0) {
    int64_t wide = weight.k + kGap, sequence = time * wide + apart;
    std::vector<float> x(static_cast<size_t>(batch * sequence), 1e30f);
    for (int64_t r = 0; r < batch * time; ++r)
      std::copy_n(inputs.begin() + r * weight.k, weight.k,
                  x.begin() + r / time * sequence + r % time * wide + 2);
    std::vector<float> y(static_cast<size_t>(batch * time * weight.n), NAN);
    MarimbaTensor args[] = {
        rt::makeTensor(x.data(), MARIMBA_F32,
                       std::array<int64_t, 3>{batch, time, wide}),
        rt::makeTensor(y.data(), MARIMBA_F32,
                       std::array<int64_t, 3>{batch, time, weight.n})};
    args[0].strides[0] = sequence;
    MarimbaCall call{&weight.tensor, args, 1, 2};
    EXPECT_EQ(entry(context->get(), &call), MARIMBA_OK) << context->message();
    return y;
  }

  void expectSameBits(const std::vector<float> &all,
                      const std::vector<float> &some, const char *what) {
    for (size_t i = 0; i < some.size(); ++i)
      ASSERT_EQ(std::bit_cast<uint32_t>(some[i]),
                std::bit_cast<uint32_t>(all[i]))
          << what << ": row " << i / weight.n << ", channel " << i % weight.n
          << " of " << some.size() / weight.n << " rows";
  }

  void check() {
    std::vector<float> all = multiply(1, kMost);
    double worst = 0, largest = 0;
    for (int64_t r = 0; r < kMost; r += r < 500 ? 7 : 1)
      for (int64_t n = 0; n < weight.n; ++n) {
        double sum = 0;
        for (int64_t k = 0; k < weight.k; ++k)
          sum += double(inputs[r * weight.k + k]) *
                 double(weight.values[n * weight.k + k]);
        double difference = std::abs(sum - all[r * weight.n + n]);
        worst = difference <= worst ? worst : difference;
        largest = std::max(largest, std::abs(sum));
      }
    EXPECT_LE(worst, 1e-6 * largest);
    for (int64_t rows : {0, 1, 2, 3, 4, 5, 7, 16, 17, 64, 510})
      expectSameBits(all, multiply(1, rows), "rows");
    expectSameBits(all, multiply(3, 11), "joined");
    expectSameBits(all, multiply(3, 11, 7), "apart");
    expectSameBits(all, multiply(3, 5), "few, joined");
    expectSameBits(all, multiply(3, 5, 7), "few, apart");
    expectSameBits(all, multiply(3, 1, 7), "one each, apart");
    multiply(0, 3), multiply(3, 0); // no rows: nothing to write
  }

  static constexpr int64_t kMost = 513, kGap = 5;
  Weight weight;
  CodePtr code;
  MarimbaEntry entry = nullptr;
  std::unique_ptr<rt::Context> context;
  std::vector<float> inputs;
};

std::string widthOf(const testing::TestParamInfo<unsigned> &info) {
  return std::to_string(info.param);
}
// Wider vectors than the host has are several of its own.
INSTANTIATE_TEST_SUITE_P(Bits, ContractionTest, testing::Values(128, 256, 512),
                         widthOf);

TEST_P(ContractionTest, WordsOfF32) {
  for (auto [n, k] : {std::pair{70, 300}, {80, 33}, {640, 129}}) {
    compile(packedWeight(n, k, "f32"));
    check();
  }
}

// Rows without inputs are sums of nothing, and of no channels there is nothing.
TEST_P(ContractionTest, WithoutInputsOrChannels) {
  for (const char *packed : {"f32", "bf16"})
    for (auto [n, k] : {std::pair{70, 0}, {0, 33}, {0, 0}}) {
      compile(packedWeight(n, k, packed));
      check();
    }
}

TEST_P(ContractionTest, WordsOfTwoBf16) {
  for (auto [n, k] : {std::pair{70, 601}, {5, 1}, {640, 128}}) {
    compile(packedWeight(n, k, "bf16"));
    check();
  }
}

TEST_P(ContractionTest, Codes) {
  using enum formats::Offset;
  for (auto [bits, group, offset] : {std::tuple{8, 0, None},
                                     {8, 32, Minimum},
                                     {4, 64, None},
                                     {4, 128, ZeroPoint},
                                     {4, 32, Minimum}}) {
    formats::Encoding encoding;
    encoding.bits = bits;
    encoding.group = group;
    encoding.offset = offset;
    encoding.scale = formats::Scalar::BF16;
    compile(quantizedWeight(70, 330, encoding));
    check();
  }
}

} // namespace
