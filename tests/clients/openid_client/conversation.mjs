// A relying party that the tests speak with: a line of JSON asks for an act, a line of JSON answers.

import { createInterface } from 'node:readline'
import { importJWK } from 'jose'
import { Agent, fetch } from 'undici'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

export async function told() {
  const { value, done } = await lines.next()
  return done ? undefined : JSON.parse(value)
}

export function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

// Does what is asked until nothing more is; what a library refuses is answered with its own words.
export async function converse(acts) {
  say({ ready: true })
  for (let asked = await told(); asked; asked = await told()) {
    try {
      say({ result: (await acts[asked.act](asked)) ?? null })
    } catch (error) {
      const { code, message, error: registered, error_description: description } = error
      say({ refused: { code, message, error: registered, description, cause: String(error.cause ?? '') } })
    }
  }
}

export async function privateKey(jwk) {
  return { key: await importJWK(jwk, jwk.alg), kid: jwk.kid }
}

// fetch with the client's certificate (RFC 8705).
export function certifiedFetch({ ca, cert, key }) {
  const dispatcher = new Agent({ connect: { ca, cert, key } })
  return (url, options) => fetch(url, { ...options, dispatcher })
}
