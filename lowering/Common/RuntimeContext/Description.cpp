//===- Description.cpp - What a compiled module says of itself --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/RuntimeContext/Description.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "lowering/Common/RuntimeContext/WeightUses.h"
#include "marimba/abi.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::marimba;

/// Name of an element type in the description: f32, bf16, i32, ...
static std::string dtypeName(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

static void writeShape(llvm::json::OStream &json, ShapedType type) {
  json.attribute("dtype", dtypeName(type.getElementType()));
  json.attributeArray("shape", [&] {
    for (int64_t size : type.getShape())
      json.value(ShapedType::isDynamic(size) ? int64_t(-1) : size);
  });
}

/// What the bytes of a quantised weight are.
static void writeQuantized(llvm::json::OStream &json, RankedTensorType type) {
  formats::Layout layout = layoutOf(type);
  json.attributeObject("quantized", [&] {
    json.attribute("bits", layout.encoding.bits);
    json.attribute("channels", layout.channels);
    json.attribute("inputs", layout.inputs);
    json.attribute("group", layout.group);
    json.attribute("scale",
                   StringRef(scalarName(layout.encoding.scale)).lower());
    if (layout.supers)
      json.attribute("super_block", layout.encoding.superBlock);
    if (layout.encoding.values != formats::CodeValues::Integer)
      json.attribute("values",
                     StringRef(codeValuesName(layout.encoding.values)));
    formats::Offset offset = layout.encoding.offset;
    json.attribute("zero_point", offset == formats::Offset::ZeroPoint);
    if (offset == formats::Offset::Minimum)
      json.attribute("minimum", true);
    json.attribute("matrices", layout.matrices);
  });
}

static void writeWeight(llvm::json::OStream &json, WeightOp weight,
                        const WeightUse &use) {
  json.object([&] {
    json.attribute("name", weight.getSymName());
    writeShape(json, cast<ShapedType>(weight.getType()));
    if (weight.getDerived())
      json.attribute("derived", true);
    if (auto sources = weight.getSources())
      json.attributeArray("sources", [&] {
        for (auto source : sources->getAsRange<StringAttr>())
          json.value(source.getValue());
      });
    if (weight.getStored())
      writeQuantized(json, cast<RankedTensorType>(*weight.getStored()));
    if (use.apart && !use.packed && !use.stored && !weight.getDerived())
      json.attribute("apart", true);
    if (!use.packed || weight.getDerived())
      return;
    json.attribute("packed", dtypeName(use.packed));
    if (use.blocks)
      json.attribute("blocks", true);
    if (use.stored || use.apart)
      json.attribute("stored", true);
  });
}

static void writeArgument(llvm::json::OStream &json, func::FuncOp func,
                          unsigned i) {
  static constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> kinds[] =
      {{kInputAttr, "input"},
       {kStateAttr, "state"},
       {kOutputAttr, "output"},
       {kWeightAttr, "weight"}};
  json.object([&] {
    for (auto [attr, kind] : kinds)
      if (auto name = func.getArgAttrOfType<StringAttr>(i, attr)) {
        json.attribute("kind", kind);
        json.attribute("name", name.getValue());
      }
    if (auto type = dyn_cast<ShapedType>(func.getArgumentTypes()[i]))
      writeShape(json, type);
  });
}

std::string mlir::marimba::describeModule(ModuleOp module) {
  WeightUses uses(module);
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::json::OStream json(os);
  json.object([&] {
    json.attribute("abi", MARIMBA_ABI_VERSION);
    json.attribute("name", module.getSymName().value_or("module"));
    json.attributeArray("weights", [&] {
      for (auto weight : module.getOps<WeightOp>())
        writeWeight(json, weight, uses.lookup(weight.getSymName()));
    });
    json.attributeObject("entries", [&] {
      for (auto func : module.getOps<func::FuncOp>()) {
        auto entry = func->getAttrOfType<StringAttr>(kEntryAttr);
        if (!entry)
          continue;
        json.attributeObject(entry.getValue(), [&] {
          json.attributeArray("args", [&] {
            for (unsigned i = 0; i < func.getNumArguments(); ++i)
              writeArgument(json, func, i);
          });
        });
      }
    });
  });
  return text;
}

void mlir::marimba::addText(ModuleOp module, StringRef symbol, StringRef text) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  std::string bytes = (text + StringRef("\0", 1)).str();
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
  LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/true,
                         LLVM::Linkage::External, symbol,
                         b.getStringAttr(bytes));
}
