output "o" {
  value = <<EOT
hello
}
