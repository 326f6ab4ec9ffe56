host "store1" {
  address = "ssh://root@store1.example.net"
}
