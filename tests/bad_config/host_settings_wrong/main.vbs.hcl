host "a" {
  become = "doas"
}

host "b" {
  parallelism = 0
}

host "c" {
  connect_timeout = "soon"
}

host "local" {}
