# An identity is imported by its id: partner/environment/name.
terraform import partner_identity.orders acme/prod/orders-etl
