import type { FastifyRequest } from 'fastify'
import { currentUser, enforce, type Registration } from '../access.js'
import type { DeviceInfo } from '../service/devices.js'
import { subjectOf } from '../subject.js'

/** A trusted device, as the user's list shows it. */
export interface TrustedDevice extends DeviceInfo {
  /** It is the client that asks. */
  readonly current: boolean
}

/** What `request.twoFactor` answers about the trusted devices of the signed-in user, and does to them. */
export interface RequestDevices {
  /**
   * The devices that are not asked for a code, the oldest first. None without the option `trustedDevices`.
   *
   * @throws {RequiredError} if the user has two-factor authentication, and this client has not passed.
   */
  devices (): Promise<readonly TrustedDevice[]>

  /**
   * Has a device asked for a code again, and ends the passes that it gave, also that of this client.
   *
   * @throws {RequiredError} if this client has not passed.
   * @throws {UnknownDeviceError} if the user has none of this id.
   */
  revokeDevice (id: string): Promise<void>

  /** Does the same to all of them. Answers how many there were. */
  revokeDevices (): Promise<number>
}

export function createRequestDevices (request: FastifyRequest, registration: Registration): RequestDevices {
  const { service, deviceCookies } = registration

  async function passed (): Promise<string> {
    const { id } = await currentUser(registration, request)
    await enforce(registration, request, true)
    return id
  }
  const currentId = (userId: string) => deviceCookies?.read(request, userId)?.id

  return {
    async devices () {
      const userId = await passed()
      if (!deviceCookies) return []
      const current = currentId(userId)
      return (await service.listDevices(userId)).map(device => ({ ...device, current: device.id === current }))
    },

    async revokeDevice (id) {
      const userId = await passed()
      await service.revokeDevice(subjectOf(request, userId), id)
      if (id === currentId(userId)) deviceCookies?.clear(request)
    },

    async revokeDevices () {
      const userId = await passed()
      const count = await service.revokeDevices(subjectOf(request, userId))
      if (currentId(userId) !== undefined) deviceCookies?.clear(request)
      return count
    }
  }
}
