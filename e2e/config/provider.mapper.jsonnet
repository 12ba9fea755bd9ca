// Who somebody is here, from what an OpenID provider says about them.
local claims = std.extVar('claims');

{
  identity: {
    traits: {
      [if 'email' in claims && claims.email_verified then 'email']: claims.email,
      [if 'nickname' in claims then 'nickname']: claims.nickname,
    },
    metadata_public: { issuer: claims.iss },
  },
}
