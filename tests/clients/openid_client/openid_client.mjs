// openid-client, with every check it has: signatures of what came by TLS too (non-repudiation).

import { compactDecrypt } from 'jose'
import * as client from 'openid-client'
import { certifiedFetch, converse, privateKey, told } from './conversation.mjs'

const { issuer, registered, keys = {}, use = {} } = await told()
const { client_id, client_secret, token_endpoint_auth_method: method, redirect_uris, ...metadata } = registered
const signing = keys.signing && (await privateKey(keys.signing))

const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(client_secret),
  client_secret_post: () => client.ClientSecretPost(client_secret),
  private_key_jwt: () => client.PrivateKeyJwt(signing),
  tls_client_auth: () => client.TlsClientAuth(),
  self_signed_tls_client_auth: () => client.TlsClientAuth(),
  none: () => client.None(),
}[method]()

const config = await client.discovery(
  new URL(issuer),
  client_id,
  { ...metadata, use_mtls_endpoint_aliases: Boolean(use.certificate) },
  authentication,
  use.certificate ? { [client.customFetch]: certifiedFetch(use.certificate) } : {},
)
client.enableNonRepudiationChecks(config)
if (use.jarm) client.useJwtResponseMode(config)
if (keys.decryption) client.enableDecryptingResponses(config, use.enc, await privateKey(keys.decryption))
const binding = use.dpop ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair(use.dpop)) } : {}

const memory = {}

async function authorizationUrl(parameters) {
  if (use.jar && use.par) {
    const { searchParams } = await client.buildAuthorizationUrlWithJAR(config, parameters, signing)
    return client.buildAuthorizationUrlWithPAR(config, searchParams, binding)
  }
  if (use.jar) return client.buildAuthorizationUrlWithJAR(config, parameters, signing)
  if (use.par) return client.buildAuthorizationUrlWithPAR(config, parameters, binding)
  return client.buildAuthorizationUrl(config, parameters)
}

function arrival({ url, form }) {
  if (!form) return new URL(url)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return new Request(url, { method: 'POST', headers, body: form })
}

function held(tokens) {
  memory.tokens = { ...memory.tokens, ...tokens }
  memory.sub ??= tokens.claims()?.sub
  return { ...tokens, claims: tokens.claims() }
}

// OpenID Connect Core section 3.1.2.1: a hint is the signed ID token inside of an encrypted one.
async function hint() {
  if (!keys.decryption) return memory.tokens.id_token
  const { key } = await privateKey(keys.decryption)
  return new TextDecoder().decode((await compactDecrypt(memory.tokens.id_token, key)).plaintext)
}

await converse({
  async begin({ parameters }) {
    memory.verifier = client.randomPKCECodeVerifier()
    memory.state = client.randomState()
    memory.nonce = client.randomNonce()
    const url = await authorizationUrl({
      redirect_uri: redirect_uris[0],
      scope: 'openid',
      code_challenge: await client.calculatePKCECodeChallenge(memory.verifier),
      code_challenge_method: 'S256',
      state: memory.state,
      nonce: memory.nonce,
      ...parameters,
    })
    return url.href
  },
  async arrive({ page }) {
    const { verifier: pkceCodeVerifier, state: expectedState, nonce: expectedNonce } = memory
    const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
    return held(await client.authorizationCodeGrant(config, arrival(page), checks, undefined, binding))
  },
  async userinfo() {
    return client.fetchUserInfo(config, memory.tokens.access_token, memory.sub, binding)
  },
  async refresh() {
    return held(await client.refreshTokenGrant(config, memory.tokens.refresh_token, undefined, binding))
  },
  async introspect() {
    return client.tokenIntrospection(config, memory.tokens.access_token)
  },
  async revoke({ name }) {
    return client.tokenRevocation(config, memory.tokens[name])
  },
  async client_credentials({ parameters }) {
    return client.clientCredentialsGrant(config, parameters, binding)
  },
  async end({ post_logout_redirect_uri }) {
    return client.buildEndSessionUrl(config, { post_logout_redirect_uri, id_token_hint: await hint() }).href
  },
})
