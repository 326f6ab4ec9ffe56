terraform {
  required_version = ">= 1"
}

resource "aws_ebs_volume" "db" {
  size = 1
}
