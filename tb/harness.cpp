// Verilator harness for every neuspin design: a child process that speaks in transactions.
//
// Compiled against a model built with `--prefix Vdut` and against `dut_config.h`, which is generated beside it:
//
//   DUT_IN_BITS      width of in_data_i
//   DUT_TAPS(X)      X(0) X(1) ... for the hidden layers whose activations the design shows; nothing without taps
//   DUT_MORE(X)      X(port) ... for the ports that a result has beside votes and what comes before them
//   DUT_TRACE        1 in a build that can write a waveform
//
// Protocol: 32-bit words in the machine's order on stdin and stdout. A request is [operation, words, payload...], a reply
// is one or more messages [kind, words, payload...]; the last one of a reply is DONE or ERROR (text, one byte a word).
// src/cosim/protocol.rs is the other side. One message carries a whole run: talking clock by clock is forty times slower.
//
// A clock is: pins set, clk_i = 0, eval, pins read, clk_i = 1, eval. Clock n stands at time 10 n in a waveform.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vdut.h"
#include "dut_config.h"
#include "pipe.h"
#include "verilated.h"
#if DUT_TRACE
#include "verilated_fst_c.h"
#endif

namespace {

enum Operation : uint32_t { OP_NEW = 1, OP_REGISTERS = 2, OP_RUN = 3, OP_PROGRAM = 4 };
enum Access : uint32_t { READ = 0, WRITE = 1, AWAIT_ZERO = 2 };
enum Event : uint32_t { EV_INPUT = 1, EV_RESULT = 2, EV_LOGITS = 3, EV_TAP = 4, EV_PROTOCOL = 5, EV_PROGRAMMED = 6 };
enum RunFlags : uint32_t { WANT_LOGITS = 1, WANT_TAPS = 2 };

constexpr uint32_t kInWords = (DUT_IN_BITS + 31) / 32;
constexpr uint32_t kInTopMask = DUT_IN_BITS % 32 ? (1u << (DUT_IN_BITS % 32)) - 1 : ~0u;
constexpr size_t kFlushWords = 1 << 18;
// Clocks after the last result in which nothing more may come out.
constexpr int kQuietClocks = 32;

// Pins of any width: Verilator's types are 8, 16, 32 and 64-bit integers and arrays of 32-bit words.
template <typename T>
void append(Words& to, const T& pin) {
    if (sizeof(T) <= 8) {
        uint64_t value = 0;
        memcpy(&value, &pin, sizeof(T));
        to.push_back(static_cast<uint32_t>(value));
        if (sizeof(T) == 8) to.push_back(static_cast<uint32_t>(value >> 32));
    } else {
        const size_t at = to.size();
        to.resize(at + sizeof(T) / 4);
        memcpy(&to[at], &pin, sizeof(T));
    }
}

template <typename T>
void assign(T& pin, const uint32_t* words) {
    memcpy(&pin, words, sizeof(T));
}

struct Random {  // SplitMix64
    uint64_t state;
    uint64_t next() {
        uint64_t z = (state += 0x9E3779B97F4A7C15ull);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        return z ^ (z >> 31);
    }
    bool chance(uint32_t of_65536) { return (next() >> 48) < of_65536; }
};

class Bench {
  public:
    explicit Bench(Pipe& pipe) : pipe_(pipe) {}

    // A model with random initial state, reset and ready for registers and images.
    Words create(Reader request) {
        const uint32_t seed = request.word();
        const std::string trace_path = text(request);
        stop_trace();
        if (dut_) dut_->final();
        dut_.reset();
        context_.reset(new VerilatedContext);
        const std::string seed_arg = "+verilator+seed+" + std::to_string(seed);
        const char* args[] = {"dut", "+verilator+rand+reset+2", seed_arg.c_str()};
        context_->commandArgs(3, args);
#if DUT_TRACE
        context_->traceEverOn(true);
#endif
        dut_.reset(new Vdut(context_.get(), "TOP"));
        if (!trace_path.empty()) {
#if DUT_TRACE
            trace_.reset(new VerilatedFstC);
            dut_->trace(trace_.get(), 99);
            trace_->open(trace_path.c_str());
            if (!trace_->isOpen()) throw std::runtime_error("cannot write the waveform " + trace_path);
#else
            throw std::runtime_error("built without waveforms");
#endif
        }
        clock_ = 0;
        idle();
        dut_->rst_ni = 0;
        for (int i = 0; i < 4; ++i) tick();
        dut_->rst_ni = 1;
        return Words();
    }

    // A list of [access, address, data or mask, most clocks to wait]; replies with what was read.
    Words registers(Reader request) {
        Words values;
        idle();
        while (request.more()) {
            const uint32_t access = request.word(), address = request.word(), data = request.word();
            const uint64_t bound = request.wide();
            const uint32_t start = static_cast<uint32_t>(clock_);
            uint32_t seen = 0;
            if (access == WRITE) {
                dut_->reg_addr_i = static_cast<uint8_t>(address);
                dut_->reg_wdata_i = data;
                dut_->reg_write_i = 1;
                tick();
                dut_->reg_write_i = 0;
            } else {
                const uint64_t until = clock_ + bound;
                do {
                    if (access == AWAIT_ZERO && clock_ > until) {
                        throw std::runtime_error("register " + std::to_string(address) + " still reads " +
                                                 std::to_string(seen) + " after " +
                                                 std::to_string(clock_ - start) + " clocks; bits " +
                                                 std::to_string(data) + " should clear");
                    }
                    seen = read_register(address);
                } while (access == AWAIT_ZERO && (seen & data) != 0);
            }
            values.push_back(seen);
        }
        return values;
    }

    // Clocks that a request to the programming port may take, then a list of [write, address, data]; replies with what each
    // acknowledge said: [data, error].
    Words program(Reader request) {
        Words answers;
#if DUT_PROGRAM
        idle();
        const uint64_t bound = request.wide();
        while (request.more()) {
            ask(request.take(3));
            const uint64_t start = clock_;
            bool done = false;
            while (!done) {
                settle();
                const bool taken = dut_->prog_valid_i && dut_->prog_ready_o;
                done = dut_->prog_ack_o;
                if (done) {
                    answers.push_back(dut_->prog_data_o);
                    answers.push_back(dut_->prog_error_o);
                }
                edge();
                if (taken) dut_->prog_valid_i = 0;
                if (clock_ - start > bound) {
                    throw std::runtime_error("the programming port does not answer in " + std::to_string(bound) + " clocks");
                }
            }
        }
#else
        (void)request;
        throw std::runtime_error("a design without a programming port");
#endif
        return answers;
    }

    // Streams images in and results out. Events go out as they happen, DONE carries the clocks that the run took.
    Words run(Reader request) {
        const uint32_t images = request.word(), beats = request.word(), results = request.word();
        const uint32_t gap = request.word(), stall = request.word(), flags = request.word();
        Random random{request.wide()};
        const uint64_t bound = request.wide();
        const uint32_t wave_from = request.word(), wave_to = request.word();
        const uint64_t program_from = request.wide();
        const uint32_t requests = request.word();
        const uint32_t* accesses = request.take(3 * static_cast<size_t>(requests));
        const uint32_t* data = request.take(static_cast<size_t>(images) * beats * kInWords);
        uint32_t asked = 0, answered = 0;

        const uint64_t start = clock_;
        const uint64_t all_beats = static_cast<uint64_t>(images) * beats;
        const uint64_t all_results = static_cast<uint64_t>(images) * results;
        uint64_t sent = 0, received = 0, progress = clock_;
        int quiet = 0;
        bool offering = false;
        Words held, now;
        idle();
        tracing_ = false;
        while (quiet < kQuietClocks) {
            if (!offering && sent < all_beats && !random.chance(gap)) {
                offering = true;
                assign(dut_->in_data_i, padded(data + sent * kInWords));
            }
            dut_->in_valid_i = offering;
            dut_->out_ready_i = received >= all_results || !random.chance(stall);
#if DUT_PROGRAM
            if (asked < requests && clock_ - start >= program_from) {
                ask(accesses + 3 * static_cast<size_t>(asked));
            } else {
                dut_->prog_valid_i = 0;
            }
#else
            (void)accesses;
            (void)program_from;
#endif
            const uint64_t image_in = sent / beats, image_out = received / results;
            tracing_ = image_in >= wave_from && image_out <= wave_to;

            settle();
            const bool taken = offering && dut_->in_ready_o;
            if (taken) {
                if (sent % beats == 0) event(EV_INPUT, [&] { append(events_, static_cast<uint32_t>(image_in)); });
                ++sent;
                offering = false;
                progress = clock_;
            }
#if DUT_PROGRAM
            if (dut_->prog_valid_i && dut_->prog_ready_o) ++asked;
            if (dut_->prog_ack_o) {
                event(EV_PROGRAMMED, [&] {
                    append(events_, dut_->prog_data_o);
                    append(events_, static_cast<uint32_t>(dut_->prog_error_o));
                });
                ++answered;
                progress = clock_;
            }
#endif
            if (dut_->out_valid_o) {
                now.clear();
                result(now);
                if (!held.empty() && held != now) event(EV_PROTOCOL, [] {});
                held.clear();
                if (dut_->out_ready_i) {
                    event(EV_RESULT, [&] { events_.insert(events_.end(), now.begin(), now.end()); });
                    ++received;
                    progress = clock_;
                } else {
                    held = now;
                }
            } else if (!held.empty()) {
                event(EV_PROTOCOL, [] {});
                held.clear();
            }
            if ((flags & WANT_LOGITS) && dut_->dbg_valid_o) {
                event(EV_LOGITS, [&] {
                    append(events_, dut_->dbg_pass_o);
                    append(events_, dut_->dbg_lanes_o);
                    append(events_, dut_->dbg_class_o);
                    append(events_, dut_->dbg_logit_o);
                });
            }
#define TAP(H)                                                     \
    if ((flags & WANT_TAPS) && dut_->tap##H##_valid_o) {           \
        event(EV_TAP, [&] {                                        \
            append(events_, static_cast<uint32_t>(H));             \
            append(events_, dut_->tap##H##_act_o);                 \
            append(events_, dut_->tap##H##_live_o);                \
        });                                                        \
    }
            DUT_TAPS(TAP)
#undef TAP
            edge();
            // Nothing may depend on the data of an idle stream.
            if (taken && (gap || sent == all_beats)) garbage(random);
            if (received >= all_results && sent >= all_beats && answered >= requests) ++quiet;
            if (clock_ - progress > bound) {
                flush();
                throw std::runtime_error(
                    "no progress in " + std::to_string(bound) + " clocks: " + std::to_string(sent / beats) + " of " +
                    std::to_string(images) + " images and " + std::to_string(sent % beats) + " of " +
                    std::to_string(beats) + " beats of the next are in, " + std::to_string(received / results) +
                    " results and " + std::to_string(received % results) + " of " + std::to_string(results) +
                    " beats are out; in_ready_o = " + std::to_string(dut_->in_ready_o) +
                    ", out_valid_o = " + std::to_string(dut_->out_valid_o) + ", clock " + std::to_string(clock_));
            }
            if (events_.size() > kFlushWords) flush();
        }
        flush();
        stop_trace();
        Words done;
        append(done, clock_ - start);
        return done;
    }

    void stop_trace() {
#if DUT_TRACE
        if (trace_) trace_->close();
        trace_.reset();
#endif
    }

    void flush() {
        if (events_.empty()) return;
        pipe_.reply(EVENTS, events_);
        events_.clear();
    }

  private:
    Pipe& pipe_;
    std::unique_ptr<VerilatedContext> context_;
    std::unique_ptr<Vdut> dut_;
#if DUT_TRACE
    std::unique_ptr<VerilatedFstC> trace_;
#endif
    bool tracing_ = false;
    uint64_t clock_ = 0;
    Words events_;
    uint32_t scratch_[kInWords + 2] = {};

    // Text: bytes, then that many bytes, one a word.
    static std::string text(Reader& request) {
        const uint32_t size = request.word();
        const uint32_t* chars = request.take(size);
        return std::string(chars, chars + size);
    }

    // [event, words of payload, clock, payload...]
    template <typename Fill>
    void event(uint32_t tag, Fill fill) {
        events_.push_back(tag);
        const size_t size_at = events_.size();
        events_.push_back(0);
        append(events_, clock_);
        const size_t start = events_.size();
        fill();
        events_[size_at] = static_cast<uint32_t>(events_.size() - start);
    }

    void result(Words& to) {
        append(to, dut_->out_last_o);
        append(to, dut_->out_class_o);
        append(to, dut_->out_index_o);
        append(to, dut_->out_sum_o);
        append(to, dut_->out_sumsq_o);
        append(to, dut_->out_votes_o);
#define MORE(PORT) append(to, dut_->PORT);
        DUT_MORE(MORE)
#undef MORE
    }

    const uint32_t* padded(const uint32_t* beat) {
        memcpy(scratch_, beat, 4 * kInWords);
        return scratch_;
    }

    void garbage(Random& random) {
        for (uint32_t w = 0; w < kInWords; ++w) scratch_[w] = static_cast<uint32_t>(random.next());
        scratch_[kInWords - 1] &= kInTopMask;
        assign(dut_->in_data_i, scratch_);
    }

    uint32_t read_register(uint32_t address) {
        dut_->reg_addr_i = static_cast<uint8_t>(address);
        tick();
        settle();
        const uint32_t value = dut_->reg_rdata_o;
        edge();
        return value;
    }

    void idle() {
        dut_->in_valid_i = 0;
        dut_->out_ready_i = 0;
        dut_->reg_write_i = 0;
#if DUT_PROGRAM
        dut_->prog_valid_i = 0;
#endif
    }
#if DUT_PROGRAM
    void ask(const uint32_t* request) {
        dut_->prog_valid_i = 1;
        dut_->prog_write_i = request[0] != 0;
        dut_->prog_addr_i = request[1];
        dut_->prog_data_i = request[2];
    }
#endif
    void tick() {
        settle();
        edge();
    }
    void settle() {
        dut_->clk_i = 0;
        dut_->eval();
        dump(10 * clock_);
    }
    void edge() {
        dut_->clk_i = 1;
        dut_->eval();
        dump(10 * clock_ + 5);
        ++clock_;
    }
    void dump(uint64_t time) {
#if DUT_TRACE
        if (trace_ && tracing_) trace_->dump(time);
#else
        (void)time;
#endif
    }
};

}  // namespace

int main() {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    Pipe pipe;
    Bench bench(pipe);
    uint32_t operation;
    Words payload;
    while (pipe.request(operation, payload)) {
        try {
            Words done;
            switch (operation) {
                case OP_NEW: done = bench.create(Reader(payload)); break;
                case OP_REGISTERS: done = bench.registers(Reader(payload)); break;
                case OP_PROGRAM: done = bench.program(Reader(payload)); break;
                case OP_RUN: done = bench.run(Reader(payload)); break;
                default: throw std::runtime_error("unknown operation " + std::to_string(operation));
            }
            pipe.reply(DONE, done);
        } catch (const std::exception& error) {
            bench.stop_trace();
            const std::string what = error.what();
            pipe.reply(ERROR, Words(what.begin(), what.end()));
        }
    }
    return 0;
}
