output "o" {
  value = vloume.db.path
}
