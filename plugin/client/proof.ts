import type { BearerOptions, HeaderFields, ProofStore } from './options.js'

/** What a client of `bearerProof()` carries on from answer to answer. Nothing where the proof is in the session. */
export interface ClientProof {
  headers: () => Promise<HeaderFields>
  keepSetup: (reply: { readonly setupToken?: string }) => void
  /** Of the setup that is pending. */
  setupToken: () => string | undefined
  keep: (reply: { readonly proofToken?: string }) => Promise<void>
  drop: () => Promise<void>
}

export function createProof (bearer: BearerOptions | undefined): ClientProof {
  let pending: string | undefined
  const { token, proofHeader = 'two-factor-proof', proofStore = memory() } = bearer ?? {}

  return {
    async headers () {
      if (token === undefined) return {}
      const proofToken = await proofStore.get()
      return {
        authorization: `Bearer ${typeof token === 'function' ? await token() : token}`,
        ...proofToken && { [proofHeader]: proofToken }
      }
    },

    keepSetup ({ setupToken }) {
      pending = setupToken
    },

    setupToken: () => pending,

    async keep ({ proofToken }) {
      pending = undefined
      if (proofToken !== undefined) await proofStore.set(proofToken)
    },

    async drop () {
      pending = undefined
      if (token !== undefined) await proofStore.set(undefined)
    }
  }
}

function memory (): ProofStore {
  let kept: string | undefined
  return {
    get: () => kept,
    set (token) { kept = token }
  }
}
