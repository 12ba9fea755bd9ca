// What a person of the provider in e2e/lib/provider.mjs looks like here.
local claims = std.extVar('claims');
{ identity: { traits: { email: claims.email } } }
