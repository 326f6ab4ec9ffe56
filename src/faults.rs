//! Fault injection, for tests that kill vbs and its hosts at every point of a run. Release builds hold none of it.
//!
//! Every point between two effects that cannot happen at once is a numbered boundary: before and after a commit of
//! the journal, and four around every frame that changes something. Two variables choose what happens at them:
//!
//! - `VBS_FAULT_LOG=FILE`: a line `NUMBER CLASS` is appended at every boundary.
//! - `VBS_FAULT=KIND@PLACE[,KIND@PLACE…]`: the fault strikes there. See [`Kind`]. A place is the NUMBER of a boundary,
//!   or `CLASS.N`, the Nth one of its class, or `CLASS.N+`, that one and all that follow it.
//! - `VBS_FAULT_CLOCK=SECONDS`: the wall clock is that far off.
//! - `VBS_FAULT_ONE_MACHINE=1`: several hosts may be one machine, as they are in tests.
//! - `VBS_FAULT_BROKEN_UNDO=1`: undos are recorded and never done, for whoever tests the tests.
//!
//! Boundaries inside a frame are numbered when it is sent. A frame that runs on another machine never signals vbs:
//! kinds that would are refused there, and a hook takes their place. What cannot be read, or does not fit the
//! boundary that it names, ends vbs at once: a fault that never struck would make a test pass that tested nothing.

/// Where in a run a boundary lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    BeforeCommit,
    AfterCommit,
    BeforeSend,
    SentBeforeAct,
    ActedBeforeReply,
    ReplyBeforeCommit,
}

impl Class {
    pub const ALL: [Class; 6] = [
        Class::BeforeCommit,
        Class::AfterCommit,
        Class::BeforeSend,
        Class::SentBeforeAct,
        Class::ActedBeforeReply,
        Class::ReplyBeforeCommit,
    ];

    /// As it is written in `VBS_FAULT` and `VBS_FAULT_LOG`.
    pub fn from_word(word: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| format!("{class:?}") == word)
    }
}

/// Passes a boundary.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn boundary(_: Class) {}

/// Seconds by which the wall clock is off.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn clock_offset() -> i64 {
    0
}

/// Whether several hosts may be one machine.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn tells_no_machines_apart() -> bool {
    false
}

/// Whether undos are to be recorded and not done.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn breaks_undo() -> bool {
    false
}

#[cfg(debug_assertions)]
pub use injected::{Kind, boundary, breaks_undo, clock_offset, hook, pass, tells_no_machines_apart, wrong};

#[cfg(debug_assertions)]
mod injected {
    #![expect(
        clippy::disallowed_methods,
        clippy::print_stderr,
        reason = "faults come from the environment, run a hook, and say loudly what is wrong with them"
    )]

    use std::fmt::Display;
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::process::Command;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::Class;

    /// Seconds by which the wall clock is off: `VBS_FAULT_CLOCK`.
    pub fn clock_offset() -> i64 {
        std::env::var("VBS_FAULT_CLOCK").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Whether several hosts may be one machine: `VBS_FAULT_ONE_MACHINE`.
    pub fn tells_no_machines_apart() -> bool {
        std::env::var_os("VBS_FAULT_ONE_MACHINE").is_some()
    }

    /// Whether undos are to be recorded and not done: `VBS_FAULT_BROKEN_UNDO`.
    pub fn breaks_undo() -> bool {
        std::env::var_os("VBS_FAULT_BROKEN_UNDO").is_some()
    }

    /// What can happen at a boundary. Those that say nothing else strike at every class; inside a frame it is the
    /// frame that strikes, so that it goes on without vbs.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Kind {
        /// SIGKILL to vbs.
        Kill,
        /// SIGTERM to vbs, once.
        Term,
        /// SIGTERM to vbs, and again a little later.
        TermTwice,
        /// SIGSTOP to vbs; whoever tests continues it.
        Stop,
        /// `/bin/sh -c "$VBS_FAULT_HOOK"` is run and waited for: somebody changes the world in mid-run. Inside a frame it
        /// runs on the frame's host, with the guard held where the frame holds it. A hook that leaves a file and waits
        /// until somebody removes it holds the run up at this boundary, to be struck from outside.
        Hook,
        /// The connection dies: before sending it is refused, before acting nothing is done, after acting no reply
        /// comes.
        Drop,
        /// The connection dies before the act and the frame goes on. [`Class::SentBeforeAct`] alone.
        Cut,
        /// The frame does everything and its reply is swallowed. Not before sending.
        Mute,
        /// The frame does nothing and says 0. This and the rest: [`Class::BeforeSend`], [`Class::SentBeforeAct`] or
        /// [`Class::ActedBeforeReply`], all with the same effect.
        LieZero,
        /// The frame does everything and says 5.
        LieFive,
        /// The frame does nothing, says 5 and writes `injected` to standard error.
        Fail,
        /// vbs is killed, and the frame sleeps for half a second, with the guard held, before it acts.
        Slow,
    }

    impl Kind {
        fn parse(word: &str) -> Option<Kind> {
            Some(match word {
                "kill" => Kind::Kill,
                "term" => Kind::Term,
                "term2" => Kind::TermTwice,
                "stop" => Kind::Stop,
                "hook" => Kind::Hook,
                "drop" => Kind::Drop,
                "cut" => Kind::Cut,
                "mute" => Kind::Mute,
                "lie0" => Kind::LieZero,
                "lie5" => Kind::LieFive,
                "fail" => Kind::Fail,
                "slow" => Kind::Slow,
                _ => return None,
            })
        }

        fn fits(self, class: Class) -> bool {
            use Class::{ActedBeforeReply, BeforeSend, ReplyBeforeCommit, SentBeforeAct};
            match self {
                Kind::Kill | Kind::Term | Kind::TermTwice | Kind::Stop | Kind::Hook => true,
                Kind::Cut => class == SentBeforeAct,
                Kind::Mute => matches!(class, SentBeforeAct | ActedBeforeReply | ReplyBeforeCommit),
                Kind::Drop | Kind::LieZero | Kind::LieFive | Kind::Fail | Kind::Slow => {
                    matches!(class, BeforeSend | SentBeforeAct | ActedBeforeReply)
                }
            }
        }

        /// Whether it is the frame that sends vbs a signal, where it strikes inside one.
        pub fn strikes_vbs_from_the_frame(self) -> bool {
            matches!(self, Kind::Kill | Kind::Term | Kind::TermTwice | Kind::Stop | Kind::Slow)
        }

        /// Strikes vbs itself. A kind that only a frame or its reply can carry out was put at the wrong boundary.
        pub fn strike(self) {
            match self {
                Kind::Kill => {
                    signal(Signal::KILL);
                    loop {
                        std::thread::park();
                    }
                }
                Kind::Term => signal(Signal::TERM),
                Kind::TermTwice => {
                    signal(Signal::TERM);
                    // From beside, or the two would be seen as one: nobody looks before this returns.
                    std::thread::spawn(|| {
                        std::thread::sleep(Duration::from_millis(200));
                        signal(Signal::TERM);
                    });
                }
                Kind::Stop => signal(Signal::STOP),
                Kind::Hook => run_hook(),
                Kind::Drop
                | Kind::Cut
                | Kind::Mute
                | Kind::LieZero
                | Kind::LieFive
                | Kind::Fail
                | Kind::Slow => wrong(format_args!("{self:?} needs one of the boundaries around a frame")),
            }
        }
    }

    /// Passes a boundary that has no frame at hand: what strikes there strikes vbs itself.
    pub fn boundary(class: Class) {
        if let Some(kind) = pass(class) {
            kind.strike();
        }
    }

    /// Numbers a boundary and says what is to strike there.
    pub fn pass(class: Class) -> Option<Kind> {
        let faults = Faults::get();
        let number = faults.passed.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(log) = &faults.log {
            let line = format!("{number} {class:?}\n");
            let written = OpenOptions::new()
                .append(true)
                .create(true)
                .open(log)
                .and_then(|mut file| file.write_all(line.as_bytes()));
            written.unwrap_or_else(|error| wrong(format_args!("{log} cannot be written: {error}")));
        }
        let nth = faults.passed_of[class as usize].fetch_add(1, Ordering::SeqCst) + 1;
        let struck = |place: &Place| place.is(number, class, nth);
        let kind = faults.planned.iter().find(|(place, _)| struck(place)).map(|(_, kind)| *kind)?;
        if !kind.fits(class) {
            wrong(format_args!("{kind:?} does not fit boundary {number}, {class:?}"));
        }
        Some(kind)
    }

    /// What [`Kind::Hook`] runs.
    pub fn hook() -> &'static str {
        &Faults::get().hook
    }

    /// Where a fault strikes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Place {
        Number(u64),
        Nth { class: Class, nth: u64, and_on: bool },
    }

    impl Place {
        fn parse(text: &str) -> Option<Place> {
            let Some((class, nth)) = text.split_once('.') else {
                return text.parse().ok().map(Place::Number);
            };
            let (nth, and_on) = nth.strip_suffix('+').map_or((nth, false), |nth| (nth, true));
            Some(Place::Nth { class: Class::from_word(class)?, nth: nth.parse().ok()?, and_on })
        }

        fn is(self, number: u64, class: Class, nth: u64) -> bool {
            match self {
                Place::Number(wanted) => wanted == number,
                Place::Nth { class: of, nth: wanted, and_on } => {
                    of == class && (wanted == nth || (and_on && wanted < nth))
                }
            }
        }
    }

    /// As the environment asks for them.
    struct Faults {
        planned: Vec<(Place, Kind)>,
        log: Option<String>,
        hook: String,
        passed: AtomicU64,
        passed_of: [AtomicU64; Class::ALL.len()],
    }

    impl Faults {
        fn get() -> &'static Faults {
            static FAULTS: OnceLock<Faults> = OnceLock::new();
            FAULTS.get_or_init(|| {
                let text = std::env::var("VBS_FAULT").unwrap_or_default();
                let planned = parse(&text).unwrap_or_else(|why| wrong(why));
                let hook = std::env::var("VBS_FAULT_HOOK").unwrap_or_default();
                if hook.is_empty() && planned.iter().any(|(_, kind)| *kind == Kind::Hook) {
                    wrong("hook needs VBS_FAULT_HOOK");
                }
                let log = std::env::var("VBS_FAULT_LOG").ok();
                Faults { planned, log, hook, passed: AtomicU64::new(0), passed_of: Default::default() }
            })
        }
    }

    fn parse(text: &str) -> Result<Vec<(Place, Kind)>, String> {
        let mut planned: Vec<(Place, Kind)> = Vec::new();
        for item in text.split(',').filter(|item| !item.is_empty()) {
            let (word, place) = item.split_once('@').ok_or_else(|| format!("{item:?} is not KIND@PLACE"))?;
            let kind = Kind::parse(word).ok_or_else(|| format!("{word:?} is no kind of fault"))?;
            let at = Place::parse(place).ok_or_else(|| format!("{place:?} is no place of a boundary"))?;
            if planned.iter().any(|(other, _)| *other == at) {
                return Err(format!("boundary {place} is given two faults"));
            }
            planned.push((at, kind));
        }
        Ok(planned)
    }

    fn signal(signal: Signal) {
        if let Err(error) = kill_process(getpid(), signal) {
            wrong(format_args!("no signal could be sent: {error}"));
        }
    }

    fn run_hook() {
        match Command::new("/bin/sh").args(["-c", hook()]).status() {
            Ok(status) if status.success() => {}
            other => wrong(format_args!("the hook failed: {other:?}")),
        }
    }

    /// Ends vbs at once, because a fault cannot do what it was asked for.
    pub fn wrong(why: impl Display) -> ! {
        eprintln!("VBS_FAULT: {why}");
        std::process::abort()
    }
}
