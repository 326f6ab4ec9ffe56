# A volume server that vbs does not know, let in by templates. Any program will do that makes, removes and lists
# volumes; here it is the tools that every machine has, so that this can be tried.
#
# `list` is what everything is judged by: a volume is there when the list says so. This one has no room for a mark, so
# the marks lie in the pool's `path`, and a name is ours while a mark there says so.

pool "command" "files" {
  path    = "files" # for guard and marks, and what {path} is; /var/lib/vbs/command/pool.files where it is left out
  device  = "{path}/{name}.vol"
  create  = ["truncate", "-s", "{size_bytes}", "--", "{path}/{name}.vol"]
  grow    = ["truncate", "-s", "{size_bytes}", "--", "{path}/{name}.vol"]
  rename  = ["mv", "-nT", "--", "{path}/{name}.vol", "{path}/{new_name}.vol"]
  destroy = ["rm", "--", "{path}/{name}.vol"]
  clone   = ["cp", "-n", "--sparse=always", "--", "{path}/{source}.vol", "{path}/{name}.vol"]

  # As a snapshot this is as good as nobody writing meanwhile; a volume server has a better one.
  snapshot = ["cp", "-n", "--sparse=always", "--", "{path}/{source}.vol", "{path}/{name}.vol"]

  list {
    command = ["find", "{path}", "-mindepth", "1", "-maxdepth", "1", "-name", "*.vol", "-printf", "%f %s\\n"]
    pattern = "^(?<name>\\S+)\\.vol (?<size_bytes>\\d+)$"
    absent  = "^find: .*: No such file or directory" # before there is anything
  }
}

volume "db" {
  pool = pool.files
  size = "8MiB"
}

snapshot "before" {
  volume = volume.db
}

volume "copy" {
  pool   = pool.files
  source = snapshot.before
  size   = "16MiB" # the copy comes out with 8 MiB and is grown
}

output "where" {
  value = volume.db.path
}
