import type { Registration } from '../access.js'
import { authenticatorExample } from '../routes/examples.js'
import { operation } from '../routes/operation.js'
import { doneReply, eventsQuery, eventsReply, keysReply, userParams as params, userReply } from './schemas.js'

const backOffice = true

/** What each admin route is. */
export function adminOperations (registration: Registration) {
  const change = { backOffice, reply: doneReply, example: { done: true }, refusals: ['unknownUser'] } as const
  return {
    keys: operation(registration, {
      backOffice,
      operationId: 'twoFactorListKeys',
      summary: 'Keys that something is sealed with',
      description: 'One that is not available is to be given again before it is lost.',
      reply: keysReply,
      example: {
        keys: [{ id: '1f8a03c9', by: 'encryptionKeys', current: true, available: true, secrets: 120, recoverySalts: 98 }]
      }
    }),

    status: operation(registration, {
      backOffice,
      operationId: 'twoFactorGetUser',
      summary: 'State of a user',
      description: 'Of a user who has two-factor authentication.',
      reply: userReply,
      example: {
        enabled: true,
        authenticators: [authenticatorExample],
        recoveryCodesLeft: 9,
        failedAttempts: 0,
        lockedUntil: null,
        authenticatorsDisabled: false
      },
      refusals: ['unknownUser']
    }, { params }),

    events: operation(registration, {
      backOffice,
      operationId: 'twoFactorListUserEvents',
      summary: 'What happened to a user',
      description: 'The newest first. Empty unless the option `audit` is on.',
      reply: eventsReply,
      example: {
        events: [{ id: '019b7a3f5c10', type: 'verified', userId: 'ada', at: '2026-01-01T12:00:00.000Z', ip: '203.0.113.7' }]
      }
    }, { params, querystring: eventsQuery }),

    unlock: operation(registration, {
      ...change,
      operationId: 'twoFactorUnlockUser',
      summary: 'Unlock a user',
      description: 'After too many wrong codes, also where they turned the authenticators off.'
    }, { params }),

    reset: operation(registration, {
      ...change,
      operationId: 'twoFactorResetUser',
      summary: 'Reset a user',
      description: 'Two-factor authentication is off then, and every pass of the user ends.'
    }, { params })
  }
}
