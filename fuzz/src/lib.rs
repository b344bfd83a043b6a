//! What must hold for any bytes that an application can send. Each target is a plain function: libFuzzer calls it
//! (`fuzz_targets/`), and so does `tests/fuzz.rs` on stable Rust, with the same corpora.
//!
//! A target panics where a promise is broken. The core contains its own panics (`exchange/fault.rs`), so every target
//! that drives an exchange also asks whether that has happened.

mod cookie;
mod exchange;
mod fields;
mod multipart;
mod replay;
mod view;
mod websocket;

pub use cookie::cookie;
pub use exchange::exchange;
pub use fields::head;
pub use multipart::multipart;
pub use view::view;
pub use websocket::websocket;

/// Content codings, up to four deep.
pub use cofferdam::coding::fuzz_decode as coding;
/// The codec that reads answers of HTTP/1.1.
pub use cofferdam::upstream::fuzz_answer as answer;

/// A target.
pub type Target = fn(&[u8]);

/// All targets by name, which is also the name of their corpus.
pub const TARGETS: [(&str, Target); 8] = [
    ("answer", answer),
    ("coding", coding),
    ("cookie", cookie),
    ("exchange", exchange),
    ("head", head),
    ("multipart", multipart),
    ("view", view),
    ("websocket", websocket),
];
