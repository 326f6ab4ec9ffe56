//! Who runs vbs, where the environment does not say it.

use std::fs::File;
use std::io::Read;

/// What is read of the list of accounts at most, in bytes.
const LONGEST: u64 = 1 << 20;

/// The name of this process's account; its number where this machine's own list does not have it, as of accounts that come
/// from a directory.
#[expect(clippy::disallowed_methods, reason = "reads the list of accounts")]
pub fn name() -> String {
    let uid = rustix::process::getuid().as_raw();
    let mut list = String::new();
    let read = File::open("/etc/passwd").and_then(|file| file.take(LONGEST).read_to_string(&mut list));
    let known = read.ok().and_then(|_| find(&list, uid));
    known.map_or_else(|| format!("user {uid}"), str::to_owned)
}

/// In lines of `name:password:uid:…`.
fn find(list: &str, uid: u32) -> Option<&str> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (!name.is_empty() && number.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number_and_by_nothing_else() {
        let list = "root:x:0:0:root:/root:/bin/sh\n:x:7:7::/:\nops:x:1000:0:,,,:/home/ops:/bin/sh\nbroken\n";
        assert_eq!(find(list, 0), Some("root"));
        assert_eq!(find(list, 1000), Some("ops"));
        for nobody in [7, 1, 100] {
            assert_eq!(find(list, nobody), None, "{nobody}");
        }
    }
}
