# How much a pool may promise. Images are sparse: what a volume may grow to, and what it takes up now, are two things.
# A plan that a pool could not keep is refused before anything is done.

# Never promises more than there is (the default), and leaves a tenth of it free.
pool "file" "careful" {
  path         = "vbs-pools/careful"
  create       = true
  reserve_free = "10%"
}

# Promises up to three times what there is, betting that not all volumes fill up at once.
pool "file" "thin" {
  path           = "vbs-pools/thin"
  create         = true
  max_overcommit = 3.0
  reserve_free   = "64MiB"
}

volume "db" {
  pool = pool.careful
  size = "32MiB"
}

volume "scratch" {
  pool = pool.thin
  size = "32MiB"
}
