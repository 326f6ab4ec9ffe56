module "shop" {
  source = "./shop"
}

removed {
  from = volume.db
}

import {
  to = volume.db
  id = "x"
}

check "c" {}
