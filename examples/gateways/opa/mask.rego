# Keeps API keys out of OPA's decision log. The kind of credential stays readable, which use_logs needs.
package system.log

import rego.v1

mask contains masked("/input/credential/secret") if input.input.credential.secret

# A gateway may send more than it has to, such as all headers: whatever has a key in it is masked whole.
mask contains masked(concat("/", ["/input", name])) if {
	some name, value in input.input
	name != "credential"
	has_key(value)
}

mask contains masked(concat("/", ["/input/credential", name])) if {
	some name, value in input.input.credential
	has_key(value)
}

# And all of it, where a mask cannot say the place.
mask contains masked("/input") if {
	has_key(input.input)
	unnamed
}

unnamed if not is_object(input.input)

unnamed if not is_object(object.get(input.input, "credential", {}))

unnamed if {
	some name, _ in input.input
	regex.match(concat("|", ["/", begins]), name)
}

unnamed if {
	some name, _ in input.input.credential
	regex.match(concat("|", ["/", begins]), name)
}

has_key(value) if regex.match(concat("", ["(", begins, ")[A-Za-z0-9_+/-]{20}"]), json.marshal(value))

# How a key begins: as it is, escaped, and in base64 behind whatever stands before it, as in "Authorization: Basic".
begins := `partner_|partner%5[Ff]|cGFydG5lcl|BhcnRuZXJf|wYXJ0bmVyX`

masked(path) := {"op": "upsert", "path": path, "value": "masked"}
