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
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
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

  /// Compiles y = `op` of rows of `inputs` times a weight of `type`: as bf16,
  /// or as bytes with a scale for each row.
  void compile(const std::string &type, const std::string &parts,
               const std::string &op) {
    std::string x = "tensor<?x?x" + std::to_string(k) +
                    (bytesOfRows ? "xi8>" : "xbf16>"),
                y = "tensor<?x?x" + std::to_string(n) + "xf32>",
                scale = "tensor<?x?x1xf32>";
    std::string scales = bytesOfRows
                             ? "%s: " + scale +
                                   " {marimba.input = \"s\"}, %t: " + scale +
                                   " {marimba.input = \"t\"}, "
                             : "";
    std::string text =
        "marimba.weight @w : " + type + " from [" + parts +
        "]\nfunc.func @prefill(%x: " + x + " {marimba.input = \"x\"}, " +
        scales + "%e: " + y + " {marimba.output = \"y\"}) -> " + y +
        " attributes {marimba.entry = \"prefill\"} {\n" +
        "  %w = marimba.get_weight @w : " + type + "\n  %y = " + op +
        " outs(%e : " + y + ") : " + x + ", " + type + " -> " + y +
        "\n  return %y : " + y + "\n}\n";
    mlir::marimba::PipelineOptions pipeline;
    pipeline.threads = kThreads;
    pipeline.tiles = true;
    pipeline.integerUnit = mlir::marimba::IntegerUnit::VNNI;
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
    n = channels, k = depth, bytesOfRows = false;
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
            "\"w\"", "marimba.packed_matmul %x, %w packed bf16");
  }

  /// Codes in groups of 32 inputs, or with one scale for each channel, times
  /// bf16 or bytes.
  void quantized(int64_t channels, int64_t depth, unsigned bits,
                 unsigned group = 32, bool times = false) {
    n = channels, k = depth, bytesOfRows = times;
    formats::Encoding encoding;
    encoding.bits = bits;
    encoding.group = group;
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
    values = formats::widenMatrix(layout, bytes.data());
    weight = rt::makeTensor(bytes.data(), MARIMBA_I8,
                            std::array<int64_t, 1>{layout.bytes()});
    std::string type = "tensor<" + std::to_string(n) + "x" + std::to_string(k) +
                       "xi" + std::to_string(bits) + ", #marimba.quantized<" +
                       (group ? "group " + std::to_string(group) : "channel") +
                       ", scale bf16>>";
    std::string of = times ? " scales(%s, %t : tensor<?x?x1xf32>, "
                             "tensor<?x?x1xf32>)"
                           : "";
    compile(type, "\"w.codes\", \"w.scales\"",
            "marimba.quantized_matmul %x" + of + ", %w as " + type);
  }

  /// The product of the first batch * time rows. Sequences begin `apart`
  /// elements after the one before has ended.
  std::vector<float> multiply(int64_t batch, int64_t time, int64_t apart = 0) {
    int64_t sequence = time * k + apart, rows = batch * time;
    std::vector<float> y(static_cast<size_t>(rows * n), NAN);
    // A sequence is read to its end, and no further.
    auto size = static_cast<size_t>(rows ? batch * sequence - apart : 0);
    std::vector<uint16_t> x(bytesOfRows ? 0 : size, 0x7fc0);
    std::vector<int8_t> codes(bytesOfRows ? size : 0, 99);
    for (int64_t i = 0; i < rows * k; ++i)
      if (bytesOfRows)
        codes[i + i / (time * k) * apart] = static_cast<int8_t>(inputs[i] * 64);
      else
        x[i + i / (time * k) * apart] = halfOf(inputs[i]);
    std::vector<float> scales(static_cast<size_t>(rows), 1.0f / 64),
        sums(scales.size());
    for (int64_t i = 0; i < rows * k; ++i)
      sums[i / k] += inputs[i];
    std::vector<MarimbaTensor> args{
        bytesOfRows ? rt::makeTensor(codes.data(), MARIMBA_I8,
                                     std::array<int64_t, 3>{batch, time, k})
                    : rt::makeTensor(x.data(), MARIMBA_BF16,
                                     std::array<int64_t, 3>{batch, time, k})};
    args[0].strides[0] = sequence;
    for (std::vector<float> *part : {&scales, &sums})
      if (bytesOfRows)
        args.push_back(rt::makeTensor(part->data(), MARIMBA_F32,
                                      std::array<int64_t, 3>{batch, time, 1}));
    args.push_back(rt::makeTensor(y.data(), MARIMBA_F32,
                                  std::array<int64_t, 3>{batch, time, n}));
    MarimbaCall call{&weight, args.data(), 1,
                     static_cast<int32_t>(args.size())};
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
      // No rows may have no data to point to.
      EXPECT_TRUE(some.empty() ||
                  std::memcmp(some.data(), all.data(), some.size() * 4) == 0)
          << what << ' ' << some.size() / size_t(n);
    };
    for (int64_t rows : {0, 1, 2, 15, 16, 17, 31, 32, 33, 64, 510})
      same(multiply(1, rows), "rows");
    same(multiply(3, 5), "few, joined");
    same(multiply(3, 11), "joined");
    // Each sequence has fewer rows than a register.
    for (int64_t rows : {0, 1, 2, 15})
      same(multiply(3, rows, 7), "few, apart");
    same(multiply(3, 20, 7), "apart");
    multiply(0, 3);
  }

  std::mt19937 random{1};
  int64_t n = 0, k = 0;
  bool bytesOfRows = false;
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

// Sums are exact.
TEST_F(MatrixTilesTest, Bytes) {
  for (auto [channels, depth] : {std::pair{130, 64}, {5, 2240}, {64, 6400}}) {
    quantized(channels, depth, 8, /*group=*/0, /*times=*/true);
    check();
  }
}

} // namespace
