//! Replaced by the hosts branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    BeforeCommit,
    AfterCommit,
    BeforeSend,
    SentBeforeAct,
    ActedBeforeReply,
    ReplyBeforeCommit,
}
pub fn boundary(_: Class) {}
