"""The SystemRDL of a design says what its manifest says."""

from systemrdl import RDLCompiler
from systemrdl.node import FieldNode, RegNode

ACCESS = {"ro": "r", "rw": "rw", "wo": "w"}


def check_rdl(path, registers):
    """Compiles the file and compares every register and field; returns how many registers there are."""
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    top = compiler.elaborate().top
    found = [node for node in top.descendants() if isinstance(node, RegNode)]
    assert len(found) == len(registers), f"{len(found)} registers in {path}, {len(registers)} in the manifest"
    for node, r in zip(found, registers):
        assert (node.inst_name, node.absolute_address) == (r["name"], 4 * r["address"]), node.get_path()
        fields = [child for child in node.children() if isinstance(child, FieldNode)]
        assert len(fields) == len(r["fields"]), node.get_path()
        for field, f in zip(fields, r["fields"]):
            reset = r["reset"] >> f["lsb"] & (1 << f["bits"]) - 1
            due = (f["name"], f["lsb"], f["bits"], ACCESS[r["access"]], reset)
            says = (field.inst_name, field.low, field.width, field.get_property("sw").name, field.get_property("reset"))
            assert says == due, f"{field.get_path()}: {says}, not {due}"
    return len(found)
