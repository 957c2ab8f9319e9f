# The colleague in Osaka who answers for the access writes what it is for in her language.
# applied: yes

resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "hanako.yamada@example.com"
  purpose    = "毎晩、受注データを基幹システムへ取り込むため、アクメ社の配送センターが注文ファイルを読み取ります。契約が続く限り必要です。"
  expires_at = "2027-03-31T00:00:00Z"
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read", "list"]
  owner       = "hanako.yamada@example.com"
  purpose     = "日次の受注ファイルを読み取り、出荷指示を作成する"
  expires_at  = "2027-02-28T00:00:00Z"
}
