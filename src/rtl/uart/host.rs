//! Requests to beats, register accesses and answers.

use super::Fault;
use crate::verilog::{
    Expr, Memory, Module, VerilogError, VerilogFile, cat, cat_lsb_first, hex, index_width, lit, mux, set, when,
    when_else,
};

/// A field of a result: a port of the core, and how it is extended to whole bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub port: &'static str,
    /// In bits.
    pub width: u32,
    pub signed: bool,
}

impl Field {
    fn bytes(&self) -> u32 {
        self.width.div_ceil(8)
    }
}

/// Answers requests: keeps images until they are known to be whole and gives them to the core beat by beat, reads and
/// writes registers, and makes the payloads of answers.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    /// Bits of a beat of the core's input.
    pub beat_bits: u32,
    /// Beats of an image.
    pub beats: u32,
    /// Images that may be outstanding, a power of two from 2 on.
    pub buffers: u32,
    /// Payload of the answer to HELLO.
    pub hello: Vec<u8>,
    /// Fields of a result once an image, and once a class.
    pub image_fields: Vec<Field>,
    pub class_fields: Vec<Field>,
    pub classes: u32,
}

const HELLO: u128 = 0x01;
const READ: u128 = 0x02;
const WRITE: u128 = 0x03;
const IMAGE: u128 = 0x04;
const ANSWER: u128 = 0x80;
const ERROR: u128 = 0xff;
/// Place of the number of outstanding images among the bytes of HELLO.
const PENDING: u128 = 2;

impl Host {
    /// Beats that share a byte.
    fn beats_a_byte(&self) -> u32 {
        if self.beat_bits < 8 && 8 % self.beat_bits == 0 { 8 / self.beat_bits } else { 1 }
    }

    fn bytes_a_beat(&self) -> u32 {
        self.beat_bits.div_ceil(8)
    }

    /// Bytes of an image's payload.
    pub fn image_bytes(&self) -> u32 {
        self.beats.div_ceil(self.beats_a_byte()) * self.bytes_a_beat()
    }

    /// Longest payload of a request.
    pub fn longest(&self) -> u32 {
        self.image_bytes().max(5)
    }

    fn head_bytes(&self) -> u32 {
        self.image_fields.iter().map(Field::bytes).sum()
    }

    fn class_bytes(&self) -> u32 {
        self.class_fields.iter().map(Field::bytes).sum()
    }

    /// Bytes of a result's payload.
    pub fn result_bytes(&self) -> u32 {
        self.head_bytes() + self.classes * self.class_bytes()
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (count_bits, bank_bits) = (index_width(self.buffers + 1), index_width(self.buffers));
        let at_bits = index_width(self.longest());
        let mut m = Module::new(&self.name);
        m.doc(
            "Answers the requests of a host. An image is kept in a buffer of its own until its frame has proved right; then it \
             is given to the core, beat by beat. Results are sent in the order of the images, answers to other requests before \
             the next result.",
        );
        m.fact("bytes of an image", self.image_bytes());
        m.fact("bytes of a result", self.result_bytes());
        m.fact("buffers", self.buffers);
        m.latency("4 clocks from a request's end to the start of its answer, at least");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Frames in");
        let begin = m.input("begin_i", 1);
        let kind = m.input("type_i", 8);
        let tag = m.input("tag_i", 8);
        let length = m.input("length_i", 16);
        let payload = m.input("payload_i", 1);
        let byte = m.input("data_i", 8);
        let end = m.input("end_i", 1);
        let fault = m.input("fault_i", 3);
        m.group("Frames out");
        let start_o = m.output("start_o", 1);
        let type_o = m.output("type_o", 8);
        let tag_o = m.output("tag_o", 8);
        let length_o = m.output("length_o", 16);
        let done = m.input("done_i", 1);
        let payload_valid_o = m.output("payload_valid_o", 1);
        let payload_o = m.output("payload_o", 8);
        let payload_taken = m.input("payload_taken_i", 1);
        m.group("Images to the core");
        let in_valid = m.output("in_valid_o", 1);
        let in_ready = m.input("in_ready_i", 1);
        let in_data = m.output("in_data_o", self.beat_bits);
        m.group("Results of the core");
        let out_valid = m.input("out_valid_i", 1);
        let out_ready = m.output("out_ready_o", 1);
        let out_last = m.input("out_last_i", 1);
        let class_width = self.image_fields.iter().find(|f| f.port == "out_class_o").map_or(1, |f| f.width);
        let index = m.input("out_index_i", class_width);
        let mut inputs = |fields: &[Field]| -> Vec<Expr> {
            fields.iter().map(|f| m.input(&f.port.replace("_o", "_i"), f.width)).collect()
        };
        let head_in = inputs(&self.image_fields);
        let class_in = inputs(&self.class_fields);
        m.group("Registers of the core");
        let reg_addr = m.output_reg("reg_addr_o", 8);
        let reg_write = m.output_reg("reg_write_o", 1);
        let reg_wdata = m.output("reg_wdata_o", 32);
        let reg_rdata = m.input("reg_rdata_i", 32);
        m.group("Status");
        let ready_o = m.output("ready_o", 1);
        m.note("streams are started since the reset");
        let busy_o = m.output("busy_o", 1);
        m.note("images are outstanding");
        let uncertain_o = m.output("uncertain_o", 1);
        m.note("the last image was uncertain");

        m.section("Requests");
        let is = |code: u128| kind.eq(&hex(8, code));
        let long = |bytes: u32| length.eq(&lit(16, bytes.into()));
        let [hello, read, write, image] =
            [("is_hello", HELLO), ("is_read", READ), ("is_write", WRITE), ("is_image", IMAGE)]
                .map(|(name, code)| m.wire_is(name, &is(code)));
        let known = m.wire_is("known", &(&hello | &read | &write | &image));
        let right_length =
            (&hello & long(0)) | (&read & long(1)) | (&write & long(5)) | (&image & long(self.image_bytes()));
        let right_length = m.wire_is("right_length", &right_length);
        let whole = m.wire_is("whole", &!fault.any());
        let storing = m.reg("storing_q", 1);
        m.note("this frame is an image, and there is a buffer for it");
        let code_of = |fault: Fault| lit(3, fault as u128);
        let refusal = m.reg("refusal_q", 3);
        m.note("why the frame is refused though it comes whole; the header stands long before its end");
        let refuse = mux(
            &!&known,
            &code_of(Fault::Type),
            &mux(
                &!&right_length,
                &code_of(Fault::Length),
                &mux(&(&image & !&storing), &code_of(Fault::Busy), &lit(3, 0)),
            ),
        );
        m.clocked(&clk, [set(&refusal, &refuse)]);
        let code = m.wire_is("code", &mux(&whole, &refusal, &fault));
        let good = m.wire_is("good", &(&end & !code.any()));

        m.section("Buffers");
        let mut counter = |name: &str, width: u32, note: &str| {
            let q = m.reg(name, width);
            m.note(note);
            q
        };
        let pending = counter("pending_q", count_bits, "images taken, and not answered");
        let loaded = counter("loaded_q", count_bits, "of these not given to the core");
        let bank_in = counter("bank_in_q", bank_bits, "buffer of the next image");
        let bank_core = counter("bank_core_q", bank_bits, "the next for the core");
        let bank_out = counter("bank_out_q", bank_bits, "the next to be answered");
        let write_at = counter("write_at_q", at_bits, "byte of the image");
        let commit = m.wire_is("commit", &(&good & &image));
        let store = m.wire_is("store", &(&payload & &storing));
        let given = m.wire("given", 1);
        let answered = m.wire("answered", 1);
        let room = m.wire_is("room", &pending.ne(&lit(count_bits, self.buffers.into())));
        let depth = self.buffers << at_bits;
        let buffers = m.memory(Memory::new("buffers", 8, depth).block());
        let tags = m.memory(Memory::new("tags", 8, self.buffers));
        let one = |q: &Expr| lit(q.width(), 1);
        let count = |q: &Expr, up: &Expr, down: &Expr| {
            [when(&(up & !down), [set(q, &(q + one(q)))]), when(&(down & !up), [set(q, &(q - one(q)))])]
        };
        let step = |q: &Expr, by: &Expr| when(by, [set(q, &(q + one(q)))]);
        let [up, down] = count(&pending, &commit, &answered);
        let [more, less] = count(&loaded, &commit, &given);
        let zero = |q: &Expr| set(q, &lit(q.width(), 0));
        m.clocked(
            &clk,
            [
                up,
                down,
                more,
                less,
                step(&bank_in, &commit),
                step(&bank_core, &given),
                step(&bank_out, &answered),
                when(&begin, [set(&storing, &(&image & &room)), zero(&write_at)]),
                when(&payload, [step(&write_at, &lit(1, 1))]),
                when(&!&rst_n, [&pending, &loaded, &bank_in, &bank_core, &bank_out, &storing].map(zero)),
            ],
        );
        m.clocked(
            &clk,
            [
                when(&store, [set(&buffers.word(&cat([&bank_in, &write_at])), &byte)]),
                when(&commit, [set(&tags.word(&bank_in), &tag)]),
            ],
        );

        m.section("Images to the core");
        let [idle, get, put, offer] = [0, 1, 2, 3].map(|n| lit(2, n));
        let state = m.reg("feed_q", 2);
        m.note("0 idle, 1 read a byte, in two clocks without writes, 2 take it, 3 offer a beat");
        let read_at = m.reg("read_at_q", at_bits);
        let (out, byte_q) = (m.reg("byte_read_q", 8), m.reg("byte_q", 8));
        let fetched = m.reg("fetched_q", 1);
        m.note("the byte is read");
        // Never in the clock of a write: what the memory gives then would have to be decided behind it.
        let fetch = m.wire_is("fetch", &(state.eq(&get) & !&store));
        let word_at = buffers.word(&cat([&bank_core, &read_at]));
        m.clocked(
            &clk,
            [
                when(&fetch, [set(&out, &word_at), set(&byte_q, &out), set(&fetched, &!&fetched)]),
                when(&!&rst_n, [zero(&fetched)]),
            ],
        );
        let (each, share) = (self.bytes_a_beat(), self.beats_a_byte());
        let word = m.reg("word_q", 8 * each);
        let beat = m.reg("beat_q", index_width(self.beats));
        let part = (each > 1 || share > 1).then(|| {
            let q = m.reg("part_q", index_width(each.max(share)));
            m.note(if each > 1 { "byte of the beat" } else { "beat of the byte" });
            q
        });
        let is_last = |q: &Option<Expr>, n: u32| match q {
            Some(q) => q.eq(&lit(q.width(), u128::from(n - 1))),
            None => lit(1, 1),
        };
        let offering = m.wire_is("offering", &state.eq(&offer));
        m.assign(&in_valid, &offering);
        m.assign(&in_data, &word.bits(0, self.beat_bits));
        if 8 * each > self.beat_bits && share == 1 {
            m.unused("unused_bits", &[&word.slice(8 * each - 1, self.beat_bits)]);
        }
        let last_beat = m.wire_is("last_beat", &beat.eq(&lit(beat.width(), u128::from(self.beats - 1))));
        let taken = m.wire_is("beat_taken", &(&offering & &in_ready));
        m.assign(&given, &(&taken & &last_beat));
        let shifted = if each > 1 { cat([&byte_q, &word.slice(8 * each - 1, 8)]) } else { byte_q.clone() };
        let mut put_body = vec![set(&word, &shifted), set(&read_at, &(&read_at + one(&read_at)))];
        let mut taken_body = vec![set(&beat, &(&beat + one(&beat)))];
        match &part {
            Some(q) if each > 1 => {
                let last = m.wire_is("last_part", &is_last(&part, each));
                put_body.push(set(q, &mux(&last, &lit(q.width(), 0), &(q + one(q)))));
                put_body.push(set(&state, &mux(&last, &offer, &get)));
                taken_body.push(set(&state, &mux(&last_beat, &idle, &get)));
            }
            Some(q) => {
                let last = m.wire_is("last_part", &is_last(&part, share));
                put_body.push(set(&state, &offer));
                taken_body.push(set(&word, &(&word >> self.beat_bits)));
                taken_body.push(set(q, &mux(&(&last | &last_beat), &lit(q.width(), 0), &(q + one(q)))));
                taken_body.push(set(&state, &mux(&last_beat, &idle, &mux(&last, &get, &offer))));
            }
            None => {
                put_body.push(set(&state, &offer));
                taken_body.push(set(&state, &mux(&last_beat, &idle, &get)));
            }
        }
        let mut reset = vec![set(&state, &idle)];
        reset.extend(part.iter().map(zero));
        m.clocked(
            &clk,
            [
                when(&state.eq(&idle), [zero(&read_at), zero(&beat), when(&loaded.any(), [set(&state, &get)])]),
                when(&(&fetch & &fetched), [set(&state, &put)]),
                when(&state.eq(&put), put_body),
                when(&taken, taken_body),
                when(&!&rst_n, reset),
            ],
        );

        m.section("Registers: write, read what is there now");
        let bytes = m.reg("bytes_q", 40);
        m.note("the last five of the payload, the last one highest");
        let access = m.reg("access_q", 4);
        m.note("one-hot: address, write, read, value is there");
        let waiting = m.reg("waiting_q", 1);
        m.note("an answer waits");
        let free = m.wire_is("free", &(!&waiting & !access.any()));
        let accept = m.wire_is("accept", &(&end & &free));
        let ask = m.wire_is("ask", &(&accept & &good & (&read | &write)));
        let reply_kind = m.reg("reply_type_q", 8);
        m.note("of the request that is in work");
        let writes = m.wire_is("writes", &reply_kind.eq(&hex(8, WRITE)));
        m.assign(&reg_wdata, &bytes.slice(39, 8));
        let value = m.reg("value_q", 32);
        m.clocked(
            &clk,
            [
                when(&payload, [set(&bytes, &cat([&byte, &bytes.slice(39, 8)]))]),
                set(&access, &cat([&access.slice(2, 0), &(&rst_n & &ask)])),
                set(&reg_addr, &mux(&writes, &bytes.slice(7, 0), &bytes.slice(39, 32))),
                set(&reg_write, &(access.bit(0) & &writes)),
                when(&access.bit(3), [set(&value, &reg_rdata)]),
                when(&!&rst_n, [zero(&access), zero(&reg_write)]),
            ],
        );

        m.section("The answer to a request that is no image, or to one that is refused");
        let refused = m.reg("refused_q", 1);
        let reply_tag = m.reg("reply_tag_q", 8);
        let reply_code = m.reg("reply_code_q", 3);
        let replied = m.wire("replied", 1);
        m.clocked(
            &clk,
            [
                when(
                    &accept,
                    [
                        set(&refused, &code.any()),
                        set(&reply_kind, &kind),
                        set(&reply_tag, &tag),
                        set(&reply_code, &code),
                    ],
                ),
                when_else(
                    &((&accept & (code.any() | &hello)) | access.bit(3)),
                    [set(&waiting, &lit(1, 1))],
                    [when(&replied, [zero(&waiting)])],
                ),
                when(&!&rst_n, [zero(&waiting)]),
            ],
        );
        let greets = m.wire_is("greets", &reply_kind.eq(&hex(8, HELLO)));

        m.section("Answers on their way; what the sender says is taken a clock late, too");
        let late = |m: &mut Module, name: &str, event: &Expr| {
            let q = m.reg(name, 1);
            m.clocked(&clk, [set(&q, &(&rst_n & event))]);
            q
        };
        let (payload_taken, done) = (late(&mut m, "taken_q", &payload_taken), late(&mut m, "done_q", &done));
        let sending = m.reg("sending_q", 1);
        let result = m.reg("result_q", 1);
        m.note("it is a result");
        let start = m.reg("start_q", 1);
        let in_head = m.reg("in_head_q", 1);
        m.note("fields of the image; then class by class");
        let most = (self.hello.len() as u32).max(self.head_bytes()).max(self.class_bytes()).max(4);
        let at = m.reg("at_q", index_width(most));
        m.assign(&start_o, &start);
        let head_end = at.eq(&lit(at.width(), u128::from(self.head_bytes() - 1)));
        let class_end = at.eq(&lit(at.width(), u128::from(self.class_bytes() - 1)));
        let turns = m.wire_is("turns", &(&result & mux(&in_head, &head_end, &class_end)));
        let class_sent = m.wire_is("class_sent", &(&payload_taken & &turns & !&in_head));
        let class_taken = m.reg("class_taken_q", 1);
        m.note("a clock late, so that no path runs from the line to the core: the line takes many clocks a byte");
        m.assign(&out_ready, &class_taken);
        m.clocked(&clk, [set(&class_taken, &(&rst_n & &class_sent))]);
        m.assign(&answered, &(&done & &result));
        m.assign(&replied, &(&done & !&result));
        m.clocked(
            &clk,
            [
                zero(&start),
                when(
                    &(!&sending & (&waiting | &out_valid)),
                    [
                        set(&sending, &lit(1, 1)),
                        set(&start, &lit(1, 1)),
                        set(&result, &!&waiting),
                        set(&in_head, &lit(1, 1)),
                        zero(&at),
                    ],
                ),
                when(&payload_taken, [set(&at, &mux(&turns, &lit(at.width(), 0), &(&at + one(&at))))]),
                when(&(&payload_taken & &turns), [zero(&in_head)]),
                when(&done, [zero(&sending)]),
                when(&!&rst_n, [zero(&sending), zero(&start), zero(&result)]),
            ],
        );
        let length_of = |bytes: u32| lit(16, bytes.into());
        let short = mux(&refused, &length_of(2), &mux(&greets, &length_of(self.hello.len() as u32), &length_of(4)));
        m.assign(&length_o, &mux(&result, &length_of(self.result_bytes()), &short));
        let answer = mux(&refused, &hex(8, ERROR), &(&reply_kind | hex(8, ANSWER)));
        m.assign(&type_o, &mux(&result, &hex(8, IMAGE | ANSWER), &answer));
        m.assign(&tag_o, &mux(&result, &tags.word(&bank_out), &reply_tag));

        m.section("Bytes of answers, in a register: the line takes ten clocks a byte or more");
        let digits: String = self.hello.iter().rev().map(|b| format!("{b:02x}")).collect();
        let table = m.wire_is("hello", &crate::verilog::lit_hex(8 * self.hello.len() as u32, &digits));
        let pick = |m: &mut Module, name: &str, from: &Expr| {
            let width = index_width(from.width() / 8);
            m.wire_is(name, &from.word(&at.bits(0, width), 8))
        };
        let greeting = pick(&mut m, "hello_byte", &table);
        let counts = at.eq(&lit(at.width(), PENDING));
        let greeting = mux(&counts, &pending.zext(8), &greeting);
        let value_byte = pick(&mut m, "value_byte", &value);
        let error = mux(&at.bit(0), &reply_kind, &reply_code.zext(8));
        let control = m.wire_is("control_byte", &mux(&refused, &error, &mux(&greets, &greeting, &value_byte)));
        let padded = |fields: &[Field], values: &[Expr]| {
            let wide = |(f, e): (&Field, &Expr)| if f.signed { e.sext(8 * f.bytes()) } else { e.zext(8 * f.bytes()) };
            cat_lsb_first(fields.iter().zip(values).map(wide).collect::<Vec<_>>())
        };
        let head = m.wire_is("of_image", &padded(&self.image_fields, &head_in));
        let class = m.wire_is("of_class", &padded(&self.class_fields, &class_in));
        let head_byte = pick(&mut m, "head_byte", &head);
        let class_byte = pick(&mut m, "class_byte", &class);
        let (payload_q, payload_valid) = (m.reg("payload_q", 8), m.reg("payload_valid_q", 1));
        m.clocked(
            &clk,
            [
                set(&payload_q, &mux(&result, &mux(&in_head, &head_byte, &class_byte), &control)),
                set(&payload_valid, &(&rst_n & (!&result | &out_valid))),
            ],
        );
        m.assign(&payload_o, &payload_q);
        m.assign(&payload_valid_o, &payload_valid);

        m.section("Status");
        let ready = m.reg("ready_q", 1);
        let uncertain = m.reg("uncertain_q", 1);
        m.assign(&ready_o, &ready);
        m.assign(&busy_o, &pending.any());
        m.assign(&uncertain_o, &uncertain);
        let find = |fields: &[Field], values: &[Expr], port: &str| {
            fields.iter().zip(values).find(|(f, _)| f.port == port).map(|(_, e)| e.clone())
        };
        let decided = match find(&self.image_fields, &head_in, "out_flag_o") {
            Some(flag) => {
                m.unused("unused_index", &[&index, &out_last]);
                when(&class_sent, [set(&uncertain, &flag)])
            }
            None => {
                m.comment("Each pass votes for one class, so all votes together are the passes.");
                let class = find(&self.image_fields, &head_in, "out_class_o").unwrap_or(lit(1, 0));
                let votes = find(&self.class_fields, &class_in, "out_votes_o").unwrap_or(lit(1, 0));
                let (all, won) = (m.reg("all_votes_q", votes.width()), m.reg("won_votes_q", votes.width()));
                m.unused("unused_last", &[&out_last]);
                m.clocked(
                    &clk,
                    [
                        when(&start, [zero(&all)]),
                        when(&class_sent, [set(&all, &(&all + &votes)), when(&index.eq(&class), [set(&won, &votes)])]),
                    ],
                );
                let few = cat([&won, &lit(1, 0)]).lt(&cat([&lit(1, 0), &all]));
                when(&answered, [set(&uncertain, &few)])
            }
        };
        m.clocked(
            &clk,
            [when(&in_ready, [set(&ready, &lit(1, 1))]), decided, when(&!&rst_n, [zero(&ready), zero(&uncertain)])],
        );
        m.build()
    }
}
