# Snapshots and clones.
#
# A snapshot keeps what a volume held at one moment. A volume with a `source` begins as a copy of a volume or a
# snapshot, and is a volume of its own from then on: neither knows of the other.
#
# To go back to a snapshot in place (the volume keeps its name, id and serial; what it held goes to the trash):
#
#     vbs -f examples/snapshots.vbs.hcl apply --restore volume.db=snapshot.before_upgrade

pool "file" "demo" {
  path   = "vbs-snapshots/pool"
  create = true
}

volume "db" {
  pool = pool.demo
  size = "64MiB"
}

snapshot "before_upgrade" {
  volume = volume.db
}

# As large as the snapshot, since no size is written.
volume "db_test" {
  pool   = pool.demo
  source = snapshot.before_upgrade
}

# A copy of a volume, and larger than it.
volume "db_bench" {
  pool   = pool.demo
  source = volume.db
  size   = "96MiB"
}

output "taken_at" {
  value = snapshot.before_upgrade.created_at
}
