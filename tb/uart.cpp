// Verilator harness of a design at a serial line: bytes at the pipe, bits at the pins.
//
// Compiled against `<design>_uart` built with `--prefix Vdut`, and against `dut_config.h`:
//
//   DUT_DIVISOR      clocks of a bit
//
// NEW [seed] powers a fresh instance up in a random state and resets it. STEP [most clocks, two words; enough quiet clocks,
// two words; bytes...] puts the bytes behind those that still wait for the line, and runs until nothing has happened for
// enough clocks: no bit on either line, no image outstanding. It replies [clocks run, two words; bytes that wait; quiet
// clocks, two words; status: ready, busy, uncertain from bit 0 on; framing errors; bytes that came...].

#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>

#include "Vdut.h"
#include "dut_config.h"
#include "pipe.h"
#include "verilated.h"

namespace {

enum Operation : uint32_t { OP_NEW = 1, OP_STEP = 2 };

// Puts bytes on the line, 8N1, without gaps.
class Sender {
  public:
    std::deque<uint8_t> waiting;
    bool busy() const { return bits_ > 0 || !waiting.empty(); }
    // The line in the next clock.
    bool clock() {
        if (bits_ == 0) {
            if (waiting.empty()) return true;
            shift_ = 0x200u | static_cast<uint32_t>(waiting.front()) << 1;
            waiting.pop_front();
            bits_ = 10;
            left_ = DUT_DIVISOR;
        }
        const bool level = shift_ & 1;
        if (--left_ == 0) {
            left_ = DUT_DIVISOR;
            shift_ >>= 1;
            --bits_;
        }
        return level;
    }

  private:
    uint32_t shift_ = 0;
    uint32_t bits_ = 0, left_ = 0;
};

// Takes bytes off the line: looks at the middle of every bit after a falling edge.
class Receiver {
  public:
    uint32_t framing = 0;
    bool busy() const { return bits_ > 0; }
    void clock(bool level, Words& to) {
        if (bits_ == 0) {
            if (!level && last_) {
                bits_ = 10;
                left_ = DUT_DIVISOR / 2;
                shift_ = 0;
            }
        } else if (--left_ == 0) {
            left_ = DUT_DIVISOR;
            shift_ = shift_ >> 1 | (level ? 0x200u : 0);
            if (--bits_ == 0) {
                if ((shift_ & 1) || !level) ++framing;
                else to.push_back(shift_ >> 1 & 0xff);
            }
        }
        last_ = level;
    }

  private:
    uint32_t shift_ = 0;
    uint32_t bits_ = 0, left_ = 0;
    bool last_ = true;
};

class Board {
  public:
    Words create(Reader request) {
        const std::string seed_arg = "+verilator+seed+" + std::to_string(request.word());
        if (dut_) dut_->final();
        dut_.reset();
        context_.reset(new VerilatedContext);
        const char* args[] = {"dut", "+verilator+rand+reset+2", seed_arg.c_str()};
        context_->commandArgs(3, args);
        dut_.reset(new Vdut(context_.get(), "TOP"));
        to_ = Sender();
        from_ = Receiver();
        dut_->uart_rx_i = 1;
        dut_->rst_ni = 0;
        for (int i = 0; i < 4; ++i) tick();
        dut_->rst_ni = 1;
        return Words();
    }

    Words step(Reader request) {
        if (!dut_) throw std::runtime_error("no instance");
        const uint64_t most = request.wide(), enough = request.wide();
        while (request.more()) to_.waiting.push_back(static_cast<uint8_t>(request.word()));
        Words came;
        uint64_t clocks = 0, quiet = 0;
        for (; clocks < most && quiet < enough; ++clocks) {
            dut_->uart_rx_i = to_.clock();
            tick();
            from_.clock(dut_->uart_tx_o, came);
            quiet = to_.busy() || from_.busy() || dut_->busy_o ? 0 : quiet + 1;
        }
        Words reply;
        const auto wide = [&](uint64_t value) {
            reply.push_back(static_cast<uint32_t>(value));
            reply.push_back(static_cast<uint32_t>(value >> 32));
        };
        wide(clocks);
        reply.push_back(static_cast<uint32_t>(to_.waiting.size()));
        wide(quiet);
        reply.push_back(dut_->ready_o | dut_->busy_o << 1 | dut_->uncertain_o << 2);
        reply.push_back(from_.framing);
        reply.insert(reply.end(), came.begin(), came.end());
        return reply;
    }

  private:
    std::unique_ptr<VerilatedContext> context_;
    std::unique_ptr<Vdut> dut_;
    Sender to_;
    Receiver from_;

    void tick() {
        dut_->clk_i = 0;
        dut_->eval();
        dut_->clk_i = 1;
        dut_->eval();
    }
};

}  // namespace

int main() {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    Pipe pipe;
    Board board;
    uint32_t operation;
    Words payload;
    while (pipe.request(operation, payload)) {
        try {
            switch (operation) {
                case OP_NEW: pipe.reply(DONE, board.create(Reader(payload))); break;
                case OP_STEP: pipe.reply(DONE, board.step(Reader(payload))); break;
                default: throw std::runtime_error("unknown operation " + std::to_string(operation));
            }
        } catch (const std::exception& error) {
            const std::string what = error.what();
            pipe.reply(ERROR, Words(what.begin(), what.end()));
        }
    }
    return 0;
}
