pool "lvm" "thick" {
  volume_group = "vg0"
}

pool "lvm" "thin" {
  volume_group = "vg0"
  thin_pool    = "tp0"
  wipe         = "zero"
}

volume "a" {
  pool = pool.thick
  size = "1GiB"
  name = "data"
}

volume "b" {
  pool = pool.thin
  size = "1GiB"
  name = "data"
}
