"""An entry of a module written for a test: the text of one function, the
tensors it is called with and the results it must have. Many entries make one
module, which `marimba execute --all` compiles and runs in one process."""

import array

import compare


def tensor_type(shape, element="f32", dynamic=0):
    """tensor<?x?x8xf32>: the first `dynamic` sizes are left open."""
    sizes = ["?"] * dynamic + [str(size) for size in shape[dynamic:]]
    return f"tensor<{'x'.join(sizes + [element])}>"


def zeros(shape, code="f"):
    count = 1
    for size in shape:
        count *= size
    return compare.Tensor(shape, array.array(code, [0]) * count)


def tensor(shape, values, code="f"):
    return compare.Tensor(shape, array.array(code, values))


class Entry:
    """Arguments and weights are declared one by one; each method returns the
    name of the SSA value. `op` adds a line; `result` says where a value goes."""

    def __init__(self, name):
        self.name = name
        self.inputs = {}  # by name: what the input file holds
        self.expected = []  # arguments of `expect`
        self.weights, self.arguments, self.lines = [], [], []
        self.returned = []  # (value, type), in the order of declaration

    def _argument(self, kind, name, type):
        self.arguments.append(f'%{name}: {type} {{marimba.{kind} = "{name}"}}')
        return f"%{name}"

    def input(self, name, value, type):
        self.inputs[name] = value
        return self._argument("input", name, type)

    def state(self, name, value, type):
        """A state and what it holds before the call."""
        self.inputs[name] = value
        return self._argument("state", name, type)

    def output(self, name, shape, type):
        """The memory of a result of this shape; see `result`."""
        code = "i" if type.endswith("i32>") else "f"
        self.inputs[name] = zeros(shape, code)
        return self._argument("output", name, type)

    def weight(self, name, value, element="f32"):
        type = tensor_type(value.shape, element)
        symbol = f"{self.name}.{name}"
        self.inputs[name] = value
        self.weights.append(f'marimba.weight @{symbol} : {type} from ["{symbol}"]')
        return self.op(f"marimba.get_weight @{symbol} : {type}", name)

    def op(self, text, result=None):
        """Adds `%result = text`; several results as "a, b"."""
        names = [f"%{name.strip()}" for name in result.split(",")] if result else []
        self.lines.append((", ".join(names) + " = " if names else "") + text)
        return names[0] if len(names) == 1 else names

    def returns(self, value, type):
        """Returns a value that an op wrote to an output or state."""
        self.returned.append((value, type))

    def result(self, name, value, shape, type):
        """Writes a value to an output of this name."""
        memory = self.output(name, shape, type)
        stored = self.op(
            f"bufferization.materialize_in_destination {value} in {memory}"
            f" : ({type}, {type}) -> {type}",
            f"{name}_stored",
        )
        self.returns(stored, type)

    def expect(self, name, value, tolerance=None, convert=None, each=False):
        """`convert` brings what was found, and all that was, into the form of
        `value`. With `each` every element counts relative to itself."""
        self.expected.append((name, value, tolerance, convert, each))

    def text(self, name=None):
        """Under its own name, or another one."""
        name = self.name if name is None else name
        types = ", ".join(type for _, type in self.returned)
        values = ", ".join(value for value, _ in self.returned)
        arguments = ",\n    ".join(self.arguments)
        body = "\n  ".join(self.lines + [f"return {values} : {types}"])
        return (
            f"func.func @{name}(\n    {arguments})\n    -> ({types})\n"
            f'    attributes {{marimba.entry = "{name}"}} {{\n  {body}\n}}\n'
        )


def module_text(entries):
    weights = [line for entry in entries for line in entry.weights]
    return "\n".join(weights + [entry.text() for entry in entries])


def module_inputs(entries):
    return {
        f"{entry.name}.{name}": value
        for entry in entries
        for name, value in entry.inputs.items()
    }


class Shared:
    """Entries as calls of few functions: those whose text is the same but for the
    name, and which have no weights, are cases of the first of them. Compiling
    takes long, calls do not."""

    def __init__(self, entries):
        firsts = {}  # by text
        self.functions = []
        self.prefixes = {}  # by the entry's name: what its tensors are called
        for entry in entries:
            key = entry.name if entry.weights else entry.text("")
            if key not in firsts:
                firsts[key] = entry.name
                self.functions.append(entry)
            case = "" if entry.weights else f"@{len(self.prefixes)}"
            self.prefixes[entry.name] = f"{firsts[key]}{case}."
        self.entries = entries

    def text(self):
        return module_text(self.functions)

    def inputs(self):
        return {
            self.prefixes[entry.name] + name: value
            for entry in self.entries
            for name, value in entry.inputs.items()
        }

    def results(self, found):
        """What `marimba execute` wrote, by the names of the entries."""
        names = {prefix: name for name, prefix in self.prefixes.items()}
        results = {}
        for full, value in found.items():
            prefix, dot, name = full.rpartition(".")
            results[f"{names[prefix + dot]}.{name}"] = value
        return results
