//! The libraries by which frameworks make their cookies, used as whoever stole the signing key would.

use std::path::Path;
use std::process::Command;

use super::application::target;

/// A program below `tests/apps/libraries` that makes and reads cookies.
pub(crate) struct Library {
    /// What runs it; `{target}` is the build folder.
    pub(crate) interpreter: &'static str,
    pub(crate) program: &'static str,
    /// The folder below `target` where it finds packages of Node.
    pub(crate) node_modules: &'static str,
}

impl Library {
    /// A session of this user, signed or encrypted with the key.
    pub(crate) fn forged(&self, key: &str, cookie: &str, user: &str) -> String {
        self.run(["make", key, cookie, user]).expect("the library makes a cookie")
    }

    /// What is in a cookie; none where the key does not open it.
    pub(crate) fn content(&self, key: &str, cookie: &str, value: &str) -> Option<String> {
        self.run(["read", key, cookie, value])
    }

    fn run(&self, words: [&str; 4]) -> Option<String> {
        let interpreter = self.interpreter.replace("{target}", &target().to_string_lossy());
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/libraries").join(self.program);
        let modules = target().join(self.node_modules).join("node_modules");
        let output = Command::new(&interpreter).arg(program).args(words).env("NODE_PATH", modules).output();
        let output = output.unwrap_or_else(|error| panic!("{interpreter}: {error}: run tests/run"));
        let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(printed)
    }
}
