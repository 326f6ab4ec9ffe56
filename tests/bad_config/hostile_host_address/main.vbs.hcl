host "h0" {
  address = "-oProxyCommand=x"
}

host "h1" {
  address = "ssh://-oProxyCommand=x"
}

host "h2" {
  address = "ssh://-l@h"
}

host "h3" {
  address = "ssh://root@h;reboot"
}

host "h4" {
  address = "ssh://root@h:99999"
}

host "h5" {
  address = "http://h"
}

host "h6" {
  address = "ssh://"
}

host "h7" {
  address = "ssh://a@b@c"
}

host "h8" {
  address = "ssh://h/path"
}
