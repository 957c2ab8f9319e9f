# Keeps API keys out of OPA's decision log. The kind of credential stays readable, which use_logs needs.
package system.log

import rego.v1

mask contains {"op": "upsert", "path": "/input/credential/secret", "value": "masked"} if input.input.credential.secret
