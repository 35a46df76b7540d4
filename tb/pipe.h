// What every harness has: a pipe to the process that started it, and requests read word by word.
//
// 32-bit words in the machine's order on stdin and stdout; src/cosim/protocol.rs is the other side. A request is [operation,
// words, payload...], a reply is one or more messages [kind, words, payload...]; the last one is DONE or ERROR (text, one
// byte a word).
#pragma once

#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>
#endif

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

typedef std::vector<uint32_t> Words;

enum Kind : uint32_t { DONE = 0, EVENTS = 1, ERROR = 2 };

class Pipe {
  public:
    Pipe() {
        // What the model prints must not get into the protocol.
        out_ = dup(1);
        if (out_ < 0 || dup2(2, 1) < 0) _exit(3);
    }
    // False at the end of the input.
    bool request(uint32_t& operation, Words& payload) {
        uint32_t head[2];
        if (!receive(head, sizeof head)) return false;
        operation = head[0];
        payload.assign(head[1], 0);
        return receive(payload.data(), 4ull * head[1]);
    }
    void reply(uint32_t kind, const Words& payload) {
        const uint32_t head[2] = {kind, static_cast<uint32_t>(payload.size())};
        transmit(head, sizeof head);
        transmit(payload.data(), 4 * payload.size());
    }

  private:
    int out_;
    static bool receive(void* to, size_t bytes) {
        char* p = static_cast<char*>(to);
        while (bytes) {
            const ssize_t n = read(0, p, bytes);
            if (n <= 0) return false;
            p += n;
            bytes -= static_cast<size_t>(n);
        }
        return true;
    }
    void transmit(const void* from, size_t bytes) {
        const char* p = static_cast<const char*>(from);
        while (bytes) {
            const ssize_t n = write(out_, p, bytes);
            if (n <= 0) _exit(3);
            p += n;
            bytes -= static_cast<size_t>(n);
        }
    }
};

// Reads a request's words in order.
class Reader {
  public:
    explicit Reader(const Words& words) : words_(words) {}
    uint32_t word() { return *take(1); }
    uint64_t wide() {
        const uint32_t* p = take(2);
        return p[0] | static_cast<uint64_t>(p[1]) << 32;
    }
    const uint32_t* take(size_t n) {
        if (at_ + n > words_.size()) throw std::runtime_error("request too short");
        at_ += n;
        return words_.data() + (at_ - n);
    }
    bool more() const { return at_ < words_.size(); }

  private:
    const Words& words_;
    size_t at_ = 0;
};

}  // namespace
