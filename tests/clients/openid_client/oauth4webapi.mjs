// oauth4webapi: each step by itself, as a low-level library has it. DPoP with the server's nonces.

import * as oauth from 'oauth4webapi'
import { converse, privateKey, told } from './conversation.mjs'

const { issuer, registered, keys = {} } = await told()
const server = await oauth.processDiscoveryResponse(
  new URL(issuer),
  await oauth.discoveryRequest(new URL(issuer)),
)
const { client_secret, redirect_uris, token_endpoint_auth_method: method, ...client } = registered
const authentication =
  method === 'private_key_jwt' ? oauth.PrivateKeyJwt(await privateKey(keys.signing)) : oauth.None()
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
const memory = {}

// RFC 9449 section 8: the first answer may ask for a nonce.
async function withNonce(call) {
  try {
    return await call()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return call()
  }
}

await converse({
  async begin({ parameters }) {
    memory.verifier = oauth.generateRandomCodeVerifier()
    memory.state = oauth.generateRandomState()
    memory.nonce = oauth.generateRandomNonce()
    const asked = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: redirect_uris[0],
      response_type: 'code',
      scope: 'openid',
      code_challenge: await oauth.calculatePKCECodeChallenge(memory.verifier),
      code_challenge_method: 'S256',
      state: memory.state,
      nonce: memory.nonce,
      ...parameters,
    })
    const { request_uri } = await withNonce(async () =>
      oauth.processPushedAuthorizationResponse(
        server,
        client,
        await oauth.pushedAuthorizationRequest(server, client, authentication, asked, { DPoP }),
      ),
    )
    const url = new URL(server.authorization_endpoint)
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri }).toString()
    return url.href
  },
  async arrive({ page }) {
    const answer = oauth.validateAuthResponse(server, client, new URL(page.url), memory.state)
    memory.tokens = await withNonce(async () => {
      const response = await oauth.authorizationCodeGrantRequest(
        server, client, authentication, answer, redirect_uris[0], memory.verifier, { DPoP },
      )
      const checks = { expectedNonce: memory.nonce, requireIdToken: true }
      const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, checks)
      await oauth.validateApplicationLevelSignature(server, response)
      return tokens
    })
    memory.claims = oauth.getValidatedIdTokenClaims(memory.tokens)
    return { ...memory.tokens, claims: memory.claims }
  },
  async client_credentials({ parameters }) {
    return withNonce(async () =>
      oauth.processClientCredentialsResponse(
        server,
        client,
        await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, { DPoP }),
      ),
    )
  },
  async device({ parameters }) {
    memory.device = await oauth.processDeviceAuthorizationResponse(
      server,
      client,
      await oauth.deviceAuthorizationRequest(server, client, authentication, parameters),
    )
    return memory.device
  },
  async device_tokens() {
    memory.tokens = await withNonce(async () =>
      oauth.processDeviceCodeResponse(
        server,
        client,
        await oauth.deviceCodeGrantRequest(server, client, authentication, memory.device.device_code, { DPoP }),
      ),
    )
    memory.claims = oauth.getValidatedIdTokenClaims(memory.tokens)
    return { ...memory.tokens, claims: memory.claims }
  },
  async backchannel({ parameters }) {
    memory.backchannel = await oauth.processBackchannelAuthenticationResponse(
      server,
      client,
      await oauth.backchannelAuthenticationRequest(server, client, authentication, parameters),
    )
    return memory.backchannel
  },
  async backchannel_tokens() {
    memory.tokens = await withNonce(async () =>
      oauth.processBackchannelAuthenticationGrantResponse(
        server,
        client,
        await oauth.backchannelAuthenticationGrantRequest(
          server,
          client,
          authentication,
          memory.backchannel.auth_req_id,
          { DPoP },
        ),
      ),
    )
    memory.claims = oauth.getValidatedIdTokenClaims(memory.tokens)
    return { ...memory.tokens, claims: memory.claims }
  },
  async userinfo() {
    return withNonce(async () =>
      oauth.processUserInfoResponse(
        server,
        client,
        memory.claims.sub,
        await oauth.userInfoRequest(server, client, memory.tokens.access_token, { DPoP }),
      ),
    )
  },
  async refresh() {
    const refreshed = await withNonce(async () =>
      oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(server, client, authentication, memory.tokens.refresh_token, { DPoP }),
      ),
    )
    memory.tokens = { ...memory.tokens, ...refreshed }
    return refreshed
  },
  async introspect({ name }) {
    return oauth.processIntrospectionResponse(
      server,
      client,
      await oauth.introspectionRequest(server, client, authentication, memory.tokens[name]),
    )
  },
  async revoke({ name }) {
    return oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, authentication, memory.tokens[name]),
    )
  },
  async end({ post_logout_redirect_uri }) {
    const url = new URL(server.end_session_endpoint)
    url.search = new URLSearchParams({ id_token_hint: memory.tokens.id_token, post_logout_redirect_uri }).toString()
    return url.href
  },
})
