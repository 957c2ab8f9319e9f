output "inside" {
  value = provider::partner::covers("orders/acme/*", "orders/acme/daily/+") # true
}
