//! Exit codes, the same for every command (INTERFACE).

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Done, and the answer is good.
    Good,
    /// Done, and the answer is bad.
    Bad,
    /// Unusable input; nothing was done.
    Unusable,
    /// A component could not be reached.
    Unreachable,
    /// Interrupted; all that it had started is taken down again.
    Interrupted,
}

impl ExitCode {
    /// The number the process ends with.
    pub fn code(self) -> u8 {
        match self {
            ExitCode::Good => 0,
            ExitCode::Bad => 1,
            ExitCode::Unusable => 2,
            ExitCode::Unreachable => 3,
            ExitCode::Interrupted => 130,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code.code())
    }
}
