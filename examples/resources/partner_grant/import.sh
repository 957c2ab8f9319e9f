# A grant is imported by the id of its identity and its name. A name that was not given is in the id of the grant.
terraform import partner_grant.daily acme/prod/orders-etl/orders-acme-daily-f7a306fd
