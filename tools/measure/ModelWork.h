//===- ModelWork.h - What a model has to do ---------------------*- C++ -*-===//
//
// Part of Marimba. Counts work, op by op, and says how long the machine's
// limits allow for it. The definitions stand in docs/benchmarks.md.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_MODELWORK_H
#define MARIMBA_TOOLS_MEASURE_MODELWORK_H

#include "importer/Importer.h"
#include "lowering/Target/PipelineOptions.h"
#include "marimba/formats/Layout.h"
#include "mlir/IR/BuiltinOps.h"
#include "tools/measure/Limits.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/ErrorHandling.h"
#include <string>
#include <vector>

namespace marimba {

/// What a product multiplies. Int4: codes of 4 bits by bytes.
enum class ProductType { F32, BF16, Int8, Int4 };

/// Operations of matmuls by the type that they are computed in.
struct MatmulOps {
  double f32 = 0, bf16 = 0, int8 = 0, int4 = 0;

  double &of(ProductType type) {
    switch (type) {
    case ProductType::F32:
      return f32;
    case ProductType::BF16:
      return bf16;
    case ProductType::Int8:
      return int8;
    case ProductType::Int4:
      return int4;
    }
    llvm_unreachable("no such type");
  }

  MatmulOps &operator+=(const MatmulOps &other);
};

/// What a model has to do, counted from its module.
struct ModelWork {
  MatmulOps perToken;         // all layers; of the experts the chosen ones
  MatmulOps perLogits;        // the head, for one row
  double updatesPerToken = 0; // channels x states of all layers that scan
  /// Bytes of weights, as stored or narrower, that every call reads.
  double weightBytes = 0;
  /// Weights of which a token reads the part that it chooses: rows of the
  /// embedding's table, experts.
  struct Chosen {
    double bytes = 0, share = 0; // of all; what one token reads of them
  };
  std::vector<Chosen> chosen; // one for each share
  double stateBytes = 0;      // of one sequence, whatever its length
  double kvBytesPerToken = 0;

  /// Bytes of weights that a call with `tokens` tokens reads.
  double weightBytesFor(double tokens) const;
  ModelWork &operator+=(const ModelWork &other);
};

/// The seconds that the machine's limits allow.
struct AllowedTime {
  double prefill = 0; // of all tokens
  double decode = 0;  // of one token
};

/// The one definition of what is allowed (docs/benchmarks.md): prefill of
/// `tokens` tokens from an empty state, and decode with `context` tokens behind
/// it. A limit is its best measurement.
AllowedTime allowedTime(const ModelWork &work, const Limits &limits,
                        double tokens, double context);

/// What some ops of a model have to do when they run alone: their part of the
/// model's work, what that leaves out, and the activations, which have to come
/// from memory and go there.
struct OpsWork {
  ModelWork model;
  double floatsPerToken = 0; // operations in f32 beside products with weights
  double expsPerToken = 0;   // exponentials and the like, beside states'
  double floatsPerLogits = 0, expsPerLogits = 0; // the same, for one row
  double flopsPerPair = 0;   // of attention: for a query and a key,
  double expsPerPair = 0;    //   all heads and layers
  double window = 0;         // keys that a query sees at most; 0: all
  double bytesPerToken = 0;  // activations read and written
  double bytesPerLogits = 0; // the same of the head, for one row

  OpsWork &operator+=(const OpsWork &other);
  /// What calls with these tokens come to.
  struct Sizes {
    double floats = 0, exps = 0; // beside products with weights, and states'
    double bytes = 0;            // read and written
    /// All: a multiplication and an addition are two, an exponential and an
    /// update of a state are one.
    double operations = 0;
  };
  Sizes sizes(double tokens, double context) const;
  /// Seconds allowed for `tokens` tokens behind `context` others, with the
  /// logits of the last one.
  double allowed(const Limits &limits, double tokens, double context) const;
};

/// Which quantised weights many rows multiply as bytes.
enum class ByteProducts {
  None,
  OfChannels, // codes of 8 bits with a scale for each channel
  All,
};

/// What projections multiply: bf16, else f32; of quantised weights perhaps
/// bytes.
struct Products {
  bool bf16 = false;
  ByteProducts bytes = ByteProducts::None;
  bool bf16ForBytes = false; // of quantised weights that bytes could multiply

  /// Of many rows and of few, by the options of a compilation, facts of the
  /// machine included.
  static Products of(const mlir::marimba::PipelineOptions &options);
  static Products ofFewRows(const mlir::marimba::PipelineOptions &options);
};

/// In which type a product with a weight is multiplied, `quantized` or (null)
/// not. All that knows of it.
ProductType productType(const formats::Layout *quantized, Products products);

/// The seconds that the limits allow for products.
double matmulSeconds(const MatmulOps &ops, const Limits &limits);

/// The ops of one entry and of the layers it calls.
class WorkTable {
public:
  /// Counts the entry `entry` of `module`: on tensors, at the latest as the
  /// stage "specialize" leaves it. The module must outlive the table.
  WorkTable(mlir::ModuleOp module, llvm::StringRef entry, Products products);

  /// Calls of layers, all kinds together.
  double layers() const;

  /// The sum over all ops, states by what the importer says.
  ModelWork whole(const mlir::marimba::ModelInfo &info) const;

  /// The sum over the ops of `function` with one of `names` (their locations),
  /// for all calls of that function. Activations between them do not count.
  OpsWork of(llvm::StringRef function,
             llvm::ArrayRef<llvm::StringRef> names) const;

  /// What the op of that name is ("linear"); empty where there is none, or it
  /// only looks at memory.
  llvm::StringRef kind(llvm::StringRef function, llvm::StringRef name) const;

  /// The name of a function as the importer gave it, the same for every entry.
  llvm::StringRef layer(llvm::StringRef function) const;

private:
  struct Op {
    mlir::Operation *op;
    llvm::StringRef name;
    OpsWork work; // without activations
    bool perLogits = false;
  };
  struct Function {
    mlir::Operation *func = nullptr;
    double calls = 0;
    std::vector<Op> ops;
  };
  void count(mlir::Operation *func, mlir::SymbolTable &symbols);

  Products products;
  llvm::StringMap<Function> functions;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_MODELWORK_H
