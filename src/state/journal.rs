//! The journal of one step, as a pure function: which event may follow which status.
//!
//! Every mutation is announced (`intent`) before it is sent. What came back is a claim (`answered`) until a fresh
//! look proved it (`done`, `not_done`). Where nothing came back, the step is `in_doubt` until somebody looked. Taking
//! back is journalled the same way, and once it has begun for a step, that step never goes forward again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a step is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Nothing was sent.
    Planned,
    /// It may be sent from now on, or was.
    Intent,
    /// A whole reply arrived; what it says is not proved yet.
    Answered,
    /// Proved to have happened.
    Done,
    /// Proved not to have happened.
    NotDone,
    /// It may or may not have happened: to be looked at before anything else.
    InDoubt,
    /// Its undo may be sent from now on, or was.
    UndoIntent,
    /// Taken back.
    Undone,
    /// Its undo was refused or failed: an operator is needed.
    UndoFailed,
}

/// What happens to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepEvent {
    /// It is about to be sent.
    Intend,
    /// A whole reply arrived.
    Answer,
    /// A fresh look shows it done.
    ProveDone,
    /// A fresh look shows it not done, or it was never sent.
    ProveNotDone,
    /// No whole reply arrived.
    Doubt,
    /// Its undo is about to be sent.
    IntendUndo,
    /// It was taken back, or was found taken back already.
    Undo,
    /// Its undo was refused or failed.
    FailUndo,
}

/// An event that cannot happen in this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IllegalEvent {
    pub status: StepStatus,
    pub event: StepEvent,
}

impl fmt::Display for IllegalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a step that is {} cannot {}", self.status.word(), self.event.word())
    }
}

/// The status after `event`.
///
/// # Errors
/// Where the journal's rules forbid it; the caller has a bug, and the journal stays as it was.
pub fn next(status: StepStatus, event: StepEvent) -> Result<StepStatus, IllegalEvent> {
    use StepEvent as E;
    use StepStatus as S;
    let illegal = Err(IllegalEvent { status, event });
    match status {
        S::Planned => match event {
            E::Intend => Ok(S::Intent),
            // A revert closes what was never sent.
            E::ProveNotDone => Ok(S::NotDone),
            E::Answer | E::ProveDone | E::Doubt | E::IntendUndo | E::Undo | E::FailUndo => illegal,
        },
        S::Intent => match event {
            E::Answer => Ok(S::Answered),
            E::ProveDone => Ok(S::Done),
            E::ProveNotDone => Ok(S::NotDone),
            E::Doubt => Ok(S::InDoubt),
            E::IntendUndo => Ok(S::UndoIntent),
            E::Intend | E::Undo | E::FailUndo => illegal,
        },
        S::Answered => match event {
            E::ProveDone => Ok(S::Done),
            E::ProveNotDone => Ok(S::NotDone),
            // After a crash an answer that nobody proved is worth nothing.
            E::Doubt => Ok(S::InDoubt),
            E::IntendUndo => Ok(S::UndoIntent),
            E::Intend | E::Answer | E::Undo | E::FailUndo => illegal,
        },
        S::InDoubt => match event {
            E::ProveDone => Ok(S::Done),
            E::ProveNotDone => Ok(S::NotDone),
            // Half of it is there: neither proof holds, and the undo accepts every partial state.
            E::IntendUndo => Ok(S::UndoIntent),
            E::Intend | E::Answer | E::Doubt | E::Undo | E::FailUndo => illegal,
        },
        S::Done => match event {
            E::IntendUndo => Ok(S::UndoIntent),
            E::Intend | E::Answer | E::ProveDone | E::ProveNotDone | E::Doubt | E::Undo | E::FailUndo => {
                illegal
            }
        },
        S::NotDone => match event {
            // Recovery goes on forward.
            E::Intend => Ok(S::Intent),
            E::Answer | E::ProveDone | E::ProveNotDone | E::Doubt => illegal,
            E::IntendUndo | E::Undo | E::FailUndo => illegal,
        },
        S::UndoIntent => match event {
            // Sent again: undoing twice is undoing once.
            E::IntendUndo => Ok(S::UndoIntent),
            E::Undo => Ok(S::Undone),
            E::FailUndo => Ok(S::UndoFailed),
            E::Intend | E::Answer | E::ProveDone | E::ProveNotDone | E::Doubt => illegal,
        },
        S::UndoFailed => match event {
            E::IntendUndo => Ok(S::UndoIntent),
            E::Intend | E::Answer | E::ProveDone | E::ProveNotDone => illegal,
            E::Doubt | E::Undo | E::FailUndo => illegal,
        },
        S::Undone => match event {
            E::Intend | E::Answer | E::ProveDone | E::ProveNotDone => illegal,
            E::Doubt | E::IntendUndo | E::Undo | E::FailUndo => illegal,
        },
    }
}

impl StepStatus {
    pub const ALL: [StepStatus; 9] = [
        StepStatus::Planned,
        StepStatus::Intent,
        StepStatus::Answered,
        StepStatus::Done,
        StepStatus::NotDone,
        StepStatus::InDoubt,
        StepStatus::UndoIntent,
        StepStatus::Undone,
        StepStatus::UndoFailed,
    ];

    /// The word in the journal's table.
    pub fn word(self) -> &'static str {
        match self {
            StepStatus::Planned => "planned",
            StepStatus::Intent => "intent",
            StepStatus::Answered => "answered",
            StepStatus::Done => "done",
            StepStatus::NotDone => "not_done",
            StepStatus::InDoubt => "in_doubt",
            StepStatus::UndoIntent => "undo_intent",
            StepStatus::Undone => "undone",
            StepStatus::UndoFailed => "undo_failed",
        }
    }

    pub fn from_word(word: &str) -> Option<StepStatus> {
        StepStatus::ALL.into_iter().find(|status| status.word() == word)
    }
}

impl StepEvent {
    pub const ALL: [StepEvent; 8] = [
        StepEvent::Intend,
        StepEvent::Answer,
        StepEvent::ProveDone,
        StepEvent::ProveNotDone,
        StepEvent::Doubt,
        StepEvent::IntendUndo,
        StepEvent::Undo,
        StepEvent::FailUndo,
    ];

    /// For people, after "cannot".
    pub fn word(self) -> &'static str {
        match self {
            StepEvent::Intend => "be intended",
            StepEvent::Answer => "be answered",
            StepEvent::ProveDone => "be proved done",
            StepEvent::ProveNotDone => "be proved not done",
            StepEvent::Doubt => "come into doubt",
            StepEvent::IntendUndo => "have its undo intended",
            StepEvent::Undo => "be undone",
            StepEvent::FailUndo => "fail to be undone",
        }
    }

    /// Whether it belongs to taking the step back.
    pub fn is_undo(self) -> bool {
        matches!(self, StepEvent::IntendUndo | StepEvent::Undo | StepEvent::FailUndo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows are statuses, columns events, in the order of `ALL`; a dot is illegal.
    const TABLE: [(&str, [&str; 8]); 9] = [
        //               Intend    Answer      ProveDone  ProveNotDone  Doubt       IntendUndo     Undo      FailUndo
        ("planned", ["intent", ".", ".", "not_done", ".", ".", ".", "."]),
        ("intent", [".", "answered", "done", "not_done", "in_doubt", "undo_intent", ".", "."]),
        ("answered", [".", ".", "done", "not_done", "in_doubt", "undo_intent", ".", "."]),
        ("done", [".", ".", ".", ".", ".", "undo_intent", ".", "."]),
        ("not_done", ["intent", ".", ".", ".", ".", ".", ".", "."]),
        ("in_doubt", [".", ".", "done", "not_done", ".", "undo_intent", ".", "."]),
        ("undo_intent", [".", ".", ".", ".", ".", "undo_intent", "undone", "undo_failed"]),
        ("undone", [".", ".", ".", ".", ".", ".", ".", "."]),
        ("undo_failed", [".", ".", ".", ".", ".", "undo_intent", ".", "."]),
    ];

    #[test]
    fn every_pair_is_as_the_table_says() {
        for (status, (word, row)) in StepStatus::ALL.into_iter().zip(TABLE) {
            assert_eq!(status.word(), word);
            for (event, expected) in StepEvent::ALL.into_iter().zip(row) {
                let found = next(status, event).map_or(".", StepStatus::word);
                assert_eq!(found, expected, "{word} and {event:?}");
            }
        }
    }

    #[test]
    fn once_taking_back_has_begun_nothing_leads_forward_again() {
        let backward = [StepStatus::UndoIntent, StepStatus::Undone, StepStatus::UndoFailed];
        for status in backward {
            for event in StepEvent::ALL {
                if let Ok(after) = next(status, event) {
                    assert!(backward.contains(&after), "{status:?} went to {after:?}");
                }
            }
        }
    }

    #[test]
    fn words_are_read_back() {
        for status in StepStatus::ALL {
            assert_eq!(StepStatus::from_word(status.word()), Some(status));
        }
    }
}
