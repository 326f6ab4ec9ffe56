//! Every exit code. Scripts depend on them: none is ever reused.

/// How a run of vbs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Success,
    /// Nothing was changed: usage, configuration, refused, cancelled at the prompt.
    Error,
    /// Changes or drift are present (`plan --detailed-exitcode`, `drift`).
    Changes,
    /// The apply failed or was interrupted, and everything was reverted.
    Reverted,
    /// The apply or recovery failed and is not fully reverted: an operator is needed.
    NotReverted,
    /// Locked, an unfinished run must be recovered first, or this is a stale copy of the state.
    Locked,
    /// The saved plan no longer fits the world.
    StalePlan,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Error => 1,
            Exit::Changes => 2,
            Exit::Reverted => 3,
            Exit::NotReverted => 4,
            Exit::Locked => 5,
            Exit::StalePlan => 6,
        }
    }
}

/// Why a command ended early: what to show, and the code to end with.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub diagnostics: crate::diag::Diagnostics,
}

impl Failure {
    pub fn new(exit: Exit, diagnostics: impl Into<crate::diag::Diagnostics>) -> Self {
        Failure { exit, diagnostics: diagnostics.into() }
    }
}

impl From<crate::diag::Diagnostic> for Failure {
    fn from(diagnostic: crate::diag::Diagnostic) -> Self {
        Failure::new(Exit::Error, diagnostic)
    }
}

impl From<crate::diag::Diagnostics> for Failure {
    fn from(diagnostics: crate::diag::Diagnostics) -> Self {
        Failure::new(Exit::Error, diagnostics)
    }
}
