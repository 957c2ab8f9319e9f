# An identity is imported by its id: partner/environment/name.
terraform import partner_identity.orders acme/prod/orders-etl

# What nobody declared in OpenBao is adopted: the id that it shall have, and native_id of partner_inventory.
terraform import partner_identity.nightly acme/prod/nightly@identity/entity/id/7d0b6a2f-1c7e-4b51-9a44-3f8e2f6c1d90
