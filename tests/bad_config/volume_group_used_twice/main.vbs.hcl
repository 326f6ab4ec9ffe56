pool "lvm" "a" {
  volume_group = "vg0"
}

pool "lvm" "b" {
  volume_group = "vg0"
}

pool "lvm" "c" {
  volume_group = "vg0"
  thin_pool    = "tp"
}

pool "lvm" "d" {
  volume_group = "vg0"
  thin_pool    = "tp"
}

# Another thin pool, and another group, are places of their own.
pool "lvm" "e" {
  volume_group = "vg0"
  thin_pool    = "other"
}

pool "lvm" "f" {
  volume_group = "vg1"
}
