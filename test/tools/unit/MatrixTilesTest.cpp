//===- MatrixTilesTest.cpp - Many rows by the tiles of AMX -----*- C++ -*-===//
//
// Generated products of tiles against double, and rows bit for bit as in calls
// of other numbers of rows. Only where the processor has tiles.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/JitCode.h"

#include "marimba/Context.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/Tensor.h"
#include "marimba/Tiles.h"
#include "marimba/abi.h"
#include "marimba/formats/Layout.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace marimba;

namespace {

constexpr int kThreads = 2;
constexpr int64_t kMost = 513;

/// The upper half of an f32 that has no other bits.
uint16_t halfOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  EXPECT_EQ(bits & 0xffff, 0U);
  return static_cast<uint16_t>(bits >> 16);
}

class MatrixTilesTest : public testing::Test {
protected:
  void SetUp() override {
    std::string refused;
    if (!mlir::marimba::hasTiles({}) || !rt::mayUseTiles(refused))
      GTEST_SKIP() << "this processor has no tiles, or none for us " << refused;
  }

  float number() {
    return static_cast<float>(static_cast<int>(random() % 255) - 127) / 64;
  }

  /// Compiles y = `op` of rows of `inputs` times a weight of `type`.
  void compile(const std::string &type, const std::string &parts,
               const std::string &op) {
    std::string x = "tensor<?x?x" + std::to_string(k) + "xbf16>",
                y = "tensor<?x?x" + std::to_string(n) + "xf32>";
    std::string text = "marimba.weight @w : " + type + " from [" + parts +
                       "]\nfunc.func @prefill(%x: " + x +
                       " {marimba.input = \"x\"}, %e: " + y +
                       " {marimba.output = \"y\"}) -> " + y +
                       " attributes {marimba.entry = \"prefill\"} {\n" +
                       "  %w = marimba.get_weight @w : " + type +
                       "\n  %y = " + op + " outs(%e : " + y + ") : " + x +
                       ", " + type + " -> " + y + "\n  return %y : " + y +
                       "\n}\n";
    mlir::marimba::PipelineOptions pipeline;
    pipeline.threads = kThreads;
    pipeline.tiles = true;
    std::string error;
    code = compileText(text, "tiles", pipeline, {}, error);
    ASSERT_TRUE(code) << error;
    entry = lookupFunction<std::remove_pointer_t<MarimbaEntry>>(
        *code, MARIMBA_ENTRY_PREFILL, error);
    ASSERT_TRUE(entry) << error;
    context = rt::Context::create(
        kThreads, std::make_shared<rt::PrimitiveCache>(), error);
    ASSERT_TRUE(context) << error;
    inputs.resize(static_cast<size_t>(kMost * k));
    for (float &value : inputs)
      value = number();
  }

  void packed(int64_t channels, int64_t depth) {
    n = channels, k = depth;
    values.resize(static_cast<size_t>(n * k));
    bytes.resize(values.size() * 2);
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = number();
      uint16_t half = halfOf(values[i]);
      std::memcpy(&bytes[2 * i], &half, 2);
    }
    weight = rt::makeTensor(bytes.data(), MARIMBA_BF16,
                            std::array<int64_t, 2>{n, k});
    compile("tensor<" + std::to_string(n) + "x" + std::to_string(k) + "xbf16>",
            "\"w\"", "onednn.packed_matmul %x, %w packed bf16");
  }

  void quantized(int64_t channels, int64_t depth, unsigned bits) {
    n = channels, k = depth;
    formats::Encoding encoding;
    encoding.bits = bits;
    encoding.group = 32;
    encoding.scale = formats::Scalar::BF16;
    formats::Layout layout = formats::Layout::of(encoding, n, k);
    bytes.resize(static_cast<size_t>(layout.bytes()));
    for (char &byte : bytes)
      byte = static_cast<char>(random());
    int64_t scales = layout.partOffset(formats::PartKind::Scales);
    // Powers of two: a weight has the bits of its code.
    for (int64_t i = 0; i < layout.partBytes(formats::PartKind::Scales);
         i += 2) {
      auto scale = static_cast<uint16_t>((0x78 + random() % 3) << 7);
      std::memcpy(&bytes[scales + i], &scale, 2);
    }
    values = formats::widenMatrix(layout, bytes.data(), bytes.data() + scales,
                                  nullptr);
    weight = rt::makeTensor(bytes.data(), MARIMBA_I8,
                            std::array<int64_t, 1>{layout.bytes()});
    std::string type = "tensor<" + std::to_string(n) + "x" + std::to_string(k) +
                       "xi" + std::to_string(bits) +
                       ", #marimba.quantized<group 32, scale bf16>>";
    compile(type, "\"w.codes\", \"w.scales\"",
            "marimba.quantized_matmul %x, %w as " + type);
  }

  /// The product of the first batch * time rows. Sequences begin `apart`
  /// elements after the one before has ended.
  std::vector<float> multiply(int64_t batch, int64_t time, int64_t apart = 0) {
    int64_t sequence = time * k + apart;
    std::vector<uint16_t> x(static_cast<size_t>(batch * sequence), 0x7fc0);
    for (int64_t i = 0; i < batch * time * k; ++i)
      x[i + i / (time * k) * apart] = halfOf(inputs[i]);
    std::vector<float> y(static_cast<size_t>(batch * time * n), NAN);
    MarimbaTensor args[] = {
        rt::makeTensor(x.data(), MARIMBA_BF16,
                       std::array<int64_t, 3>{batch, time, k}),
        rt::makeTensor(y.data(), MARIMBA_F32,
                       std::array<int64_t, 3>{batch, time, n})};
    args[0].strides[0] = sequence;
    MarimbaCall call{&weight, args, 1, 2};
    EXPECT_EQ(entry(context->get(), &call), MARIMBA_OK) << context->message();
    return y;
  }

  void check() {
    std::vector<float> all = multiply(1, kMost);
    double worst = 0, largest = 0;
    for (int64_t r = 0; r < kMost; r += r < 500 ? 7 : 1)
      for (int64_t i = 0; i < n; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < k; ++j)
          sum += double(inputs[r * k + j]) * double(values[i * k + j]);
        double difference = std::abs(sum - double(all[r * n + i]));
        worst = difference <= worst ? worst : difference;
        largest = std::max(largest, std::abs(sum));
      }
    EXPECT_LE(worst, 1e-6 * largest);
    auto same = [&](const std::vector<float> &some, const char *what) {
      EXPECT_EQ(std::memcmp(some.data(), all.data(), some.size() * 4), 0)
          << what << ' ' << some.size() / size_t(n);
    };
    for (int64_t rows : {17, 31, 32, 33, 64, 510})
      same(multiply(1, rows), "rows");
    same(multiply(3, 11), "joined");
    same(multiply(3, 20, 7), "apart");
  }

  std::mt19937 random{1};
  int64_t n = 0, k = 0;
  std::vector<float> values, inputs;
  std::vector<char> bytes;
  MarimbaTensor weight;
  CodePtr code;
  MarimbaEntry entry = nullptr;
  std::unique_ptr<rt::Context> context;
};

TEST_F(MatrixTilesTest, PairsOfBf16) {
  for (auto [channels, depth] : {std::pair{70, 320}, {5, 32}, {64, 5280}}) {
    packed(channels, depth);
    check();
  }
}

TEST_F(MatrixTilesTest, Codes) {
  for (unsigned bits : {8, 4})
    for (int64_t depth : {96, 2208}) {
      quantized(130, depth, bits);
      check();
    }
}

} // namespace
