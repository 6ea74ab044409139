import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { UnknownDeviceError } from '../errors.js'
import type { StoredDevice } from '../storage/storage.js'
import type { ServiceDependencies, Subject } from './dependencies.js'
import { toStoredPass, type Pass, type Passes } from './passes.js'

/** A trusted device, as its user may see it. */
export type DeviceInfo = StoredDevice

/** What a trusted device holds, sealed: it can neither read nor choose any of it. */
export interface DeviceToken {
  readonly id: string
  /** 256 random bits, base64url. */
  readonly token: string
  /**
   * What takes the place of `token` when it is used. It is drawn beforehand, so that all answers to parallel requests
   * hand out the same one, and a client that missed an answer gets it with the next.
   */
  readonly successor: string
  /** In milliseconds since the epoch. */
  readonly expiresAt: number
}

/** What came of a device's token. */
export interface DeviceOutcome {
  /** Absent: ask for a code. */
  readonly pass?: Pass
  /** What the device is to hold from now on; `null`: nothing. Absent: what it has, or was given meanwhile. */
  readonly next?: DeviceToken | null
}

export interface Devices {
  /**
   * Trusts the device of a client that has just passed by a code.
   *
   * @param details.replaces - Id of the device that this client was until now.
   * @returns `undefined` if it could not be: the pass stands without it.
   */
  trustDevice: (
    subject: Subject, pass: Pass, details: { readonly label: string, readonly replaces?: string | undefined }
  ) => Promise<DeviceToken | undefined>
  /** Passes by a trusted device, in one statement. */
  useDevice: (subject: Subject, presented: DeviceToken) => Promise<DeviceOutcome>
  /** The trusted devices of the user, the oldest first. */
  listDevices: (userId: string) => Promise<DeviceInfo[]>
  /** @throws {UnknownDeviceError} */
  revokeDevice: (subject: Subject, id: string) => Promise<void>
  /** How many there were. */
  revokeDevices: (subject: Subject) => Promise<number>
}

/** How long the token before the current one is honoured, in milliseconds: for requests that were on their way. */
export const rotationGrace = 10_000

export function createDevices (
  { storage, journal, clock, trustedDevices }: Pick<ServiceDependencies, 'storage' | 'journal' | 'clock' | 'trustedDevices'>,
  passes: Passes
): Devices {
  async function revoke (subject: Subject, id?: string): Promise<number> {
    const { userId } = subject
    const revoked = await journal.change(subject, storage => storage.revokeDevices(userId, id),
      ids => ids.map(deviceId => ['device-revoked', { deviceId }] as const))
    passes.forgetUser(userId)
    return revoked.length
  }

  return {
    async trustDevice (subject, pass, { label, replaces }) {
      if (!trustedDevices) return undefined
      const { userId } = subject
      const now = clock()
      const held = { id: randomUUID(), token: draw(), successor: draw(), expiresAt: now + trustedDevices.ttl }
      const device = {
        id: held.id, tokenHash: hash(held.token), label, createdAt: new Date(now), expiresAt: new Date(held.expiresAt)
      }
      const passIdHash = toStoredPass(pass).idHash
      const trusted = await journal.change(subject,
        storage => storage.trustDevice(userId, { device, passIdHash, replaces, now: new Date(now) }),
        trusted => trusted ? [['device-trusted', { deviceId: held.id }]] : []
      ).catch(() => false)
      return trusted ? held : undefined
    },

    async useDevice (subject, { id, token, successor, expiresAt }) {
      const { userId } = subject
      const now = clock()
      if (expiresAt <= now) return { next: null }
      const made = passes.create(userId, 'trusted-device')
      const pass = { ...made, expiresAt: Math.min(made.expiresAt, expiresAt) }
      const outcome = await journal.change(subject, storage => storage.useDevice(userId, {
        id,
        tokenHash: hash(token),
        nextHash: hash(successor),
        now: new Date(now),
        graceSince: new Date(now - rotationGrace),
        pass: toStoredPass(pass)
      }), outcome => outcome === 'refused'
        ? []
        : [[outcome === 'reused' ? 'device-reuse-alarm' : 'device-used', { deviceId: id }]])

      if (outcome === 'reused') passes.forgetUser(userId)
      if (outcome === 'reused' || outcome === 'refused') return { next: null }
      passes.remember(pass)
      return outcome === 'overtaken' ? { pass } : { pass, next: { id, token: successor, successor: draw(), expiresAt } }
    },

    listDevices: userId => storage.listDevices(userId, new Date(clock())),

    async revokeDevice (subject, id) {
      if (await revoke(subject, id) === 0) throw new UnknownDeviceError()
    },

    revokeDevices: subject => revoke(subject)
  }
}

function draw (): string {
  return randomBytes(32).toString('base64url')
}

/** A random token needs no salt and no slow hash. */
function hash (token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
