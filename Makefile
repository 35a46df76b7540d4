# What a person wants to do with this project, one word each.

# What co-simulation needs: zlib is for waveforms.
SIMULATION_TOOLS = verilator g++ make zlib1g-dev
TEST_TOOLS = $(SIMULATION_TOOLS) iverilog yosys
# Features that the tests and lints are run with. The trainer's takes some minutes to compile; `make test FEATURES=` leaves it out.
FEATURES = train parquet

.PHONY: flow engine-clock refit board boards netlists cocotb serial prove-axi cnv fuzz demo tools test lint data bench area uncertainty uncertainty-area neurons-area faults random-study campaign workflow prove prove-chips compare

## demo: the whole way with a bundled network, from model to proven Verilog
demo:
	scripts/install-tools.sh $(SIMULATION_TOOLS)
	cargo run --release --quiet -- demo

## tools: install what co-simulation and the tests need
tools:
	scripts/install-tools.sh $(TEST_TOOLS)

## test: install what the tests need, and run them all
test: tools
	cargo test --features "$(FEATURES)"

## lint: format, clippy, documentation
lint:
	cargo fmt --check
	cargo clippy --all-targets --features "$(FEATURES)" -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --features "$(FEATURES)"

## data: fetch MNIST and Fashion-MNIST into data/cache
data:
	scripts/fetch-data.sh

## bench: speed of the golden model and of co-simulation; cycles per image at four foldings
bench:
	cargo bench

## area: LUTs of the layer engine at several foldings (Yosys; half an hour)
area: tools
	scripts/area.sh 16x64x16 16x64x4 8x32x16 4x32x1

## engine-clock: clock of the layer engine at several foldings, placed and routed for an ECP5 (some minutes)
engine-clock: tools flow
	scripts/engine-clock.sh

## refit: estimates of LUTs and registers fitted to what Yosys counts for a list of designs, of which those that changed are synthesised again (an hour and a half for all), and the tables of docs/estimates.md
refit: tools
	cargo run --release --quiet --example refit

## uncertainty: train 36 networks and measure what methods, passes and outliers buy (an hour and a half; needs node)
uncertainty:
	scripts/uncertainty.sh

## uncertainty-area: LUTs of the uncertainty, part by part (Yosys; some minutes)
uncertainty-area: tools
	scripts/uncertainty-area.sh

## neurons-area: LUTs of the neurons that decide on sums, at several foldings (Yosys; some minutes)
neurons-area: tools
	scripts/neurons-area.sh

## faults: accuracy over dies with broken cells, with and without inverted normalization (some minutes; needs node)
faults:
	scripts/faults.sh

## campaign: what chips that are not ideal cost every method on MNIST, as a table and figures (some minutes)
campaign: data
	cargo run --release --quiet -- campaign campaigns/mnist.toml --out target/campaigns/mnist.csv --figures target/campaigns
	mkdir -p docs/figures
	cp target/campaigns/mnist.svg docs/figures/campaign.svg
	cp target/campaigns/mnist-stuck.svg docs/figures/campaign-stuck.svg

## workflow: the digits' campaign in four shards, by Snakemake (installed into target/snakemake)
workflow:
	cargo build --release --quiet
	test -x target/snakemake/bin/snakemake || (python3 -m venv target/snakemake && target/snakemake/bin/pip install --quiet snakemake)
	target/snakemake/bin/snakemake -s workflows/campaign/Snakefile --cores 2 --config campaign=campaigns/digits.toml shards=4

## random-study: accuracy, calibration and detection with random sources from bad to good (ten minutes)
random-study:
	scripts/random-study.sh

## prove: every bundled model in Verilator, two foldings, with and without paused streams (a quarter of an hour)
prove: tools
	scripts/prove.sh

## prove-chips: networks on the chips of chips/, devices and arrays that are not ideal, in Verilator (a quarter of an hour)
prove-chips: tools
	scripts/prove-chips.sh

## serial: the serial port of a design under cocotbext-uart in Icarus, and the Python client against a simulated board
serial: tools
	scripts/serial.sh

## cocotb: interfaces of designs in Icarus, AXI and serial, driven by the public cocotb extensions, against the golden model (four minutes)
cocotb: tools
	scripts/install-tools.sh python3 python3-venv
	scripts/cocotb.sh
	scripts/serial.sh

## prove-axi: protocol properties of the AXI wrapper's blocks by SMT, and broken variants refuted (two minutes)
prove-axi:
	scripts/install-tools.sh yosys python3 python3-venv
	scripts/prove-axi.sh

## cnv: a network of the size of FINN's CNV: folded, generated, linted, one image simulated
cnv:
	cargo run --release --quiet --example cnv

## fuzz: a million damaged ONNX files for the importer (some minutes)
fuzz:
	cargo run --release --quiet --example fuzz_import

DIGITS = digits-spindrop digits-spatial digits-scale digits-affine digits-subset digits-spinbayes digits-spinbayes-4level
MNIST = mnist-spindrop-1bit mnist-spatial mnist-scale mnist-affine mnist-subset mnist-spinbayes

## compare: the methods side by side, accuracy, random bits, cycles, cells by Yosys (a quarter of an hour)
compare: tools data
	cargo run --release --quiet -- compare $(DIGITS) --target-luts 3000 --synthesize
	cargo run --release --quiet -- compare $(MNIST) --target-luts 4000 --synthesize

## netlists: what Yosys makes of the digits design for four families, in Icarus against the golden model (some minutes)
netlists: tools
	cargo run --release --quiet -- cosim digits-spindrop --passes 2 --max-passes 2 --limit 10 --pe 4,4,1 --simd 16,16,16 --icarus 2 --netlist ice40,ecp5,gowin,xilinx7

## flow: install the open tools that make bitstreams (apt for iCE40, the PyPI builds for ECP5 and Gowin into target/flow)
flow:
	scripts/install-flow.sh

BUILD = cargo run --release --quiet -- build

## board: one bitstream, digits on an iCE40-HX8K (three minutes)
board: flow
	$(BUILD) digits-spindrop --board ice40-hx8k --passes 16 --max-passes 16 --pe 16,2,1 --simd 1,16,2 --clock 60

## boards: all bitstreams of docs/boards.md, and its table (an hour; needs `make data`)
boards: board
	$(BUILD) digits-spindrop --board icebreaker --passes 16 --max-passes 16 --pe 4,1,1 --simd 1,8,1 --clock 18
	$(BUILD) digits-spindrop --board tang-nano-9k --passes 16 --max-passes 16 --pe 16,4,1 --simd 1,16,4 --clock 48
	$(BUILD) mnist-spindrop-1bit --board ulx3s-85f --passes 32 --max-passes 32 --pe 32,32,32,2 --simd 28,64,64,128 --events 0,4,4,0 --lanes 2 --clock 84
	cargo run --release --quiet -- boards --built build --write docs/boards.md
