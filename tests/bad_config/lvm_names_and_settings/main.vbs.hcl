pool "lvm" "thick" {
  volume_group = "a-volume-group-whose-name-is-long"
  wipe         = "discard"
}

pool "lvm" "thin" {
  volume_group = "vg0"
  thin_pool    = "tp"
  wipe         = "zero"
}

volume "reserved" {
  pool = pool.thin
  size = "1GiB"
  name = "snapshot1"
}

volume "hidden" {
  pool = pool.thin
  size = "1GiB"
  name = "a_tdata"
}

volume "ours" {
  pool = pool.thin
  size = "1GiB"
  name = "vbs_trash.1"
}

volume "characters" {
  pool = pool.thin
  size = "1GiB"
  name = "a b"
}

volume "long" {
  pool = pool.thick
  size = "1GiB"
  name = "this-name-has-many-dashes-and-would-fit-with-a-volume-group-of-another-shorter-name"
}

volume "db" {
  pool = pool.thin
  size = "1GiB"
}

snapshot "thin" {
  volume  = volume.db
  reserve = "1GiB"
}

volume "data" {
  pool = pool.thick
  size = "1GiB"
}

snapshot "thick" {
  volume  = volume.data
  reserve = "1GiB"
}
